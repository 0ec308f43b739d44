"""A small client of SUPER PDP's own API, for the simulator's own tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from local.invoices import Company
from local.simulator.core.control import Simulator
from tests.contract.simulator.client import document

BASE = "/v1.beta"
TOKEN_PATH = "/oauth2/token"
TRICATEL = Company("Tricatel", "000000001")  # the sandbox's companies: their SIRENs have no good check digit


@dataclass(frozen=True, slots=True)
class Pdp:
    """One company's way in, with a token taken at the start."""

    simulator: Simulator
    headers: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def deposit(
        self, content: bytes | None = None, key: str | None = None, timeout: float = 10, **query: str
    ) -> requests.Response:
        """A document as the raw body; the answer, whatever it is, and redirects are not followed."""
        body = document() if content is None else content
        kind = "application/pdf" if body.startswith(b"%PDF") else "application/xml"
        return self.session.post(
            f"{self.simulator.base_url}{BASE}/invoices", headers={**self.headers, "Content-Type": kind}, data=body,
            params={**({"external_id": key} if key is not None else {}), **query}, timeout=timeout, allow_redirects=False,
        )  # fmt: skip

    def upload(
        self, content: bytes, filename: str = "invoice.xml", part: str = "file_name", **query: str
    ) -> requests.Response:
        """A document as the one part of a form."""
        return self.session.post(
            f"{self.simulator.base_url}{BASE}/invoices", headers=self.headers, files={part: (filename, content)},
            params=query, timeout=10,
        )  # fmt: skip

    def deposited(self, content: bytes | None = None, key: str | None = None) -> int:
        """The id of a document that the platform took."""
        answer = self.deposit(content, key)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(
            f"{self.simulator.base_url}{BASE}/{path}", headers=self.headers, params=params, timeout=10
        )

    def listed(self, **params: Any) -> dict[str, Any]:
        """The list of invoices, whole."""
        answer = self.get("invoices", **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ids(self, **params: Any) -> list[int]:
        return [each["id"] for each in self.listed(**params)["data"]]

    def events(self, **params: Any) -> list[dict[str, Any]]:
        answer = self.get("invoice_events", **params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def codes(self, invoice_id: int) -> list[str]:
        return [each["status_code"] for each in self.events(invoice_id=invoice_id)]

    def send(self, invoice_id: int, code: str, **more: Any) -> requests.Response:
        body = {"invoice_id": invoice_id, "status_code": code, **more}
        return self.session.post(
            f"{self.simulator.base_url}{BASE}/invoice_events", headers=self.headers, json=body, timeout=10
        )


def pdp_of(simulator: Simulator, client_id: str = "", client_secret: str = "") -> Pdp:
    answer = ask_token(simulator, client_id or simulator.client_id, client_secret or simulator.client_secret)
    return Pdp(simulator, {"Authorization": f"Bearer {answer.json()['access_token']}"})


def ask_token(simulator: Simulator, client_id: str, client_secret: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=10)
