"""A proxy before the AWS emulator that refuses what a policy, a key, a quota or a typo would. A process of its own."""

from __future__ import annotations

import functools
import http.client
import json
import mmap
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.torture.proxies import proxy_process
from local.world.postgres import free_port

HOST = "127.0.0.1"
# What the workers ask each service for -> the refusals of it, with their HTTP status.
REFUSALS: Mapping[str, Mapping[str, int]] = {
    "s3": {
        "AccessDenied": 403, "KMS.DisabledException": 400, "ExpiredToken": 400, "SlowDown": 503, "NoSuchBucket": 404,
        "InvalidObjectState": 403, "InternalError": 500,
    },
    "sqs": {"AccessDeniedException": 403, "KmsDisabled": 400, "QueueDoesNotExist": 400, "ThrottlingException": 400},
    "secretsmanager": {"AccessDeniedException": 400, "DecryptionFailure": 400, "ThrottlingException": 400, "InternalServiceError": 500},
}  # fmt: skip
SERVICES = tuple(REFUSALS)
ASKED = {"AmazonSQS.SendMessageBatch": "sqs", "secretsmanager.GetSecretValue": "secretsmanager"}


class Refusing:
    """Which services refuse now, and how. In memory that both processes share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, len(SERVICES))
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def refuse(self, service: str, code: str | None) -> None:
        """From now on; None: it answers again."""
        self._memory[SERVICES.index(service)] = 0 if code is None else 1 + list(REFUSALS[service]).index(code)

    def end(self) -> None:
        for service in SERVICES:
            self.refuse(service, None)

    def refusal_of(self, service: str | None) -> tuple[str, int] | None:
        chosen = self._memory[SERVICES.index(service)] if service else 0
        return list(REFUSALS[service].items())[chosen - 1] if service and chosen else None


@contextmanager
def refusing_proxy(endpoint_url: str) -> Iterator[Refusing]:
    """A proxy before the emulator; stopped on the way out."""
    refusing = Refusing()
    with proxy_process("the AWS emulator", functools.partial(_serve, refusing, endpoint_url)):
        yield refusing


def _serve(refusing: Refusing, endpoint_url: str, ready: Callable[[], object]) -> None:
    handler = type("Handler", (_Handler,), {"refusing": refusing, "target": urlsplit(endpoint_url).netloc})
    server = _Server((HOST, refusing.port), handler)
    ready()
    server.serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed leaves its connection; anything else is raised."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    refusing: Refusing
    target: str

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        named = self.headers.get("X-Amz-Target")
        service = ASKED.get(named) if named else "s3" if self.command == "GET" else None
        refusal = self.refusing.refusal_of(service)
        if refusal and service:
            self._refuse(service, *refusal)
        else:
            self._pass_on(body)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_any  # noqa: N815  names that http.server looks for

    def _refuse(self, service: str, code: str, status: int) -> None:
        words = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
        text = words if service == "s3" else json.dumps({"__type": code, "message": "refused"})
        self._answer(
            status,
            {"Content-Type": "application/xml" if service == "s3" else "application/x-amz-json-1.1"},
            text.encode(),
        )

    def _pass_on(self, body: bytes) -> None:
        asking = http.client.HTTPConnection(self.target, timeout=30)
        try:
            asking.request(self.command, self.path, body, dict(self.headers))
            answer = asking.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            asking.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
