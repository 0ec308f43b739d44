"""A small client of AFNOR XP Z12-013 for the simulator's own tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import requests

from facteur.platforms.afnor.cdar import InvoiceStatus, message_in
from local.simulator.core.control import Simulator
from tests.contract.simulator.client import document

FLOWS, DIRECTORY, TOKEN_PATH = "/flow-service/v1", "/directory-service/v1", "/oauth2/token"
BINARY = "application/octet-stream"
LIFECYCLE = {"flowType": ["CustomerInvoiceLC"]}


@dataclass(frozen=True, slots=True)
class AfnorClient:
    """One account's way in, with a token taken at the start."""

    simulator: Simulator
    headers: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def deposit(
        self, content: bytes | None = None, *, kind: str = "application/json", **info: Any
    ) -> requests.Response:
        """The answer, whatever it is. `info`: fields of flowInfo, over the usual ones; None leaves one out."""
        said = {"name": "F-1.xml", "flowSyntax": "CII", "trackingId": "key-1", **info}
        written = json.dumps({name: value for name, value in said.items() if value is not None})
        files = {
            "flowInfo": (None, written, kind),
            "file": (str(said["name"]), document() if content is None else content, "application/xml"),
        }
        return self.post("/flows", files=files)

    def deposited(self, content: bytes | None = None, **info: Any) -> str:
        """The id of a flow that the platform took."""
        answer = self.deposit(content, **info)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["flowId"])

    def post(self, path: str, service: str = FLOWS, **more: Any) -> requests.Response:
        return self.session.post(
            f"{self.simulator.base_url}{service}{path}", headers=self.headers, timeout=10, allow_redirects=False, **more
        )

    def get(self, path: str, service: str = FLOWS, accept: str = "*/*", **params: str) -> requests.Response:
        headers = {**self.headers, "Accept": accept}
        return self.session.get(f"{self.simulator.base_url}{service}{path}", headers=headers, params=params, timeout=10)

    def searched(self, where: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.post("/flows/search", json={"where": where, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def found(self, where: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        return list(self.searched(where, **more)["results"])

    def flow(self, flow_id: str) -> dict[str, Any]:
        answer = self.get(f"/flows/{flow_id}", accept="application/json")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ack(self, flow_id: str) -> str:
        return str(self.flow(flow_id)["acknowledgement"]["status"])

    def original(self, flow_id: str) -> requests.Response:
        return self.get(f"/flows/{flow_id}", accept=BINARY, docType="Original")

    def lifecycle(self) -> list[InvoiceStatus]:
        """What the lifecycle messages say, in the order of the search."""
        return [
            message_in(self.original(each["flowId"]).content).statuses[0] for each in self.found(LIFECYCLE, limit=100)
        ]


def afnor_client_of(simulator: Simulator, **account: str) -> AfnorClient:
    """A client with a fresh token; `account` may name another client_id and client_secret."""
    known = {name: account.get(name, getattr(simulator, name)) for name in ("client_id", "client_secret")}
    form = {"grant_type": "client_credentials", **known}
    answer = requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=10)
    return AfnorClient(simulator, {"Authorization": f"Bearer {answer.json()['access_token']}"})
