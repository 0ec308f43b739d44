"""SUPER PDP's own API: its routes, and what the core must know of it."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.gate import DEPOSIT, TOKEN
from local.simulator.core.platform import Platform
from local.simulator.core.settings import Settings
from local.simulator.superpdp import (
    http_company,
    http_deposit,
    http_events,
    http_invoices,
    http_token,
    http_validation,
    refusals,
)

BASE = "/v1.beta"
DIRECTORY, REPORTS = "directory", "validation_reports"

ROUTES = [
    web.post(http_token.PATH, http_token.token, name=TOKEN),
    web.get(f"{BASE}/companies/me", http_company.company, name="company"),
    web.get(f"{BASE}/oauth2_sessions/me", http_company.session, name=refusals.SESSION),
    web.post(f"{BASE}/invoices", http_deposit.deposit, name=DEPOSIT),
    web.get(f"{BASE}/invoices", http_invoices.invoices, name="invoices"),
    web.get(f"{BASE}/invoices/{{id}}/download", http_invoices.download, name="download"),
    web.get(f"{BASE}/invoices/{{id}}", http_invoices.invoice, name="invoice"),
    web.get(f"{BASE}/invoice_events", http_events.events, name="events"),
    web.post(f"{BASE}/invoice_events", http_events.send, name="send_event"),
    web.get(f"{BASE}/directory_entries", http_company.directory_entries, name="directory_entries"),
    web.get(f"{BASE}/french_directory/entries", http_company.french_directory, name=DIRECTORY),
    web.post(f"{BASE}/validation_reports", http_validation.reports, name=REPORTS),
]


def facts(settings: Settings) -> dict[str, str]:
    """What a client needs besides addresses and credentials."""
    return {"company": settings.company_number}


SUPERPDP = Platform(
    name="superpdp",
    title="SUPER PDP",
    api="SUPER PDP's own API",
    routes=ROUTES,
    token_path=http_token.PATH,
    open_to_all=frozenset({TOKEN, DIRECTORY, REPORTS}),
    door=refusals.door,
    error=refusals.error,
    bodies=refusals.bodies,
    receipt={"company_id": 1, "created_at": "2026-10-10T08:00:00.000Z", "direction": "out", "id": 4_000_000_001},
    settings=Settings(token_seconds=1799, deposit_ids="number", first_id=1),
    facts=facts,
)
