"""The feed of events, and the statuses that a client may add to it."""

from __future__ import annotations

import random

from aiohttp import web

from local.simulator.core.clock import uuid7
from local.simulator.core.gate import caller
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import NAMES, Reason, Status
from local.simulator.core.settings import Settings
from local.simulator.core.world import WORLD
from local.simulator.superpdp import checks, paging, render
from local.simulator.superpdp.feed import Event, Feed
from local.simulator.superpdp.refusals import refused


async def events(request: web.Request) -> web.Response:
    """GET /v1.beta/invoice_events: of all invoices of the company, or of one."""
    world = request.app[WORLD]
    settings, asked, wanted = (
        world.settings,
        paging.wanted(request, world.settings),
        paging.whole(request, "invoice_id"),
    )
    feed = world.kept(Feed)
    found = [each for each in feed.shown(world, caller(request).client_id) if wanted is None or is_of(each, wanted)]
    shown = paging.page(found, lambda each: each.id, asked, settings)
    beside = paging.more(found, shown, lambda each: each.id, settings)
    return web.json_response(
        {
            "data": [event(each, feed, settings) for each in in_order(shown, settings)],
            **{key: value for key, value in beside.items() if key == "has_after"},
        }
    )


def is_of(event: Event, invoice_id: int) -> bool:
    return event.deposit is not None and event.deposit.id == str(invoice_id)


def in_order(shown: list[Event], settings: Settings) -> list[Event]:
    if settings.events_order == "shuffled":
        return random.Random(f"{settings.seed}|{len(shown)}").sample(shown, len(shown))  # noqa: S311  repeatable
    return shown[::-1] if settings.events_order == "reversed" else shown


def event(of: Event, feed: Feed, settings: Settings) -> dict[str, object]:
    return render.event(of, settings, feed.details.get(of.status.id) if of.status else None)


async def send(request: web.Request) -> web.Response:
    """POST /v1.beta/invoice_events: what is accepted stands in the feed at once; there is no key against a second time."""
    world = request.app[WORLD]
    wanted = checks.read(await checks.body_of(request))
    deposit = world.ledger.find(str(wanted.invoice_id), caller(request).client_id)
    if deposit is None:
        raise refused(400, "no matching invoice found")
    checks.check(wanted, deposit)
    feed, status = world.kept(Feed), made(deposit, wanted, world.clock.now())
    feed.details[status.id] = wanted.shown
    world.ledger.add_status(deposit, status)
    mine = feed.caught_up(world).by_account[deposit.account]
    return web.json_response(event(next(each for each in mine if each.status is status), feed, world.settings))


def made(deposit: Deposit, wanted: checks.Wanted, now: float) -> Status:
    code = wanted.code.removeprefix("fr:")
    author = "SELLER" if deposit.direction == "OUTBOUND" else "BUYER"
    reason = Reason(wanted.reason, "", wanted.reason) if wanted.reason else None
    status_id = uuid7(now, deposit.id, "sent", len(deposit.statuses))
    return Status(status_id, now, NAMES[code], author=author, reason=reason, network_code=code)
