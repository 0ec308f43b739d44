"""A platform that does nothing but be slow: it takes any deposit and answers so long after the last byte, to the millisecond.

The simulator understands each document, which costs more than a deposit costs its client, and would be the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from local.simulator.core.control import ROOT, Simulator, started
from local.simulator.server import until_stopped

TOKEN = json.dumps({"access_token": "t" * 1200, "expires_in": 1740, "token_type": "Bearer"}).encode()
HEAD_END = b"\r\n\r\n"


@contextmanager
def running_sink(latency_seconds: float) -> Iterator[Simulator]:
    """A sink in a process of its own, in the shape of a simulator; it has none of a simulator's levers."""
    command = [sys.executable, "-m", "local.bench.sink", str(latency_seconds)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield started(process)
        finally:
            process.terminate()


class Connection(asyncio.Protocol):
    """One client; its requests come one after the other."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._head = b""
        self._missing = -1  # bytes of the body; less than nothing: the head is not whole yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._head += data
            head, found, body = self._head.partition(HEAD_END)
            if not found:
                return
            self._head, self._missing, data = head, _length(head), body
        self._missing -= len(data)
        if self._missing <= 0:
            deposit = self._head.startswith(b"POST /v1/invoice ")
            self._head, self._missing = b"", -1
            asyncio.get_running_loop().call_later(self._latency_seconds if deposit else 0, self._answer, deposit)

    def _answer(self, deposit: bool) -> None:
        status, body = (b"201 Created", _created()) if deposit else (b"200 OK", TOKEN)
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d" % (status, len(body))
        self._transport.write(head + HEAD_END + body)


def _created() -> bytes:
    return b'{"type":"INVOICE","id":"%s"}' % str(uuid.uuid4()).encode()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency_seconds), "127.0.0.1", 0, backlog=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    answer = {"base_url": url, "auth_url": url, "admin_url": url, "client_id": "bench", "client_secret": "bench"}
    print(json.dumps(answer | {"customer_id": "0198c0de-0000-7000-8000-000000000001"}), flush=True)
    await until_stopped(follow_stdin=True)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take any deposit and answer late.")
    parser.add_argument("latency", type=float)
    asyncio.run(_serve(parser.parse_args().latency))
