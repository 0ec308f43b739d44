"""What is asked of the simulator of SUPER PDP's own API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import requests

from facteur.platforms.credentials import Address
from local.invoices import UNKNOWN_BUYER, render, sample_invoice
from local.openapi.asked import Asked, asked
from local.openapi.exchange import Check, Exchange
from local.simulator.core.control import Simulator

INVOICES, ONE, EVENTS = "/v1.beta/invoices", "/v1.beta/invoices/{id}", "/v1.beta/invoice_events"
XML = {"Content-Type": "application/xml"}
PAYMENT = [{"amounts": [{"type_code": "MEN", "net_amount": "1.00", "currency_code": "EUR", "vat_rate": "20.00"}]}]


def entered(simulator: Simulator) -> Mapping[str, str]:
    form = {
        "grant_type": "client_credentials", "client_id": simulator.client_id, "client_secret": simulator.client_secret,
    }  # fmt: skip
    answer = requests.post(f"{simulator.auth_url}/oauth2/token", data=form, timeout=30)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def exchanges(simulator: Simulator) -> Iterator[Exchange]:
    """Deposits of each kind, then everything that can be read of them, then what is refused."""
    cii, unknown = render(sample_invoice(1), "cii"), render(replace(sample_invoice(3), buyer=UNKNOWN_BUYER), "cii")
    yield Exchange("POST", INVOICES, 200, more={"data": cii, "headers": XML, "params": {"external_id": "key-1"}})
    part = {"file_name": ("invoice.pdf", render(sample_invoice(2), "facturx"))}
    yield Exchange("POST", INVOICES, 200, more={"files": part})
    yield Exchange("POST", INVOICES, 200, more={"data": unknown, "headers": XML})
    yield Exchange("POST", INVOICES, 200, more={"data": render(sample_invoice(4), "ubl"), "headers": XML})
    simulator.add_foreign_invoice("R-1", direction="INBOUND")
    simulator.advance(100)
    yield Exchange("POST", EVENTS, 200, more={"json": {"invoice_id": 1, "status_code": "fr:212", "details": PAYMENT}})
    yield Exchange("GET", EVENTS, 200)
    yield Exchange("GET", EVENTS, 200, more={"params": {"invoice_id": 1, "starting_after_id": 2, "limit": 2}})
    parts = [f"en_invoice{each}" for each in ("", ".seller", ".buyer", ".lines")]
    yield Exchange("GET", INVOICES, 200)
    yield Exchange("GET", INVOICES, 200, more={"params": {"order": "desc", "limit": 2, "expand[]": ["events", *parts]}})
    yield from (Exchange("GET", ONE, 200, {"id": each}) for each in range(1, 6))
    yield from (Exchange("GET", f"{ONE}/download", 200, {"id": each}) for each in (1, 2))
    for path in (
        "companies/me",
        "oauth2_sessions/me",
        "directory_entries",
        "french_directory/entries?number=203000021",
    ):
        yield Exchange("GET", f"/v1.beta/{path}", 200)
    yield Exchange("POST", "/v1.beta/validation_reports", 200, more={"files": {"file_name": ("a.xml", cii)}})
    yield Exchange("POST", INVOICES, 400, more={"data": cii, "headers": XML})
    yield Exchange("POST", INVOICES, 400, more={"data": b"<x/>", "headers": XML})
    yield Exchange("POST", EVENTS, 400, more={"json": {"invoice_id": 1, "status_code": "fr:213"}})
    yield Exchange("GET", INVOICES, 400, more={"params": {"limit": 5000}})
    yield Exchange("GET", ONE, 404, {"id": 99})


def asks(simulator: Simulator) -> list[Asked]:
    secret = {"client_id": simulator.client_id, "client_secret": simulator.client_secret}
    return asked("superpdp", simulator, Address(simulator.base_url, simulator.auth_url), secret)


SUPERPDP = Check(
    platform="superpdp",
    title="SUPER PDP",
    switches={"ppf_events": False},  # its codes were added after 1.13, whose list is closed
    corrected={"http_satus_code": "http_status_code"},
    entered=entered,
    exchanges=exchanges,
    asks=asks,
)
