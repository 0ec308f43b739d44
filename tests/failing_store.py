"""The emulator's S3 behind a server that refuses what a test says, as S3 does: with a status, and a code in XML."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FailingStore:
    """What it refuses: (status, code) by bucket and key; None stands for any."""

    url: str
    bucket: str = ""
    refused: dict[tuple[str | None, str | None], tuple[int, str]] = field(default_factory=dict)

    def refuse(self, code: str, status: int, *, bucket: str | None = None, key: str | None = None) -> None:
        self.refused[bucket, key] = (status, code)

    def give(self) -> None:
        """From now on it gives everything."""
        self.refused.clear()

    def answer(self, bucket: str, key: str) -> tuple[int, str] | None:
        """How a request is refused; None: it is not."""
        asked = ((bucket, key), (bucket, None), (None, key), (None, None))
        return next((self.refused[each] for each in asked if each in self.refused), None)


@contextmanager
def failing_store(upstream: str) -> Iterator[FailingStore]:
    """Serve on a free port of this machine what the emulator has."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            bucket, _, key = self.path.partition("?")[0].strip("/").partition("/")
            status, body = _refusal(store.answer(bucket, key)) or _asked(upstream + self.path, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store = FailingStore(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()


def _refusal(answer: tuple[int, str] | None) -> tuple[int, bytes] | None:
    if answer is None:
        return None
    status, code = answer
    return status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def _asked(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
