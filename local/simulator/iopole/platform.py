"""Iopole's operator API: its routes, and what the core must know of it."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.gate import DEPOSIT, TOKEN
from local.simulator.core.platform import Platform
from local.simulator.core.settings import Settings
from local.simulator.iopole import http_deposit, http_invoices, http_search, http_token, refusals

ROUTES = [
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
    web.get("/v1/config/webhook", http_search.webhooks, name="webhooks"),
]


def facts(settings: Settings) -> dict[str, str]:
    """What a client needs besides addresses and credentials."""
    return {"customer_id": settings.customer_id}


IOPOLE = Platform(
    name="iopole",
    title="Iopole",
    api="the operator API of Iopole",
    routes=ROUTES,
    token_path=http_token.PATH,
    open_to_all=frozenset({TOKEN}),
    door=refusals.door,
    error=refusals.error,
    bodies=refusals.bodies,
    receipt={"type": "INVOICE", "id": "0198c0de-0000-7000-8000-00000000beef"},
    settings=Settings(),
    facts=facts,
)
