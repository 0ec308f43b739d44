"""Servers that speak HTTP as no library would, and clients to try them with."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from facteur.platforms.http import HttpClient
from facteur.platforms.multipart import SingleFileBody
from tests.raw_server import RawServer

Behaviour = Callable[[RawServer, socket.socket], None]
SECONDS = 0.8  # of a call


@contextmanager
def clients() -> Iterator[Callable[[str], HttpClient]]:
    """A function that opens clients with short timeouts; they are closed on the way out."""
    opened: list[HttpClient] = []

    def client(url: str) -> HttpClient:
        opened.append(
            HttpClient(url, connect_timeout_seconds=SECONDS / 2, read_timeout_seconds=SECONDS / 2, connections=8)
        )
        return opened[-1]

    yield client
    for each in opened:
        each.drop_idle_connections()


def body_of(
    content: bytes | IO[bytes], size: int | None = None, before: Callable[[], None] = lambda: None
) -> SingleFileBody:
    file = BytesIO(content) if isinstance(content, bytes) else content
    return SingleFileBody("file", "a.xml", "application/xml", file, size or len(file.read()), before)


def scripted(*answers: bytes) -> Behaviour:
    """Answer one request after the other, and hold the connection open; each answer says which it is of."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(answers[min(len(server.received), len(answers)) - 1])

    return behave


def dripping(text: bytes, every_seconds: float = 0.05) -> Behaviour:
    """Read a request, then say a byte at a time, for ever the last one."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        drip(connection, text, every_seconds)

    return behave


def drip(connection: Any, text: bytes, every_seconds: float = 0.05) -> None:
    at = 0
    while not threading.Event().wait(every_seconds):
        connection.sendall(text[at : at + 1] or text[-1:])
        at += 1


def over_tls(pem: Path, behave: Behaviour) -> Behaviour:
    """The same behind a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def behave_over_tls(server: RawServer, plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True) as connection:
            behave(server, connection)

    return behave_over_tls


def relaying(target: int, greeting: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Behaviour:
    """A proxy: CONNECT, a greeting, and then whatever both sides say."""

    def behave(server: RawServer, near: socket.socket) -> None:
        server.read_head(near)
        with socket.create_connection(("127.0.0.1", target)) as far:
            near.sendall(greeting)
            back = threading.Thread(target=_pour, args=(far, near), daemon=True)
            back.start()
            _pour(near, far)
            back.join()

    return behave


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while block := source.recv(1 << 16):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them has gone


def said(body: bytes, status: int = 201, *headers: str) -> bytes:
    """A plainly framed answer."""
    return framed(body, f"Content-Length: {len(body)}", *headers, status=status)


def framed(body: bytes, *headers: Sequence[str] | str, status: int = 201) -> bytes:
    """An answer with these header lines and no other."""
    lines = [f"HTTP/1.1 {status} X", *map(str, headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def interim(status: int) -> bytes:
    return f"HTTP/1.1 {status} Soon\r\nLink: </style.css>; rel=preload\r\n\r\n".encode()
