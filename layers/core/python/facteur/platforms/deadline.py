"""One deadline for everything that a call does on the network: each address, the handshake, and every piece sent or received.

The timeouts of sockets begin anew with each byte that comes; these are set to what the call has left before each step.
Finding a host's addresses (DNS) is the system's own, and lies outside.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_call = threading.local()  # a call is made by one thread, whatever drivers lie between


@contextmanager
def time_for_a_call(seconds: float, stop_at: float) -> Iterator[None]:
    """What is done on the network in here is over after so many seconds, and before `stop_at` (monotonic)."""
    _call.seconds, _call.stop_at = seconds, stop_at
    renew_deadline()
    try:
        yield
    finally:
        _call.ends_at = float("inf")


def renew_deadline() -> None:
    """The call has its seconds once more, from now: whoever was asked said that there is time."""
    _call.ends_at = min(time.monotonic() + _call.seconds, _call.stop_at)


def seconds_left() -> float:
    """What the call of this thread has left. Raises TimeoutError: nothing."""
    left = float(getattr(_call, "ends_at", float("inf"))) - time.monotonic()
    if left <= 0:
        raise TimeoutError("the call's time is over")
    return left


class _Bounded(socket.socket):
    """A socket whose every step ends with the call."""

    def bound(self) -> None:
        left, timeout = seconds_left(), self.gettimeout()
        if timeout is None or left < timeout:
            self.settimeout(left)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        self.bound()
        return super().recv(buflen, flags)

    def recv_into(self, buffer: Any, nbytes: int | None = 0, flags: int = 0) -> int:
        self.bound()
        return super().recv_into(buffer, nbytes or 0, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self.bound()
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.bound()
        super().sendall(data, flags)


class BoundedSocket(_Bounded):
    """Over TCP."""


class BoundedTls(_Bounded, ssl.SSLSocket):
    """Over TLS; its `sendall` is many `send`s."""

    def do_handshake(self, block: bool = False) -> None:
        self.bound()
        super().do_handshake(block)


def connected(host: str, port: int, family: int, seconds: float, options: Sequence[tuple[Any, ...]]) -> BoundedSocket:
    """Connect to a host; all its addresses share the time, so that a dead one leaves some to the next.

    Raises:
        OSError: the last address's failure; socket.gaierror where there is none.
    """
    ends_at = time.monotonic() + min(seconds, seconds_left())
    addresses = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    failure: OSError = socket.gaierror("no address")
    for rank, address in enumerate(addresses):
        share = (ends_at - time.monotonic()) / (len(addresses) - rank)
        try:
            return _connected(address, share, options)
        except OSError as error:
            failure = error
    raise failure


def _connected(found: tuple[Any, ...], seconds: float, options: Sequence[tuple[Any, ...]]) -> BoundedSocket:
    family, kind, protocol, _, address = found
    fresh = BoundedSocket(family, kind, protocol)
    try:
        for option in options:
            fresh.setsockopt(*option)
        fresh.settimeout(max(seconds, 0.001))
        fresh.bound()
        fresh.connect(address)
    except BaseException:
        fresh.close()
        raise
    return fresh
