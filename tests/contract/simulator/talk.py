"""A client of plain sockets: sees every byte of an answer, and when it came."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.contract.simulator.client import Client, document

LONGEST_SECONDS = 10.0
BOUNDARY = "boundary-of-the-test"


@dataclass(slots=True)
class Talk:
    """One connection. `received` is all that came, `times` the instants of the pieces that it came in."""

    client: Client
    connection: socket.socket
    received: bytes = b""
    times: list[float] = field(default_factory=list)

    def get(self, path: str) -> None:
        self.send(f"GET {path} HTTP/1.1\r\n{self.headers}\r\n".encode())

    def deposit(self, content: bytes | None = None, filename: str = "invoice.xml") -> None:
        self.send(self.deposit_head(len(self.multipart(content, filename))) + self.multipart(content, filename))

    def deposit_head(self, length: int) -> bytes:
        kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n"
        return f"POST /v1/invoice HTTP/1.1\r\n{self.headers}{kind}\r\n".encode()

    @staticmethod
    def multipart(content: bytes | None, filename: str = "invoice.xml") -> bytes:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
        return head.encode() + (document() if content is None else content) + f"\r\n--{BOUNDARY}--\r\n".encode()

    @property
    def headers(self) -> str:
        return "Host: x\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.client.headers.items())

    def send(self, raw: bytes) -> None:
        self.connection.sendall(raw)

    def until(self, ending: bytes, seconds: float = LONGEST_SECONDS) -> bytes:
        """All that came, as soon as these bytes are in it, the connection has ended, or the time is over."""
        end = time.monotonic() + seconds
        while ending not in self.received and (left := end - time.monotonic()) > 0:
            self.connection.settimeout(left)
            try:
                piece = self.connection.recv(1 << 16)
            except TimeoutError:
                break
            if not piece:
                break
            self.received += piece
            self.times.append(time.monotonic())
        return self.received

    def rest(self) -> bytes:
        """All that comes until the other side ends the connection."""
        return self.until(b"\0never")

    def forget(self) -> None:
        self.received, self.times = b"", []

    @property
    def statuses(self) -> list[int]:
        """The codes of the status lines so far, interim ones too."""
        return [int(each[:3]) for each in self.received.decode("latin-1").split("HTTP/1.1 ")[1:]]


@contextmanager
def talking(client: Client) -> Iterator[Talk]:
    url = urlsplit(client.simulator.base_url)
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=LONGEST_SECONDS) as connection:
        yield Talk(client, connection)
