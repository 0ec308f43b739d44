"""The public port, which can be closed so that connections are really refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

HOST = "127.0.0.1"
BACKLOG = 1024


@dataclass(slots=True)
class Listener:
    """One TCP port; `escapable` says that somebody could still reach us while it is closed."""

    runner: web.AppRunner
    escapable: bool = False
    port: int = 0
    site: web.TCPSite | None = None
    reopening: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, port: int) -> int:
        self.site = web.TCPSite(self.runner, HOST, port, backlog=BACKLOG)
        await self.site.start()
        self.port = int(self.runner.addresses[-1][1])
        return self.port

    async def refuse(self, seconds: float, spare: asyncio.BaseTransport | None = None) -> bool:
        """Close the port and every connection to it but one; False, and nothing done, if that could never be undone."""
        if not seconds and not self.escapable:
            return False
        if self.site is not None:
            await self.site.stop()
            self.site = None
        self.drop_connections(spare)
        if seconds:
            task = asyncio.create_task(self.accept_after(seconds))
            self.reopening.add(task)
            task.add_done_callback(self.reopening.discard)
        return True

    async def accept(self) -> None:
        if self.site is None:
            await self.open(self.port)

    async def accept_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.accept()

    def drop_connections(self, spare: asyncio.BaseTransport | None) -> None:
        server = self.runner.server
        for connection in server.connections if server else ():
            transport = connection.transport
            if transport not in {None, spare} and transport.get_extra_info("sockname")[1] == self.port:
                transport.abort()


LISTENER = web.AppKey("listener", Listener)
