"""Answers that stand in for the right one, each written as `status:body`, and what spoils a right one."""

from __future__ import annotations

import json
import math
import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web

from local.simulator.core.faults import Effect, Fault
from local.simulator.core.platform import Platform, platform_of

PIECE = "piece"  # of what was sent, kept with the request
HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center><hr>nginx</body></html>"
USUAL_WAIT_SECONDS = 5.0
SAID = {
    401: "Token is missing or invalid", 403: "Forbidden", 404: "Not found", 415: "Unsupported media type",
    429: "Too many requests",
}  # fmt: skip
LONG_WORDS = "The file is not acceptable. " * 80_000
ODD_WORDS = "line one\r\nline two\x00\x1b[31m\u202e\ud800 \U0001f9fe"


def bodies(platform: Platform, status: int, quote: str) -> dict[str, object]:
    """The JSON bodies that have a name: the platform's own, and somebody else's."""
    own = platform.bodies(status, quote)
    return {
        **own,
        "seconds": own["json"],
        "date": own["json"],
        "gateway": {"message": "Forbidden", "requestId": "6f1c"},
    }


def said(status: int) -> str:
    """What a platform says of a status, in English and in few words."""
    return SAID.get(status, title(status))


PLAIN = ("text", "empty", "latin1", "binary", "id")


def chosen(fault: Fault, request: web.Request, right: web.StreamResponse | None) -> web.Response | None:
    """The answer that a fault wants said; None where it wants none."""
    if fault.effect is Effect.ANSWER:
        return written(fault.answer, request, fault.seconds)
    if not isinstance(right, web.Response) or fault.effect in {Effect.RESET, Effect.CLOSE}:
        return None
    return spoilt(fault.name, right, platform_of(request)) if fault.effect is Effect.MANGLE else right


def written(answer: str, request: web.Request, seconds: float = 0.0) -> web.Response:
    """An answer from its `status:body`; a body that is no known word is sent as it stands."""
    code, _, kind = answer.partition(":")
    status = int(code)
    kind = kind or ("html" if status >= 500 else "json")
    named = bodies(platform_of(request), status, quoted(request))
    if kind in named:
        raw = json.dumps(named[kind], ensure_ascii=kind in {"odd", "huge"}).encode()
        return whole(status, raw, "application/json", retry_after(kind, seconds or USUAL_WAIT_SECONDS))
    return page(status) if kind == "html" else plain(status, kind, platform_of(request))


def page(status: int) -> web.Response:
    """What a proxy says."""
    headers = {"Location": "https://maintenance.invalid/"} if 300 <= status < 400 else {}
    return whole(status, HTML.format(title=f"{status} {title(status)}").encode(), "text/html", headers)


def plain(status: int, kind: str, platform: Platform) -> web.Response:
    """The bodies that are not the platform's JSON."""
    if kind == "latin1":
        raw = json.dumps(platform.error(status, "Numéro de facture refusé"), ensure_ascii=False).encode("latin-1")
        return whole(status, raw, "application/json; charset=iso-8859-1")
    known = {"text": b"no healthy upstream", "empty": b"", "binary": bytes(range(256))}
    known["id"] = json.dumps(platform.receipt).encode()
    as_json = kind == "id" or kind[:1] in set('{["')
    return whole(status, known.get(kind, kind.encode()), "application/json" if as_json else "text/plain")


def whole(status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": kind, **(headers or {})})


def title(status: int) -> str:
    try:
        return {408: "Request Time-out", 503: "Service Temporarily Unavailable"}.get(status) or HTTPStatus(
            status
        ).phrase
    except ValueError:
        return "Unknown"


def retry_after(style: str, seconds: float) -> dict[str, str]:
    """Retry-After as seconds, as a date (of real time: the client's clock reads it), or not at all."""
    written_as = {"seconds": str(math.ceil(seconds)), "date": formatdate(time.time() + seconds, usegmt=True)}
    return {"Retry-After": written_as[style]} if style in written_as else {}


def too_many(platform: Platform, style: str, seconds: float) -> web.Response:
    body = json.dumps(platform.error(429, SAID[429])).encode()
    return whole(429, body, "application/json", retry_after(style, seconds))


def quoted(request: web.Request) -> str:
    """What a careless platform repeats of what was sent: headers that are secrets, and a piece of the body."""
    names = [name for name in ("Authorization", "customer-id") if name in request.headers]
    heads = [f"{name}: {request.headers[name]}" for name in names]
    piece = request.get(PIECE) or getattr(request, "_read_bytes", None) or b""
    return ", ".join([*heads, piece.decode("utf-8", "replace")])


def spoilt(name: str, right: web.Response, platform: Platform) -> web.Response:
    """The right status with a body that says too little."""
    body = right.body if isinstance(right.body, bytes) else b""
    if name == "202":
        return whole(202, body, "application/json")
    unnamed = json.dumps(platform.unnamed_receipt, separators=(",", ":"))
    mangled = {
        "empty": b"",
        "unreadable": f'{unnamed[:-1]},"{platform.receipt_id}":'.encode(),
        "html": HTML.format(title="OK").encode(),
        "no_id": unnamed.encode(),
    }
    return whole(right.status, mangled[name], "text/html" if name == "html" else "application/json")
