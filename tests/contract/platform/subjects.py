"""What the contract suite tries: an adapter before a server of its kind, with a proxy between them that changes what travels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from facteur.documents.store import FetchedDocument
from facteur.domain.submission import StatusEvent
from facteur.platforms.blanking import Blanking
from facteur.platforms.credentials import Address, Credentials
from facteur.platforms.http import HttpClient
from facteur.platforms.port import Platform, Provider, Wiring
from facteur.platforms.registry import PROVIDERS
from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.contract.platform.toy import TOY
from tests.contract.platform.toy_server import running_toy

SECONDS = 2.0  # of a call


@dataclass(frozen=True, slots=True)
class Kept:
    """A deposit as the platform keeps it."""

    platform_id: str
    sha256: str


class Kind(Protocol):
    """A kind of platform for the suite. A new adapter brings one, and a server that behaves as its platform does."""

    provider: Provider
    secret: Mapping[str, Any]
    api: str  # addresses of the server
    auth: str
    refused: int  # with which status it refuses an invoice in its own words
    nothing_found: bytes  # its search's empty answer
    shown_as: str  # the JSON field in which its search names a deposit

    def kept(self) -> Sequence[Kept]:
        """All that was deposited, in that order."""

    def approve(self, platform_id: str) -> None:
        """The buyer approves: code 205 of the reform."""

    def own_error(self, words: str) -> bytes:
        """An error in the platform's own words."""

    def is_deposit(self, asked: Asked) -> bool: ...
    def is_search(self, asked: Asked) -> bool: ...
    def is_copy(self, asked: Asked) -> bool: ...
    def is_history(self, asked: Asked) -> bool: ...


class IopoleKind:
    """Iopole, before its simulator."""

    provider = PROVIDERS["iopole"]
    refused, shown_as, nothing_found = 400, "invoiceId", b'{"data": []}'

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self.api, self.auth = simulator, simulator.base_url, simulator.auth_url
        self.secret: Mapping[str, Any] = {
            "client_id": simulator.client_id, "client_secret": simulator.client_secret, "customer_id": simulator.customer_id,
        }  # fmt: skip

    def kept(self) -> Sequence[Kept]:
        return [Kept(each["id"], each["sha256"]) for each in self._simulator.ledger()]

    def approve(self, platform_id: str) -> None:
        self._simulator.add_status(platform_id, "APPROVED")

    def own_error(self, words: str) -> bytes:
        return json.dumps({"statusMessage": words}).encode()

    def is_deposit(self, asked: Asked) -> bool:
        return asked.is_deposit

    def is_search(self, asked: Asked) -> bool:
        return "/search" in asked.path

    def is_copy(self, asked: Asked) -> bool:
        return asked.path.endswith(("/files", "/download"))

    def is_history(self, asked: Asked) -> bool:
        return asked.path.endswith("/status-history")


class SuperPdpKind:
    """SUPER PDP by its own API, before its simulator."""

    provider = PROVIDERS["superpdp"]
    refused, shown_as = 400, "id"
    nothing_found = b'{"data": [], "count": 0, "has_before": false, "has_after": false}'

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self.api, self.auth = simulator, simulator.base_url, simulator.auth_url
        self.secret: Mapping[str, Any] = {
            "client_id": simulator.client_id,
            "client_secret": simulator.client_secret,
        }

    def kept(self) -> Sequence[Kept]:
        return [Kept(each["id"], each["sha256"]) for each in self._simulator.ledger()]

    def approve(self, platform_id: str) -> None:
        self._simulator.add_status(platform_id, "APPROVED")

    def own_error(self, words: str) -> bytes:
        return json.dumps({"http_status_code": 400, "message": words}).encode()

    def is_deposit(self, asked: Asked) -> bool:
        return asked.method == "POST" and asked.path.partition("?")[0] == "/v1.beta/invoices"

    def is_search(self, asked: Asked) -> bool:
        return asked.method == "GET" and asked.path.partition("?")[0] == "/v1.beta/invoices"

    def is_copy(self, asked: Asked) -> bool:
        return asked.path.endswith("/download")

    def is_history(self, asked: Asked) -> bool:
        return asked.path.startswith("/v1.beta/invoice_events")


class AfnorKind:
    """A platform with the API of AFNOR XP Z12-013, before its simulator."""

    provider = PROVIDERS["afnor"]
    refused, shown_as, nothing_found = 400, "flowId", b'{"limit": 100, "filters": {}, "results": []}'

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self.api = simulator, f"{simulator.base_url}/flow-service"
        self.auth = f"{simulator.auth_url}/oauth2/token"
        self.secret: Mapping[str, Any] = {
            "client_id": simulator.client_id, "client_secret": simulator.client_secret, "organization_id": simulator.customer_id,
            "flow_url": f"{self.api}/v1/", "token_url": self.auth,
        }  # fmt: skip

    def kept(self) -> Sequence[Kept]:
        return [Kept(each["id"], each["sha256"]) for each in self._simulator.ledger()]

    def approve(self, platform_id: str) -> None:
        self._simulator.add_status(platform_id, "APPROVED")
        self._simulator.advance(1)

    def own_error(self, words: str) -> bytes:
        return json.dumps({"errorCode": "PARAMS_ERROR", "errorMessage": words}).encode()

    def is_deposit(self, asked: Asked) -> bool:
        return asked.path.endswith("/v1/flows")

    def is_search(self, asked: Asked) -> bool:
        return asked.path.endswith("/v1/flows/search")

    def is_copy(self, asked: Asked) -> bool:
        return asked.path.endswith("docType=Original")

    def is_history(self, asked: Asked) -> bool:
        return asked.path.endswith("docType=Metadata")


class ToyKind:
    """The platform that does not exist."""

    provider = TOY
    secret: Mapping[str, Any] = {"client_id": "toy-client", "client_secret": "toy-secret-of-the-suite"}
    refused, shown_as, nothing_found = 422, "document", b'{"documents": []}'

    def __init__(self, stack: ExitStack) -> None:
        self._server = stack.enter_context(running_toy())
        self.api = self.auth = self._server.url

    def kept(self) -> Sequence[Kept]:
        return [Kept(each.document, each.sha256) for each in self._server.kept]

    def approve(self, platform_id: str) -> None:
        self._server.say(platform_id, "205")

    def own_error(self, words: str) -> bytes:
        return json.dumps({"code": "TOY", "message": words}).encode()

    def is_deposit(self, asked: Asked) -> bool:
        return asked.method == "POST" and asked.path == "/documents"

    def is_search(self, asked: Asked) -> bool:
        return asked.path.startswith("/documents?")

    def is_copy(self, asked: Asked) -> bool:
        return asked.path.endswith("/content")

    def is_history(self, asked: Asked) -> bool:
        return asked.path.endswith("/states")


@dataclass
class Subject:
    """An adapter, its platform, and the proxy between them."""

    kind: Kind
    proxy: AlteringProxy
    platform: Platform
    credentials: Credentials
    clients: list[HttpClient] = field(default_factory=list)

    def deposit(self, rank: int = 1, content: bytes | None = None) -> Any:
        return self.platform.deposit(document(rank, content), self.key(rank), lambda: None)

    def key(self, rank: int) -> str | None:
        """What a document is sent with, where the platform takes a key of ours."""
        return f"facteur-{rank:028}" if self.kind.provider.capabilities.own_key else None

    def statuses_of(self, kept: Kept, rank: int) -> list[StatusEvent]:
        """What is known of a deposit: its history, and where that is no more than an acknowledgement, what its feed says of the invoice."""
        found, offers = self.platform.history(kept.platform_id), self.kind.provider.capabilities
        if "feed" not in offers.statuses:
            return found
        since = datetime.now(UTC) - timedelta(days=1)
        entries = self.platform.feed(None, since, lambda: True).entries
        number = sample_invoice(rank).number
        about = [each.event for each in entries if each.event and each.about and each.about.number == number]
        return [*found, *(replace(each, platform_id=kept.platform_id) for each in about)]

    def instead(self, of: Callable[[Asked], bool], status: int, body: bytes, **headers: str) -> None:
        """From now on these requests are answered so, and never reach the platform."""
        self.proxy.before = lambda asked: Said(status, headers, body) if of(asked) else None

    def afterwards(self, of: Callable[[Asked], bool], status: int, body: bytes, **headers: str) -> None:
        """The platform has done it, and something before it answers so."""
        self.proxy.after = lambda asked, said: Said(status, headers, body) if of(asked) else said

    def asked(self, of: Callable[[Asked], bool]) -> int:
        return sum(map(of, self.proxy.requests))


def document(rank: int, content: bytes | None = None) -> FetchedDocument:
    whole = render(sample_invoice(rank), "cii") if content is None else content
    return FetchedDocument(
        f"{sample_invoice(rank).number}.xml", "application/xml", len(whole), hashlib.sha256(whole).hexdigest(), whole
    )


def subject_of(kind: Kind, stack: ExitStack) -> Subject:
    proxy = stack.enter_context(altering(kind.api))
    credentials = kind.provider.read_secret(kind.secret, "facteur/suite")
    blanking, clients = Blanking(), list[HttpClient]()

    def client(url: str) -> HttpClient:
        clients.append(
            HttpClient(
                url,
                connect_timeout_seconds=SECONDS / 2,
                read_timeout_seconds=SECONDS / 2,
                connections=2,
                blanking=blanking,
            )
        )
        stack.callback(clients[-1].drop_idle_connections)
        return clients[-1]

    wiring = Wiring(
        Address(proxy.url + urlsplit(kind.api).path, kind.auth),
        True,
        client,
        lambda _fresh: credentials,
        "secret suite",
    )
    return Subject(kind, proxy, kind.provider.build(wiring), credentials, clients)
