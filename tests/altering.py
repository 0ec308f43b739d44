"""A proxy before the platform simulator whose hooks change what travels: for platforms that speak as no simulator does."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. `say` puts bytes onto its connection as they are."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    say: Callable[[bytes], object] = field(repr=False)

    @property
    def is_deposit(self) -> bool:
        return (self.method, self.path) == ("POST", "/v1/invoice")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. The platform's Date passes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def wire(self) -> bytes:
        """As it goes over the wire."""
        lines = [f"HTTP/1.1 {self.status} X", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def in_json(change: Callable[[Any], Any], said: Said) -> Said:
    """The same answer with another body."""
    return Said(said.status, said.headers, json.dumps(change(said.json())).encode())


class AlteringProxy:
    """Passes requests on to `target`.

    `before` may answer instead of the platform; `after` returns the answer to give, or None where it said something itself.
    """

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.before: Callable[[Asked], Said | None] = lambda _asked: None
        self.after: Callable[[Asked, Said], Said | None] = lambda _asked, said: said
        self.requests: list[Asked] = []
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, asked: Asked) -> Said | None:
        """What to say to a request."""
        self.requests.append(asked)
        return self.before(asked) or self.after(asked, self.platform_says(asked))

    def platform_says(self, asked: Asked) -> Said:
        """Ask the platform itself."""
        address = urlsplit(self.target)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        try:
            connection.request(asked.method, asked.path, asked.body or None, _passed(asked.headers))
            answer = connection.getresponse()
            return Said(answer.status, _passed(dict(answer.getheaders())), answer.read())
        finally:
            connection.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


class _Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 64

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what is tested."""


def _handler_of(proxy: AlteringProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = proxy.answer(Asked(self.command, self.path, dict(self.headers), body, self.connection.sendall))
            if said:
                self.connection.sendall(said.wire())

        do_GET = do_POST = do_PUT = pass_on  # noqa: N815  http.server calls them so

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextmanager
def altering(target: str) -> Iterator[AlteringProxy]:
    """A proxy before a platform, until the way out."""
    proxy = AlteringProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
