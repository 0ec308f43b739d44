"""What every API request passes first: outage, rate limit, token, the platform's own door, endpoint faults, the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.simulator.core import answers, wire
from local.simulator.core.accounts import Account
from local.simulator.core.faults import Fault
from local.simulator.core.http_page import ADMIN_PREFIX, asked_by_browser, page
from local.simulator.core.platform import platform_of
from local.simulator.core.world import WORLD, Call, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "token"  # noqa: S105  the endpoint's name
DEPOSIT = "deposit"
ACCOUNT, FAULT, NUMBER = "account", "fault", "number"


class ApiError(Exception):
    """The API says no: an HTTP code and a JSON body."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def caller(request: web.Request) -> Account:
    """The account that the gate let in."""
    account = request[ACCOUNT]
    assert isinstance(account, Account)  # noqa: S101  the gate ran before
    return account


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through, or not, and log it either way. The admin API passes freely."""
    if request.path.startswith(ADMIN_PREFIX):
        return await administered(request, handler)
    if asked_by_browser(request):
        return page(request)
    world, started = request.app[WORLD], time.perf_counter()
    endpoint = request.match_info.route.name or "unknown"
    answer = await guarded(world, endpoint, request, handler)
    wire.remember(request, answer)
    fault, number = request.get(FAULT), request.get(NUMBER)
    world.calls.append(
        Call(world.clock.now(), endpoint, request.method, request.path, answer.status, time.perf_counter() - started,
             str(fault) if fault else None, number, fault.written if fault else None)
    )  # fmt: skip
    return answer


async def administered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is wrong with an admin request is answered to who sent it."""
    try:
        return await plainly(request, handler, admin_error)
    except KeyError as error:
        return web.json_response(admin_error(400, f"{error} is missing"), status=400)
    except (TypeError, ValueError) as error:
        return web.json_response(admin_error(400, str(error)), status=400)


def admin_error(status: int, message: str) -> dict[str, object]:
    return {"statusMessage": message}


def refused(status: int, message: str) -> ApiError:
    """The admin API says no; each wire has a way of its own."""
    return ApiError(status, admin_error(status, message))


async def plainly(
    request: web.Request, handler: Handler, error_body: Callable[[int, str], dict[str, object]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status)
    except web.HTTPException as error:
        return web.json_response(error_body(error.status, error.reason), status=error.status)
    except ConnectionError:
        return wire.close(request)  # the client went before its body was whole


async def guarded(world: World, endpoint: str, request: web.Request, handler: Handler) -> web.StreamResponse:
    fault = world.faults.during_outage(endpoint, world.clock.now())
    if fault is None or fault.stored:
        stopped = over_limit(world, endpoint, request) or intruder(world, endpoint, request)
        if stopped is not None:
            return stopped
    if fault is None and endpoint != DEPOSIT:
        fault = world.faults.for_request(endpoint, request.path)
    return await hurt(fault, request, lambda: plainly(request, handler, platform_of(request).error))


async def hurt(
    fault: Fault | None, request: web.Request, work: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Do the work the way the fault wants it, and note the fault for the log."""
    if fault is None:
        return await work()
    request[FAULT], world, task = fault, request.app[WORLD], asyncio.current_task()
    if fault.name == "401":
        world.accounts.tokens.pop(bearer(request), None)
    if task is not None:
        world.hurt.add(task)
    try:
        with world.pretending(fault.switches):
            return await wire.perform(fault, request, work)
    finally:
        world.hurt.discard(task)


def over_limit(world: World, endpoint: str, request: web.Request) -> web.StreamResponse | None:
    """The published limit counts requests of one source address; the token host is another one."""
    settings = world.settings
    if not settings.rate_limit or endpoint == TOKEN:
        return None
    wait = world.request_quota.seconds_to_wait(request.remote or "", world.clock.now(), settings.rate_limit)
    if not wait:
        return None
    if settings.rate_limit_style == "reset":
        return wire.reset(request)
    return answers.too_many(platform_of(request), settings.retry_after, wait)


def intruder(world: World, endpoint: str, request: web.Request) -> web.Response | None:
    """The answer to a wrong token, or to whom the platform does not let in for another reason."""
    platform = platform_of(request)
    if endpoint in platform.open_to_all:
        return None
    account = world.accounts.owner(bearer(request), world.clock.now())
    if account is None:
        return web.json_response(platform.error(401, answers.SAID[401]), status=401)
    request[ACCOUNT] = account
    return platform.door(world, account, request)


def bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that an admin request carries; {} where it carries nothing."""
    body = await request.json() if request.can_read_body else {}
    if not isinstance(body, dict):
        raise refused(400, "a JSON object is expected")
    return body
