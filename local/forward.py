"""What listens on loopback, reachable by a container as well: each port once more, on an address of this machine that it sees."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress

CHUNK_BYTES = 65_536
LOOPBACK = "127.0.0.1"


@contextmanager
def forwarded(address: str, ports: Iterable[int]) -> Iterator[None]:
    """Listen on these ports of the address, and hand everything on to the same ports of loopback.

    Raises:
        OSError: this machine has no such address, or somebody listens there already.
    """
    with closing(asyncio.new_event_loop()) as loop:
        servers = [loop.run_until_complete(_server(address, port)) for port in ports]
        thread = threading.Thread(target=loop.run_forever, name="forward", daemon=True)
        thread.start()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(_stop(servers), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


async def _stop(servers: Iterable[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    connected = asyncio.all_tasks() - {asyncio.current_task()}
    for task in connected:
        task.cancel()
    await asyncio.gather(*connected, return_exceptions=True)


async def _server(address: str, port: int) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:  # nobody listens behind it right now: the caller hears it as he would there
            writer.close()
            return
        with suppress(asyncio.CancelledError):  # by _stop; asyncio's own callback would print it
            await asyncio.gather(_hand_on(reader, there_writer), _hand_on(there_reader, writer))

    return await asyncio.start_server(connected, address, port)


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
