"""What Facteur itself asks of a platform: its adapter's calls on the simulator, recorded as they leave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

from facteur.documents.store import FetchedDocument
from facteur.domain.doubt import Question, Witness
from facteur.platforms.credentials import Address
from facteur.platforms.http import HttpAnswer, HttpClient
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.port import Platform, Wiring
from facteur.platforms.registry import PROVIDERS
from local.invoices import Syntax, file_name, render, sample_invoice
from local.simulator.core.control import Simulator

SYNTAXES: Sequence[Syntax] = ("cii", "ubl", "facturx")
TYPES: Mapping[str, str] = {"cii": "application/xml", "ubl": "application/xml", "facturx": "application/pdf"}
SECONDS = 10.0  # for a call


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `kind` is its body's content type, `body` its JSON or its parts by name: JSON, or None for a file."""

    method: str
    path: str
    query: Mapping[str, str]
    kind: str | None = None
    body: Any = field(default=None, repr=False)


class RecordingClient(HttpClient):
    """Keeps what each call asks for."""

    def __init__(self, url: str, asked: list[Asked]) -> None:
        super().__init__(url, connect_timeout_seconds=SECONDS, read_timeout_seconds=SECONDS, connections=2)
        self._asked = asked

    def call(self, method: str, path: str, **more: Any) -> HttpAnswer:
        if more.get("form") is not None:
            return super().call(method, path, **more)  # for a token
        whole = urlsplit(self.base_url + path).path
        kind, body = ("application/json", more.get("sent")) if more.get("sent") is not None else (None, None)
        if (document := more.get("body")) is not None:
            kind, body = "multipart/form-data", parts(document)
        self._asked.append(Asked(method, whole, more.get("params") or {}, kind, body))
        return super().call(method, path, **more)


def parts(body: SingleFileBody) -> dict[str, Any]:
    """The parts of a body by name, which is then as if nobody had read it."""
    content = b"".join(iter(body.read, b""))
    body.rewind()
    read = message_from_bytes(f"Content-Type: {body.content_type}\r\n\r\n".encode() + content)
    found: dict[str, Any] = {}
    for part in read.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            is_json = part.get_content_type() == "application/json"
            found[name] = part.get_payload(decode=True) if is_json else None
    return found


def asked(provider: str, simulator: Simulator, address: Address, secret: Mapping[str, Any]) -> list[Asked]:
    """Have an adapter do all that it can; its requests, without those for a token."""
    found, clients = list[Asked](), list[HttpClient]()

    def client(url: str) -> HttpClient:
        clients.append(RecordingClient(url, found))
        return clients[-1]

    kind = PROVIDERS[provider]
    credentials = kind.read_secret(secret, "check-openapi")
    platform = kind.build(Wiring(address, True, client, lambda _fresh: credentials, "check-openapi"))
    try:
        _do_everything(platform, simulator)
    finally:
        for each in clients:
            each.drop_idle_connections()
    return found


def _do_everything(platform: Platform, simulator: Simulator) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    keys = [f"check-{rank}" for rank in range(len(SYNTAXES))]
    platform.obtain_token()
    platform.probe()
    for rank, (key, syntax) in enumerate(zip(keys, SYNTAXES, strict=True)):
        platform.deposit(_document(rank + 1, syntax), key, lambda: None)
    simulator.advance(100)
    kept = [(str(each["id"]), str(each["number"]), key) for each, key in zip(simulator.ledger(), keys, strict=True)]
    witness = Witness(*kept[0])
    question = Question((kept[1][1],), (witness,), began, datetime.now(UTC), (kept[1][2],), kept[0][0])
    calls: list[Callable[[], object]] = [
        lambda: platform.shown([question]),
        lambda: platform.shown_alone([question]),
        platform.answers_what_is_asked,
        lambda: platform.find(kept[0][1]),
        lambda: platform.sha256_of(kept[0][0]),
        lambda: platform.history(kept[0][0]),
        lambda: list(_feed(platform, began)),
        lambda: platform.listed(began, kept[0][0], lambda: None),
        lambda: platform.reachable("203000021"),
    ]
    for call in calls:
        call()


def _feed(platform: Platform, since: datetime) -> Iterator[object]:
    """Its first page, and the one behind it."""
    first = platform.feed(None, since, lambda: True)
    yield first
    yield platform.feed(first.entries[-1].cursor, since, lambda: True)


def _document(rank: int, syntax: Syntax) -> FetchedDocument:
    invoice = sample_invoice(rank)
    content = render(invoice, syntax)
    digest = hashlib.sha256(content).hexdigest()
    return FetchedDocument(file_name(invoice, syntax), TYPES[syntax], len(content), digest, content)
