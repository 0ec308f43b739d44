"""Does what faults.py decides: odd answers, silence, and connections that really reset."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from aiohttp import web

from local.simulator.faults import Effect, Fault

POLL_SECONDS = 0.05
HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center><hr>nginx</body></html>"
TITLES = {
    302: "302 Found",
    400: "400 Bad Request",
    403: "403 Forbidden",
    408: "408 Request Time-out",
    413: "413 Request Entity Too Large",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
ISSUE = {"validation": "custom", "code": "INVALID", "message": "file is not acceptable", "path": ["file"]}
JSON_BODIES: dict[str, tuple[int, object]] = {
    "400": (400, {"statusMessage": "Request validation issues", "details": ISSUE}),
    "400_list": (400, {"statusMessage": "Request validation issues", "details": [ISSUE]}),
    "400_custom": (400, {"details": {"code": "custom", "message": "Resolved to private IP", "path": ["file"]}}),
    "400_message": (400, {"message": "UNKNOWN_INVOICE_FORMAT"}),
    "400_tools": (
        400,
        {
            "statusMessage": "Invalid invoice",
            "details": {
                "schemaValidationErrors": [],
                "schematronValidationErrors": [{"id": "BR-FR-05", "location": "/", "text": "Notes PMT, PMD, AAB"}],
                "pdfA3ValidationResult": None,
                "pdfXmpValidationResult": None,
            },
        },
    ),
    "401": (401, {"statusMessage": "Token is missing or invalid"}),
    "403": (403, {"statusMessage": "Forbidden"}),
    "404": (404, {"statusMessage": "Not found"}),
    "409": (409, {"code": "DUPLICATE_RESOURCE", "statusMessage": "Resource already exists"}),
    "415": (415, {"statusMessage": "Unsupported media type"}),
    "422": (422, {"statusMessage": "Unprocessable entity", "details": ISSUE}),
}
MANGLED = {
    "empty": b"",
    "unreadable": b'{"type":"INVOICE","id":',
    "html": HTML.format(title="OK").encode(),
    "no_id": b'{"type":"INVOICE"}',
}


async def perform(
    fault: Fault, request: web.Request, work: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a request as the fault wants; the work is done if, and only if, the fault lets it be stored."""
    if fault.unread:
        return reset(request)
    if not fault.stored:
        await request.read()
    if fault.delays_work:
        await asyncio.sleep(fault.seconds)
    answer = await work() if fault.stored else None
    return await respond(fault, request, answer)


async def respond(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.StreamResponse:
    if fault.effect is Effect.RESET:
        return reset(request)
    if fault.effect is Effect.CLOSE:
        return close(request)
    if fault.effect is Effect.SILENCE:
        await silence(request, fault.seconds)
        return close(request)
    if fault.effect is Effect.LATE and answer is not None:
        await asyncio.sleep(0 if fault.delays_work else fault.seconds)
        return answer
    if fault.effect is Effect.MANGLE and isinstance(answer, web.Response):
        return await mangled(fault.name, request, answer)
    return odd_answer(fault)


def odd_answer(fault: Fault) -> web.Response:
    """The answer that stands in for the right one."""
    if fault.name.startswith("429"):
        style = fault.name.partition("_")[2] or "none"
        return too_many(style, fault.seconds or 5)
    if fault.name in JSON_BODIES:
        status, body = JSON_BODIES[fault.name]
        return web.json_response(body, status=status)
    return html(int(fault.name[:3]))


def html(status: int) -> web.Response:
    headers = {"Location": "https://maintenance.invalid/"} if status == 302 else {}
    return web.Response(
        status=status, text=HTML.format(title=TITLES[status]), content_type="text/html", headers=headers
    )


def too_many(retry_after: str, seconds: float) -> web.Response:
    """429, with Retry-After as seconds, as a date (of real time: the client's clock reads it), or not at all."""
    headers = {
        "seconds": {"Retry-After": str(math.ceil(seconds))},
        "date": {"Retry-After": formatdate(time.time() + seconds, usegmt=True)},
    }
    return web.json_response({"statusMessage": "Too many requests"}, status=429, headers=headers.get(retry_after))


async def mangled(name: str, request: web.Request, answer: web.Response) -> web.StreamResponse:
    """The right status, but a body that says too little; `truncated` breaks off in the middle of it."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    if name == "202":
        return web.Response(status=202, body=body, content_type="application/json")
    if name != "truncated":
        kind = "text/html" if name == "html" else "application/json"
        return web.Response(status=answer.status, body=MANGLED[name], content_type=kind)
    partial = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    close(request)
    return partial


def reset(request: web.Request) -> web.Response:
    """End the connection with a TCP RST, so that the client sees `connection reset by peer`."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)


def close(request: web.Request) -> web.Response:
    """End the connection politely and without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=499)


async def silence(request: web.Request, seconds: float) -> None:
    """Say nothing until the client has gone, or the time is over."""
    until = asyncio.get_running_loop().time() + seconds
    while request.transport is not None and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(POLL_SECONDS)
