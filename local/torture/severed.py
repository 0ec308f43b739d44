"""A proxy before Postgres that loses a connection between a statement's execution and its answer. A process of its own."""

from __future__ import annotations

import asyncio
import functools
import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from local.torture.proxies import proxy_process
from local.world.postgres import free_port

HOST = "127.0.0.1"
WITHOUT_TLS = {80877103, 80877104}  # a client asks for TLS, or GSS, before it says anything else
READY = b"Z"  # ReadyForQuery: a statement has been carried out


class Severed:
    """How many answers from now on are still given before one is lost; 0: all. In memory that both processes share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 4)
        self.port = free_port()

    def lose(self, nth: int) -> None:
        """The n-th answer from now on is lost, with its connection."""
        self._memory[:4] = struct.pack("I", nth)

    def is_lost(self) -> bool:
        """Count an answer; whether it is the one."""
        (left,) = struct.unpack("I", self._memory[:4])
        self._memory[:4] = struct.pack("I", max(0, left - 1))
        return bool(left == 1)


@contextmanager
def severing_proxy(target_port: int) -> Iterator[Severed]:
    """A proxy before the server of that port; stopped on the way out."""
    severed = Severed()
    with proxy_process("Postgres", functools.partial(_serve, severed, target_port)):
        yield severed


def _serve(severed: Severed, target_port: int, ready: Callable[[], object]) -> None:
    asyncio.run(_listen(severed, target_port, ready))


async def _listen(severed: Severed, target_port: int, ready: Callable[[], object]) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await _through(severed, target_port, reader, writer)
        writer.close()

    server = await asyncio.start_server(one, HOST, severed.port)
    ready()
    async with server:
        await server.serve_forever()


async def _through(
    severed: Severed, target_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection; both sides of it end together."""
    first = await reader.readexactly(8)
    while struct.unpack(">I", first[4:])[0] in WITHOUT_TLS:
        writer.write(b"N")
        first = await reader.readexactly(8)
    to_read, to_write = await asyncio.open_connection(HOST, target_port)
    to_write.write(first)
    asking = asyncio.create_task(_copy(reader, to_write))
    try:
        await _answers(severed, to_read, writer)
    finally:
        to_write.close()
        asking.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
    writer.close()


async def _answers(severed: Severed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass the server's messages on, each answer as a whole, so that of a lost one nothing is seen."""
    answer = b""
    while True:
        head = await reader.readexactly(5)
        answer += head + await reader.readexactly(struct.unpack(">I", head[1:])[0] - 4)
        if head[:1] == READY:
            if severed.is_lost():
                return
            writer.write(answer)
            answer = b""
        elif len(answer) > 1 << 20 or head[:1] in {
            b"R",
            b"E",
        }:  # an authentication waits for its answer; an error may be fatal
            writer.write(answer)
            answer = b""
