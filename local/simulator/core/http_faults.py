"""The part of the admin API that makes things go wrong."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.fault_plan import FaultPlan, Outage
from local.simulator.core.faults import fault_named
from local.simulator.core.gate import body_of, refused
from local.simulator.core.http_page import ADMIN_PREFIX
from local.simulator.core.listener import LISTENER
from local.simulator.core.settings import converted
from local.simulator.core.world import WORLD


def known(request: web.Request, endpoint: str) -> str:
    if endpoint not in request.app.router.named_resources():
        raise refused(400, f"no such endpoint: {endpoint!r}")
    return endpoint


async def script(request: web.Request) -> web.Response:
    """{"invoice" or "endpoint": …, "faults": […]}: the next requests meet these faults in turn."""
    plan, body = request.app[WORLD].faults, await body_of(request)
    if "invoice" in body:
        plan.script(body["invoice"], body["faults"])
    else:
        plan.script_endpoint(known(request, body["endpoint"]), body["faults"])
    return web.json_response({})


async def rates(request: web.Request) -> web.Response:
    """{"endpoint": "deposit", "rates": {"503": 0.1}, "seed": 7}"""
    plan, body = request.app[WORLD].faults, await body_of(request)
    plan.set_rates(known(request, body.get("endpoint", "deposit")), body["rates"], int(body.get("seed", 0)))
    return web.json_response({})


async def outage(request: web.Request) -> web.Response:
    """{"seconds": 120, "fault": "503", "endpoints": []}: all requests meet one fault; 0 seconds end it."""
    world, body = request.app[WORLD], await body_of(request)
    fault = fault_named(body.get("fault", "503"))
    until = world.clock.now() + float(body["seconds"])
    world.faults.outage = Outage(fault, until, frozenset(known(request, each) for each in body.get("endpoints", ())))
    return web.json_response({})


async def clear_faults(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    world.faults = FaultPlan()
    world.twists.clear()
    return web.json_response({})


async def twists(request: web.Request) -> web.Response:
    """{"invoice": number or id, "twists": ["reversed", "nulls"]}: how its history is shown from now on."""
    body = await body_of(request)
    request.app[WORLD].twists[str(body["invoice"])] = converted("history_twists", body["twists"])
    return web.json_response({})


async def listener(request: web.Request) -> web.Response:
    """{"refuse": true, "seconds": n}: stop listening, so that connections are refused; without seconds until another word."""
    body = await body_of(request)
    gatekeeper = request.app[LISTENER]
    if not body.get("refuse"):
        await gatekeeper.accept()
    elif not await gatekeeper.refuse(float(body.get("seconds") or 0), spare=request.transport):
        raise refused(400, "give seconds, or an --admin-port to end it by")
    return web.json_response({})


ROUTES = [
    web.post(ADMIN_PREFIX + "faults", script),
    web.delete(ADMIN_PREFIX + "faults", clear_faults),
    web.post(ADMIN_PREFIX + "faults/rates", rates),
    web.post(ADMIN_PREFIX + "faults/outage", outage),
    web.post(ADMIN_PREFIX + "twists", twists),
    web.post(ADMIN_PREFIX + "listener", listener),
]
