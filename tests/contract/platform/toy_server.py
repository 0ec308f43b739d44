"""The platform that tests/contract/platform/toy.py speaks to.

POST /token; POST /documents, multipart with one part; GET /documents?numbers=, a number a line; GET /documents/ID/content and
/documents/ID/states. Errors are `{"code": "TOY", "message": "…"}`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from facteur.documents.number import number_in


@dataclass
class Kept:
    """A document that was deposited."""

    document: str
    number: str | None
    content: bytes
    states: list[dict[str, str]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class ToyServer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.tokens = 0
        self.shift = 0.0  # seconds by which its clock is ahead
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def say(self, document: str, code: str) -> None:
        """Add a status to a document's life cycle."""
        (kept,) = [each for each in self.kept if each.document == document]
        kept.states.append({"code": code, "at": datetime.now(UTC).isoformat()})

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        parts = urlsplit(path)
        if parts.path == "/token":
            self.tokens += 1
            return _json(200, {"access_token": f"toy-token-{self.tokens:08}", "expires_in": 1740})
        if token != f"Bearer toy-token-{self.tokens:08}":
            return _json(401, _error("the token is not the latest"))
        if (method, parts.path) == ("POST", "/documents"):
            return self._deposit(body)
        if parts.path == "/documents":
            numbers = parse_qs(parts.query)["numbers"][0].split("\n")
            return _json(200, {"documents": [_entry(each) for each in self.kept if each.number in numbers]})
        _, _, document, what = parts.path.split("/")
        found = [each for each in self.kept if each.document == document]
        if not found:
            return _json(404, _error("no such document"))
        return (200, found[0].content) if what == "content" else _json(200, {"states": found[0].states})

    def _deposit(self, body: bytes) -> tuple[int, bytes]:
        boundary, _, rest = body.partition(b"\r\n")
        content = rest.partition(b"\r\n\r\n")[2].rpartition(b"\r\n" + boundary)[0]
        kept = Kept(f"toy-{len(self.kept) + 1:06}", number_in(BytesIO(content)), content)
        if kept.number is None:
            return _json(422, _error("this is no invoice"))
        self.kept.append(kept)
        self.say(kept.document, "200")
        return _json(201, {"document": kept.document})


def _error(words: str) -> dict[str, str]:
    return {"code": "TOY", "message": words}


def _entry(kept: Kept) -> dict[str, Any]:
    return {"document": kept.document, "number": kept.number, "refused": any(s["code"] == "213" for s in kept.states)}


def _json(status: int, body: object) -> tuple[int, bytes]:
    return status, json.dumps(body).encode()


def _handler_of(server: ToyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = server.answer(self.command, self.path, self.headers.get("Authorization") or "", body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST  # noqa: N815

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate((timestamp or time.time()) + server.shift, usegmt=True)

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextmanager
def running_toy() -> Iterator[ToyServer]:
    server = ToyServer()
    try:
        yield server
    finally:
        server.close()
