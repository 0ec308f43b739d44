"""A server of plain sockets that does to each connection what a test says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field


@dataclass
class RawServer:
    """Does to each connection what the test says, and remembers what it received."""

    behave: Callable[[RawServer, socket.socket], None]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection: socket.socket) -> None:
        try:
            with connection:
                self.behave(self, connection)
        except OSError:
            pass  # the client has gone
        finally:
            self.ended.set()

    def read_head(self, connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
            head += byte
        if head:
            self.received.append(head)
        return head

    def read_request(self, connection: socket.socket) -> bool:
        """A whole request; False where the client has gone."""
        head = self.read_head(connection).lower()
        left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while left and (block := connection.recv(min(left, 1 << 16))):
            left -= len(block)
            self.received[-1] += block
        return bool(head)


Serving = Callable[[Callable[[RawServer, socket.socket], None]], RawServer]


@contextmanager
def raw_servers() -> Iterator[Serving]:
    """A function that starts servers; they end on the way out."""
    servers: list[RawServer] = []

    def start(behave: Callable[[RawServer, socket.socket], None]) -> RawServer:
        server = RawServer(behave)
        servers.append(server)
        threading.Thread(target=server.serve, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def http_answer(status: int, body: object, headers: str = "") -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n{headers}\r\n".encode() + text


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def saying(text: bytes) -> Callable[[RawServer, socket.socket], None]:
    """Read requests and say this to each, then end the connection unless it says how long it is."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(text)
            if b"content-length" not in text.lower():
                return

    return behave
