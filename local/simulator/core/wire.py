"""Does what faults.py decides, on the real socket: other answers, odd ways to travel, silence, and connections that reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from weakref import WeakKeyDictionary

from aiohttp import web

from local.simulator.core import answers
from local.simulator.core.delivery import End, Pause, Raw, Step, steps
from local.simulator.core.faults import Effect, Fault

Work = Callable[[], Awaitable[web.StreamResponse]]
POLL_SECONDS = 0.02
SMALL_BUFFER = 4096
CONNECTION_ENDED = 499  # in the call log
PACE = "pace"  # of reading a request's body: seconds before the first block, and before each
LAST: WeakKeyDictionary[asyncio.BaseTransport, web.Response] = (
    WeakKeyDictionary()
)  # connection -> its answer before this one


class Played(web.StreamResponse):
    """An answer that has travelled already: nothing is left to write."""

    def __init__(self, request: web.Request, status: int) -> None:
        super().__init__(status=status)
        self._keep_alive = request.keep_alive and status != CONNECTION_ENDED

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


async def perform(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    """Answer a request as the fault wants; the work is done if, and only if, the fault lets it be stored."""
    if fault.travel("early"):
        return await too_soon(fault, request, work)
    if fault.unread and fault.effect is Effect.RESET:
        return reset(request)
    slow_down(fault, request)
    if not fault.stored:
        await request.read()
    if fault.delays_work:
        await asyncio.sleep(fault.seconds)
    right = await work() if fault.stored else None
    shown = answers.chosen(fault, request, right)
    if fault.effect is Effect.RIGHT and shown is None and right is not None:
        return right  # it is none that could be taken apart
    return await sent(fault, request, shown)


async def sent(fault: Fault, request: web.Request, answer: web.Response | None) -> web.StreamResponse:
    """Let an answer travel, or the silence that stands in for it."""
    if fault.travel("previous"):
        answer = LAST.get(request.transport, answer) if request.transport is not None else None
    late = fault.effect is Effect.RIGHT and fault.seconds > 0
    if answer is not None and not fault.travels and not late:
        return answer
    raw = await as_bytes(request, answer) if answer is not None else None
    whole = await play(steps(fault, raw), request)
    return Played(request, answer.status if answer is not None and whole else CONNECTION_ENDED)


async def too_soon(fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    """The answer leaves before the body is read; the body is read afterwards, as far as it comes."""
    answer = answers.chosen(fault, request, None)
    played = await sent(fault, request, answer)
    if answer is not None and played is answer:
        await play([(await as_bytes(request, answer)).whole], request)
        played = Played(request, answer.status)
    with suppress(ConnectionError, asyncio.TimeoutError):
        await (work() if fault.stored else request.read())
    return played


async def as_bytes(request: web.Request, answer: web.Response) -> Raw:
    """What aiohttp would write, head and body."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    await request._prepare_hook(answer)
    usual = {"Content-Length": str(len(body)), "Server": "simulator"}
    headers = {**usual, **answer.headers}
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return Raw("\r\n".join([*lines, "", ""]).encode("latin-1"), body)


async def play(script: Sequence[Step], request: web.Request) -> bool:
    """Take each step; whether the connection lives."""
    for step in script:
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        if isinstance(step, Pause):
            await wait(request, step.seconds)
        elif isinstance(step, End):
            reset(request) if step is End.RESET else close(request)
            return False
        else:
            transport.write(step)
    return True


def slow_down(fault: Fault, request: web.Request) -> None:
    """Read the body slowly, through a window that is small enough to be felt by who sends."""
    first, each = fault.travel("stall_read"), fault.travel("slow_read")
    if (first or each) and request.transport is not None:
        request[PACE] = (first.seconds if first else 0.0, each.seconds if each else 0.0)
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)


def remember(request: web.Request, answer: web.StreamResponse) -> None:
    """For the next request of this connection, which may be given this answer again."""
    if isinstance(answer, web.Response) and request.transport is not None:
        LAST[request.transport] = answer


def reset(request: web.Request) -> web.StreamResponse:
    """End the connection with a TCP RST, so that the client sees `connection reset by peer`."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return Played(request, CONNECTION_ENDED)


def close(request: web.Request) -> web.StreamResponse:
    """End the connection politely, with no more than what was said."""
    if request.transport is not None:
        request.transport.close()
    return Played(request, CONNECTION_ENDED)


async def wait(request: web.Request, seconds: float) -> None:
    """Say nothing until the client has gone, or the time is over."""
    until = asyncio.get_running_loop().time() + seconds
    while request.transport is not None and (left := until - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, POLL_SECONDS))
