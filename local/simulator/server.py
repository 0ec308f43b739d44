"""The HTTP server: routes, start and stop."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field

from aiohttp import web

from local.simulator import http_admin, http_deposit, http_invoices, http_search, http_token
from local.simulator.gate import DEPOSIT, TOKEN, gate
from local.simulator.settings import Settings
from local.simulator.world import WORLD, new_world

HOST = "127.0.0.1"
LARGEST_BODY = 64 * 1024 * 1024
BACKLOG = 1024

# The names are the endpoints of the fault plan and of the call log.
API = [
    web.post(http_token.PATH, http_token.token, name=TOKEN),
    web.post("/v1/invoice", http_deposit.deposit, name=DEPOSIT),
    web.get("/v1.1/invoice/search", http_search.invoices, name="search"),
    web.get("/v1/invoice/status/notSeen", http_invoices.not_seen, name="not_seen"),
    web.put("/v1/invoice/status/{id}/markAsSeen", http_invoices.mark_as_seen, name="mark_as_seen"),
    web.get("/v1/invoice/{id}/status-history", http_invoices.history, name="history"),
    web.post("/v1/invoice/{id}/status", http_invoices.send_status, name="send_status"),
    web.get("/v1/invoice/{id}/download", http_invoices.download, name="download"),
    web.get("/v1/invoice/{id}/files", http_invoices.files, name="files"),
    web.get("/v1/invoice/{id}", http_invoices.invoice, name="invoice"),
    web.get("/v1/directory/french", http_search.directory, name="directory"),
    web.get("/v1/config/customer/id", http_search.customer_id, name="customer_id"),
]


def build_app(settings: Settings) -> web.Application:
    app = web.Application(middlewares=[gate], client_max_size=LARGEST_BODY)
    app[WORLD] = new_world(settings)
    app.add_routes([*API, *http_admin.ROUTES])
    return app


@dataclass(slots=True)
class Server:
    """Listens on loopback until it is stopped."""

    settings: Settings
    port: int = 0
    runner: web.AppRunner | None = field(default=None)

    async def start(self) -> int:
        """Begin to listen; the port is returned, which matters when 0 was asked for."""
        self.runner = web.AppRunner(build_app(self.settings), access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, HOST, self.port, backlog=BACKLOG).start()
        self.port = int(self.runner.addresses[0][1])
        return self.port

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()


async def until_told() -> None:
    """Return on SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
