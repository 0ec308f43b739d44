"""Reading what was deposited: invoices, files, histories, unseen statuses; and sending a status."""

from __future__ import annotations

import random
from itertools import groupby

from aiohttp import web

from local.simulator.core import answers
from local.simulator.core.clock import uuid7
from local.simulator.core.gate import caller
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, FINAL, Reason, Status
from local.simulator.core.platform import platform_of
from local.simulator.core.world import WORLD, World
from local.simulator.iopole import dialect, render
from local.simulator.iopole.refusals import refused

SENDABLE = {
    "IN_HAND", "APPROVED", "PARTIALLY_APPROVED", "DISPUTED", "SUSPENDED", "COMPLETED", "REFUSED", "PAYMENT_SENT",
    "PAYMENT_RECEIVED", "CANCELLED",
}  # fmt: skip
SENDABLE_KEYS = {"code", "message", "payment", "attachments", "rejectionDetail"}
VAT_RATES = {0, 0.9, 1.05, 1.75, 2.1, 5.5, 7, 8.5, 9.2, 9.6, 10, 13, 19.6, 20, 20.6}


def named(request: web.Request) -> Deposit | None:
    return request.app[WORLD].ledger.find(request.match_info["id"], caller(request).client_id)


def existing(request: web.Request) -> Deposit:
    deposit = named(request)
    if deposit is None:
        raise refused(404, "Invoice not found")
    return deposit


async def invoice(request: web.Request) -> web.Response:
    """Specified as an object, answered as an array of one; an unknown id is an empty array."""
    deposit = named(request)
    return web.json_response([render.invoice(deposit)] if deposit else [])


async def download(request: web.Request) -> web.Response:
    deposit = existing(request)
    kind = "application/pdf" if deposit.content.startswith(b"%PDF") else "application/xml"
    return web.Response(body=deposit.content, content_type=kind)


async def files(request: web.Request) -> web.Response:
    return web.json_response(render.files(existing(request)))


async def history(request: web.Request) -> web.Response:
    """Every status of an invoice so far, under the low quota; order is not promised and may be twisted on purpose."""
    world, account = request.app[WORLD], caller(request)
    settings = world.settings
    wait = world.history_quota.seconds_to_wait(
        account.client_id, world.clock.now(), settings.history_quota, settings.history_block
    )
    if wait:
        return answers.too_many(platform_of(request), settings.retry_after, wait)
    deposit = named(request)
    if deposit is None and settings.history_unknown != 200:
        raise refused(settings.history_unknown, "Invoice not found")
    if deposit and settings.history_refused == "500" and is_refused(world, deposit):
        return answers.page(500)
    shown = twisted(world, deposit, account.sandbox) if deposit else []
    if deposit and not shown and settings.history_young != 200:
        raise refused(settings.history_young, "Invoice not found")
    return web.json_response({"data": shown} if settings.history_shape == "data" else shown)


def twisted(world: World, deposit: Deposit, sandbox: bool) -> list[dict[str, object]]:
    twists = twists_of(world, deposit)
    now, nulls = world.clock.now() - world.settings.history_lag, "nulls" in twists
    if world.settings.history_refused == "empty" and is_refused(world, deposit):
        return []
    shown = [rewritten(world, deposit, each, sandbox=sandbox, nulls=nulls) for each in deposit.visible(now)]
    if "duplicated" in twists:
        shown = [*shown, *shown]
    if "shuffled" in twists:
        random.Random(f"{world.settings.seed}|{deposit.id}|{len(shown)}").shuffle(shown)  # noqa: S311  repeatable
    return shown[::-1] if "reversed" in twists else shown


def rewritten(world: World, deposit: Deposit, status: Status, *, sandbox: bool, nulls: bool) -> dict[str, object]:
    shown = render.status(deposit, status, sandbox=sandbox, nulls=nulls)
    return dialect.status(shown, status, deposit, world.settings)


def is_refused(world: World, deposit: Deposit) -> bool:
    codes = {status.code for status in deposit.visible(world.clock.now())}
    return deposit.fate.verdict.refused or bool(codes & FINAL)


def twists_of(world: World, deposit: Deposit) -> set[str]:
    by_hand = (*world.twists.get(deposit.id, ()), *world.twists.get(deposit.number or "", ()))
    return {*world.settings.history_twists, *by_hand}


async def not_seen(request: web.Request) -> web.Response:
    """Unacknowledged statuses, oldest first, grouped by invoice; a PUSH account never has any."""
    world, account = request.app[WORLD], caller(request)
    if account.mode == "PUSH":
        return web.json_response([])
    pending = world.ledger.not_seen(account.client_id, world.clock.now())
    noise = [strange(rank) for rank in range(min(world.settings.not_seen_noise, world.settings.not_seen_limit))]
    first = [each for each, _ in zip(pending, range(world.settings.not_seen_limit - len(noise)), strict=False)]
    shape = world.settings.not_seen_shape
    first = first if shape == "flat" else grouped(first)
    shown = [
        (each.id, rewritten(world, each, status, sandbox=account.sandbox, nulls="nulls" in twists_of(world, each)))
        for each, status in first
    ]
    shown = [*noise, *shown]
    if shape == "flat":
        return web.json_response([status for _, status in shown])
    groups = groupby(shown, key=lambda each: each[0])
    return web.json_response([{"invoiceId": key, shape: [status for _, status in group]} for key, group in groups])


def strange(rank: int) -> tuple[str, dict[str, object]]:
    """A status of nothing that we know, and without an id that it could be acknowledged by."""
    body = {"invoiceId": f"x-{rank}", "date": "2026-01-01T00:00:00.000Z", "destType": "OPERATOR", "json": {}}
    return f"x-{rank}", {**body, "status": {"code": "SUBMITTED"}}


def grouped(pending: list[tuple[Deposit, Status]]) -> list[tuple[Deposit, Status]]:
    """The same entries with those of one invoice together, invoices in the order of their oldest entry."""
    order: dict[str, list[tuple[Deposit, Status]]] = {}
    for each in pending:
        order.setdefault(each[0].id, []).append(each)
    return [each for group in order.values() for each in group]


async def mark_as_seen(request: web.Request) -> web.Response:
    world, status_id = request.app[WORLD], request.match_info["id"]
    draw = random.Random(f"ack {status_id}").random()  # noqa: S311  repeatable
    if draw < world.settings.acks_refused:
        raise refused(500, "Internal error")
    if draw < world.settings.acks_refused + world.settings.acks_forgotten:
        return web.Response(status=204)
    if not world.ledger.mark_seen(caller(request).client_id, status_id):
        raise refused(404, "Status not found")
    return web.Response(status=204)


async def send_status(request: web.Request) -> web.Response:
    """Accepted is not delivered: with a wrong VAT rate, or after a final status, the status never appears."""
    world, deposit = request.app[WORLD], existing(request)
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.get("code") not in SENDABLE or set(body) - SENDABLE_KEYS:
        raise refused(
            400, "Request validation issues", details={"code": "invalid", "message": "body", "path": ["code"]}
        )
    now = world.clock.now()
    status_id = uuid7(now, deposit.id, "sent", len(deposit.statuses))
    if deliverable(deposit, body, now):
        code, detail = str(body["code"]), body.get("rejectionDetail")
        reason = Reason(str(detail.get("reason")), str(detail.get("message", ""))) if isinstance(detail, dict) else None
        author = "SELLER" if deposit.direction == "OUTBOUND" else "BUYER"
        status = Status(status_id, now, code, author=author, reason=reason, network_code=CODES[code])
        world.ledger.add_status(deposit, status)
    if world.settings.send_status_code == 204:
        return web.Response(status=204)
    return web.json_response({"type": "STATUS", "id": status_id}, status=world.settings.send_status_code)


def deliverable(deposit: Deposit, body: dict[str, object], now: float) -> bool:
    payment = body.get("payment") or []
    entries = payment if isinstance(payment, list) else [payment]
    rates_known = all(each.get("vatRate", 0) in VAT_RATES for each in entries if isinstance(each, dict))
    return rates_known and not any(status.code in FINAL for status in deposit.visible(now))
