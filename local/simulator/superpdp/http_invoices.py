"""Reading invoices: the list, one of them, and its file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from local.simulator.core import showing
from local.simulator.core.clock import iso
from local.simulator.core.gate import caller
from local.simulator.core.ledger import Deposit
from local.simulator.core.world import WORLD, World
from local.simulator.superpdp import en_invoice, paging, render
from local.simulator.superpdp.refusals import refused

DIRECTIONS = {"in": "INBOUND", "out": "OUTBOUND"}
PERIOD = re.compile(r"\d{4}(-\d\d){0,2}")


async def invoices(request: web.Request) -> web.Response:
    """GET /v1.beta/invoices: by direction and period; no other filter, and none by external_id."""
    world, asked = request.app[WORLD], paging.wanted(request, request.app[WORLD].settings)
    found = [each for each in those_of(world, caller(request).client_id) if matches(each, request)]
    ranks = {each.id: rank(each, place) for place, each in enumerate(found)}
    shown = paging.page(found, lambda each: ranks[each.id], asked, world.settings)
    return web.json_response(
        {
            "data": [listed(world, each, request.query.getall("expand[]", [])) for each in shown],
            **paging.count(found, shown, world.settings),
            **paging.more(found, shown, lambda each: ranks[each.id], world.settings),
        }
    )


def those_of(world: World, account: str) -> list[Deposit]:
    """An account's invoices that the list shows by now, in the order of their storing."""
    now = world.clock.now()
    return [
        each for each in world.ledger.deposits.values() if each.account == account and showing.visible(world, each, now)
    ]


def rank(deposit: Deposit, place: int) -> int:
    """What a cursor is compared with: the id, or the place where a switch made ids no numbers."""
    return int(deposit.id) if deposit.id.isdigit() else place + 1


def matches(deposit: Deposit, request: web.Request) -> bool:
    direction, period = request.query.get("direction"), request.query.get("date", "")
    if direction is not None and direction not in DIRECTIONS:
        raise refused(400, "direction must be in or out")
    if period and not PERIOD.fullmatch(period):
        raise refused(400, "date must be YYYY, YYYY-MM or YYYY-MM-DD")
    return direction in {None, *(key for key, value in DIRECTIONS.items() if value == deposit.direction)} and iso(
        deposit.at
    ).startswith(period)


def listed(world: World, deposit: Deposit, expand: Sequence[str]) -> dict[str, object]:
    parts = {each.partition(".")[2] for each in expand if each.partition(".")[0] == "en_invoice"}
    document = en_invoice.of(deposit, parts) if parts else None
    return render.invoice(world, deposit, events="events" in expand, document=document)


def existing(request: web.Request) -> Deposit:
    world = request.app[WORLD]
    deposit = world.ledger.find(request.match_info["id"], caller(request).client_id)
    if deposit is None:
        raise refused(world.settings.unknown_id, "invoice not found")
    return deposit


async def invoice(request: web.Request) -> web.Response:
    """GET /v1.beta/invoices/{id}, with its events; `?format=original` is its file."""
    deposit, wanted = existing(request), request.query.get("format")
    if wanted == "original":
        return file(deposit)
    if wanted is not None:
        raise refused(400, "format must be original")
    document = en_invoice.of(deposit, {"seller", "buyer", "lines"})
    return web.json_response(render.invoice(request.app[WORLD], deposit, events=True, document=document))


async def download(request: web.Request) -> web.Response:
    return file(existing(request))


def file(deposit: Deposit) -> web.Response:
    return web.Response(body=deposit.content, content_type=render.media_type(deposit))
