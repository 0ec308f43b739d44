"""The HTTP server of one platform: start and stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

from local.simulator.core import http_admin, http_faults
from local.simulator.core.gate import gate
from local.simulator.core.listener import HOST, LISTENER, Listener
from local.simulator.core.platform import PLATFORM, Platform
from local.simulator.core.settings import Settings
from local.simulator.core.world import WORLD, new_world

LARGEST_BODY = 64 * 1024 * 1024


async def date(request: web.Request, answer: web.StreamResponse) -> None:
    """Every answer is dated by the simulator's own clock, which may have been moved, or by one that stands still."""
    world = request.app[WORLD]
    kind = world.settings.date_header
    if kind == "right":
        world.dated_at = world.clock.now()
    answer.headers["Date"] = formatdate(world.dated_at or world.clock.now(), usegmt=True)
    if kind == "none":
        del answer.headers["Date"]


@dataclass(slots=True)
class Server:
    """Listens on loopback until it is stopped."""

    platform: Platform
    settings: Settings
    runner: web.AppRunner = field(init=False)

    async def start(self, port: int, admin_port: int | None = None) -> tuple[int, int]:
        """Begin to listen; the ports are returned, which matters when 0 was asked for."""
        app = web.Application(middlewares=[gate], client_max_size=LARGEST_BODY)
        app.add_routes([*self.platform.routes, *http_admin.ROUTES, *http_faults.ROUTES])
        app.on_response_prepare.append(date)
        app[PLATFORM] = self.platform
        app[WORLD] = new_world(self.settings)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        app[LISTENER] = Listener(self.runner, escapable=admin_port is not None)
        await self.runner.setup()
        public = await app[LISTENER].open(port)
        if admin_port is None:
            return public, public
        await web.TCPSite(self.runner, HOST, admin_port).start()
        return public, int(self.runner.addresses[-1][1])

    async def stop(self) -> None:
        await self.runner.cleanup()


async def until_stopped(*, follow_stdin: bool = False) -> None:
    """Return on SIGINT or SIGTERM and, if wanted, when standard input ends, as it does when a parent process dies."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)

    def follow() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        with suppress(RuntimeError):  # a signal has stopped it already
            loop.call_soon_threadsafe(stopped.set)

    if follow_stdin:
        threading.Thread(target=follow, daemon=True).start()
    await stopped.wait()
