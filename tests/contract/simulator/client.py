"""A small Iopole client for the simulator's own tests, and the documents it deposits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import requests

from local.invoices import BUYERS, SELLER, Company, Syntax, render, sample_invoice
from local.simulator.core.control import Simulator

TOKEN_PATH = "/realms/iopole/protocol/openid-connect/token"
SILENT_BUYER = BUYERS[1].siren
STRANGER = "999999999"


def document(
    number: str = "F-1",
    *,
    buyer: str = SILENT_BUYER,
    syntax: Syntax = "cii",
    day: date = date(2026, 10, 10),
    rank: int = 0,
) -> bytes:
    """A valid invoice; another rank has another total."""
    receiver = Company("Un acheteur", buyer)
    return render(replace(sample_invoice(rank, buyer=receiver, seller=SELLER), number=number, issue_date=day), syntax)


@dataclass(frozen=True, slots=True)
class Client:
    """One account's way in, with a token taken at the start."""

    simulator: Simulator
    headers: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def deposit(
        self, content: bytes | None = None, filename: str = "invoice.xml", timeout: float = 10
    ) -> requests.Response:
        """The answer, whatever it is; redirects are not followed."""
        files = {"file": (filename, document() if content is None else content)}
        return self.session.post(
            f"{self.simulator.base_url}/v1/invoice", headers=self.headers, files=files, timeout=timeout,
            allow_redirects=False,
        )  # fmt: skip

    def deposited(self, content: bytes | None = None, filename: str = "invoice.xml") -> str:
        """The id of a document that the platform took."""
        answer = self.deposit(content, filename)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def get(self, path: str, **params: str | int) -> requests.Response:
        return self.session.get(f"{self.simulator.base_url}{path}", headers=self.headers, params=params, timeout=10)

    def send(self, method: str, path: str, body: object = None) -> requests.Response:
        return self.session.request(
            method, f"{self.simulator.base_url}{path}", headers=self.headers, json=body, timeout=10
        )

    def history(self, invoice_id: str) -> list[dict[str, Any]]:
        return list(self.get(f"/v1/invoice/{invoice_id}/status-history").json())

    def codes(self, invoice_id: str) -> list[str]:
        return [each["status"]["code"] for each in self.history(invoice_id)]

    def search(self, query: str, **more: str | int) -> list[dict[str, Any]]:
        answer = self.get("/v1.1/invoice/search", q=query, **more)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def found(self, query: str, **more: str | int) -> list[str]:
        """The ids that a search returns."""
        return [each["metadata"]["invoiceId"] for each in self.search(query, **more)]


def client_of(simulator: Simulator, **account: str) -> Client:
    """A client with a fresh token; `account` may name another client_id, client_secret, customer_id."""
    names = ("client_id", "client_secret", "customer_id")
    known = {name: account.get(name, getattr(simulator, name)) for name in names}
    answer = ask_token(simulator, known["client_id"], known["client_secret"])
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "customer-id": known["customer_id"]}
    return Client(simulator, headers)


def ask_token(simulator: Simulator, client_id: str, client_secret: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=10)
