"""A service of AWS over a real socket that answers at once or drips: botocore begins its times anew with each byte."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from facteur.aws.clients import CONFIG

DRIPPED_BYTES = "300"  # ten a second


@contextmanager
def dripping(answer: Callable[[str, bytes], bytes | None]) -> Iterator[str]:
    """The address of a service. `answer(path, body)`: what a request is answered; None: bytes that do not end for half a minute."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            whole = answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Length", DRIPPED_BYTES if whole is None else str(len(whole)))
            self.end_headers()
            self.wfile.write(whole or b"")
            with suppress(OSError):  # the client has gone
                while whole is None and not over.wait(0.1):
                    self.wfile.write(b" ")

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def client_of(service: str, url: str) -> Any:
    """As the product's own clients are."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-west-3",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=CONFIG,
    )  # type: ignore[call-overload]
