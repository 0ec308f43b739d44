"""The admin API under /_simulator/: look at everything, change everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import Field, asdict
from typing import Any

from aiohttp import web

from local.simulator.core import documents, foreign, uploads
from local.simulator.core.accounts import Account
from local.simulator.core.clock import iso, uuid7
from local.simulator.core.companies import Company
from local.simulator.core.gate import body_of, refused
from local.simulator.core.http_page import ADMIN_PREFIX
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, Reason, Status
from local.simulator.core.listener import LISTENER
from local.simulator.core.platform import platform_of
from local.simulator.core.settings import changed, listed
from local.simulator.core.world import WORLD

MINUTE = 60.0


async def health(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    return web.json_response({"status": "ok", "now": iso(world.clock.now()), "deposits": len(world.ledger.deposits)})


async def ledger(request: web.Request) -> web.Response:
    """Every deposit in the order of storing; ?number= for one number, ?foreign=1 for what others deposited."""
    world, number, others = request.app[WORLD], request.query.get("number"), "foreign" in request.query
    now, deposits = world.clock.now(), list(world.ledger.deposits.values())
    shown = [entry(each, now) for each in deposits if each.foreign == others and number in {None, each.number}]
    return web.json_response(shown)


def entry(deposit: Deposit, now: float) -> dict[str, object]:
    invoice = deposit.invoice
    return {
        "id": deposit.id,
        "number": deposit.number,
        "seller": invoice.seller.siren if invoice else None,
        "buyer": invoice.buyer.siren if invoice else None,
        "total": invoice.total if invoice else None,
        "sha256": deposit.sha256,
        "account": deposit.account,
        "filename": deposit.filename,
        **({"key": deposit.key} if deposit.key else {}),
        "direction": deposit.direction,
        "accepted_at": iso(deposit.at),
        "verdict": deposit.fate.verdict,
        "state": deposit.state(now),
        "statuses": [each.code for each in deposit.visible(now)],
        "status_ids": [each.id for each in deposit.visible(now)],
    }


async def calls(request: web.Request) -> web.Response:
    """The log of requests; ?endpoint= for one endpoint, ?since= for those after an index."""
    endpoint, since = request.query.get("endpoint"), int(request.query.get("since", 0))
    log = list(request.app[WORLD].calls)
    chosen = [asdict(each) for each in log[since:] if endpoint in {None, each.endpoint}]
    return web.json_response({"next": len(log), "calls": chosen})


async def call_counts(request: web.Request) -> web.Response:
    """How many requests each endpoint had, and the most in any 60 seconds."""
    log = request.app[WORLD].calls
    counts = Counter(each.endpoint for each in log)
    return web.json_response(
        {name: {"count": count, "peak_per_minute": peak(log, name)} for name, count in counts.items()}
    )


def peak(log: Any, endpoint: str) -> int:
    times = sorted(each.at for each in log if each.endpoint == endpoint)
    first, most = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most


async def reset(request: web.Request) -> web.Response:
    """Begin again, with the settings that the simulator was started with."""
    request.app[WORLD].reset()
    await request.app[LISTENER].accept()
    return web.json_response({})


async def settings(request: web.Request) -> web.Response:
    """GET shows the switches, PATCH throws some; those of the first account apply to it at once."""
    world = request.app[WORLD]
    if request.method == "PATCH":
        world.configure(changed(world.settings, of_the_platform(request, await body_of(request))))
    return web.json_response({each.name: getattr(world.settings, each.name) for each in switches_of(request)})


def switches_of(request: web.Request) -> list[Field[Any]]:
    return listed(platform_of(request).name)


def of_the_platform(request: web.Request, wanted: dict[str, Any]) -> dict[str, Any]:
    """What somebody wants to throw; ValueError where this platform has no such switch."""
    unknown = sorted(set(wanted) - {each.name for each in switches_of(request)})
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}")
    return wanted


async def account(request: web.Request) -> web.Response:
    """Add an account, or change one: a new secret leaves its tokens alone, as at Keycloak."""
    world, body = request.app[WORLD], await body_of(request)
    old = world.accounts.by_client_id.get(str(body.get("client_id")))
    world.accounts.add(Account(**{**(asdict(old) if old else {}), **body}))
    return web.json_response({})


async def revoke(request: web.Request) -> web.Response:
    """Make tokens stale: of one client_id, or all."""
    body = await body_of(request)
    return web.json_response({"revoked": request.app[WORLD].accounts.revoke(body.get("client_id"))})


async def company(request: web.Request) -> web.Response:
    request.app[WORLD].directory.add(Company(**await body_of(request)))
    return web.json_response({})


async def invoice(request: web.Request) -> web.Response:
    """Add an invoice that other software deposited or that was received: the fields of ForeignInvoice; or {"invoices": [...]}."""
    world, body = request.app[WORLD], await body_of(request)
    wanted = [foreign.ForeignInvoice(**each) for each in body.get("invoices", [body])]
    ids = [foreign.add(world, each).id for each in wanted]
    return web.json_response({"id": ids[0] if ids else None, "ids": ids})


async def upload(request: web.Request) -> web.Response:
    """Deposit a document as a person does on the platform's own pages: {"filename", "document", "account": client_id}; XML, no faults."""
    world, body = request.app[WORLD], await body_of(request)
    content = str(body["document"]).encode()
    document = documents.read(content, validate=world.settings.validate_schema)
    account = str(body.get("account") or world.settings.client_id)
    stored = uploads.keep(world, account, str(body["filename"]), content, document)
    return web.json_response({"id": stored.id})


async def clock(request: web.Request) -> web.Response:
    """{"advance": seconds}"""
    world, body = request.app[WORLD], await body_of(request)
    world.clock.advance(float(body.get("advance", 0)))
    return web.json_response({"now": iso(world.clock.now())})


async def status(request: web.Request) -> web.Response:
    """{"invoice": id, "code": …}, and reason, message, at, at_offset, destination, author, network_code."""
    world, body = request.app[WORLD], await body_of(request)
    deposit = world.ledger.find(str(body.get("invoice")))
    if deposit is None:
        raise refused(404, "no such deposit")
    at = world.clock.now() + float(body.get("at_offset", 0)) if "at" not in body else float(body["at"])
    code = str(body["code"])
    reason = (
        Reason(str(body["reason"]), str(body.get("message", "")), body.get("network_reason"))
        if body.get("reason")
        else None
    )
    added = Status(
        uuid7(at, deposit.id, "injected", len(deposit.statuses)), at, code, str(body.get("destination", "OPERATOR")),
        str(body.get("author", "BUYER")), reason, body.get("network_code", CODES.get(code)),
    )  # fmt: skip
    world.ledger.add_status(deposit, added)
    return web.json_response({"id": added.id})


ROUTES = [
    web.get(ADMIN_PREFIX + "health", health, name="admin_health"),
    web.get(ADMIN_PREFIX + "ledger", ledger),
    web.get(ADMIN_PREFIX + "calls", calls),
    web.get(ADMIN_PREFIX + "calls/counts", call_counts),
    web.post(ADMIN_PREFIX + "reset", reset),
    web.get(ADMIN_PREFIX + "settings", settings),
    web.patch(ADMIN_PREFIX + "settings", settings),
    web.post(ADMIN_PREFIX + "accounts", account),
    web.post(ADMIN_PREFIX + "tokens/revoke", revoke),
    web.post(ADMIN_PREFIX + "companies", company),
    web.post(ADMIN_PREFIX + "clock", clock),
    web.post(ADMIN_PREFIX + "statuses", status),
    web.post(ADMIN_PREFIX + "invoices", invoice),
    web.post(ADMIN_PREFIX + "uploads", upload),
]
