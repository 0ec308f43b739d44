"""What is asked of the simulator of AFNOR XP Z12-013: both versions of the flow service, and the directory service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import requests

from facteur.platforms.credentials import Address
from local.invoices import UNKNOWN_BUYER, Syntax, render, sample_invoice, with_schema_violation
from local.openapi.asked import Asked, asked
from local.openapi.exchange import Check, Exchange
from local.simulator.afnor.http_token import PATH
from local.simulator.afnor.platform import DIRECTORY, FLOWS
from local.simulator.core.control import Simulator

POST, SEARCH, ONE = "/v1/flows", "/v1/flows/search", "/v1/flows/{flowId}"
LINES = "/v1/directory-line/search"
SYNTAXES: dict[Syntax, str] = {"cii": "CII", "ubl": "UBL", "facturx": "Factur-X"}
ALL = {"flowDirection": ["In", "Out"]}
AFTER = {"updatedAfter": "2026-01-01T00:00:00Z"}
# A reasonCode is one of a list or any text: said as oneOf, which no word of the list fulfils, for each is a text as well.
MEANT = {"oneOf": "anyOf"}
BINARY = {"Accept": "application/octet-stream"}


def entered(simulator: Simulator) -> Mapping[str, str]:
    form = {
        "grant_type": "client_credentials", "client_id": simulator.client_id, "client_secret": simulator.client_secret,
    }  # fmt: skip
    answer = requests.post(simulator.auth_url + PATH, data=form, timeout=30)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def parts(content: bytes, **info: Any) -> dict[str, Any]:
    said = {"name": "F-1.xml", "flowSyntax": "CII", **info}
    return {"files": {"flowInfo": (None, json.dumps(said), "application/json"), "file": (said["name"], content)}}


def deposits() -> Iterator[Exchange]:
    """One of each kind, and one for each thing that can be wrong with a file."""
    for rank, (syntax, name) in enumerate(SYNTAXES.items(), 1):
        content = render(sample_invoice(rank), syntax)
        more = {
            "trackingId": f"key-{rank}",
            "sha256": sha256(content).hexdigest(),
            "flowProfile": "CIUS",
            "processingRule": "B2B",
        }
        yield Exchange("POST", POST, 202, more=parts(content, flowSyntax=name, **more))
    again, unknown = render(sample_invoice(1), "cii"), replace(sample_invoice(4), buyer=UNKNOWN_BUYER)
    broken = with_schema_violation(sample_invoice(5), "cii")
    for content in (again, render(unknown, "cii"), broken, b"<broken", b"", b"<other/>"):
        yield Exchange("POST", POST, 202, more=parts(content))
    yield Exchange("POST", POST, 202, more=parts(again, sha256="0" * 64))


def flows(simulator: Simulator) -> Iterator[Exchange]:
    """Deposits of each kind, then everything that can be read of them, then what is refused."""
    yield from deposits()
    yield Exchange("POST", SEARCH, 200, more={"json": {"where": ALL}})
    simulator.add_foreign_invoice("R-1", direction="INBOUND")
    simulator.advance(100)
    for body in (
        {"where": ALL, "limit": 100},
        {"where": {**ALL, **AFTER}, "limit": 2},
        {"where": {"ackStatus": "Error"}},
    ):
        yield Exchange("POST", SEARCH, 200, more={"json": body})
    for flow in listed(simulator):
        named = {"flowId": flow["flowId"]}
        yield Exchange("GET", ONE, 200, named)
        if flow["flowType"] == "CustomerInvoiceLC":
            yield Exchange("GET", ONE, 200, named, {"params": {"docType": "Original"}, "headers": BINARY})
    yield Exchange("GET", "/v1/healthcheck", 200)
    yield Exchange("POST", POST, 400, more=parts(b"<x/>", flowSyntax="PDF"))
    yield Exchange("POST", POST, 400, more=parts(b"<x/>", flowSyntax="CDAR"))
    yield Exchange("POST", SEARCH, 400, more={"json": {"where": {}}})
    yield Exchange("GET", ONE, 404, {"flowId": "unknown"})
    yield Exchange("GET", ONE, 401, {"flowId": "unknown"}, {"headers": {"Authorization": ""}})
    yield Exchange("GET", ONE, 403, {"flowId": "unknown"}, {"headers": {"Organization-Id": "other"}})


def listed(simulator: Simulator) -> list[dict[str, Any]]:
    """Some of the flows that there are by now."""
    url, body = f"{simulator.base_url}{FLOWS}/flows/search", {"where": ALL, "limit": 30}
    answer = requests.post(url, json=body, headers=dict(entered(simulator)), timeout=30)
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def directory(simulator: Simulator) -> Iterator[Exchange]:
    simulator.add_company("333333333", behaviour="404")
    strict = {"filters": {"siren": {"op": "strict", "value": "333333333"}}}
    everything: dict[str, Any] = {"filters": {}}
    for body in (strict, everything):
        yield Exchange("POST", LINES, 200, more={"json": body})
    nobody = {"filters": {"siren": {"op": "strict", "value": "999999999"}}}
    yield Exchange("POST", LINES, 404, more={"json": nobody})
    yield Exchange("POST", LINES, 400, more={"json": {}})
    yield Exchange("GET", "/v1/siren/code-insee:{siren}", 200, {"siren": "203000021"})
    yield Exchange("GET", "/v1/siren/code-insee:{siren}", 404, {"siren": "999999999"})
    yield Exchange("GET", "/v1/healthcheck", 200)


def asks(simulator: Simulator) -> list[Asked]:
    flow_url, token_url = simulator.base_url + FLOWS, simulator.auth_url + PATH
    secret = {
        "client_id": simulator.client_id, "client_secret": simulator.client_secret, "flow_url": flow_url, "token_url": token_url,
        "directory_url": simulator.base_url + DIRECTORY,
    }  # fmt: skip
    return asked("afnor", simulator, Address(flow_url.removesuffix("/v1"), token_url), secret)


def flow_service(version: str) -> Check:
    return Check(
        platform="afnor",
        title="AFNOR Flow Service",
        version=version,
        switches={"afnor_version": version},
        corrected=MEANT,
        entered=entered,
        exchanges=flows,
        asks=asks,
        base=FLOWS.removesuffix("/v1"),
    )


DIRECTORY_SERVICE = Check(
    platform="afnor",
    title="AFNOR Directory Service",
    switches={"directory_empty": 404},  # 204 and 206 were seen, and are not in the file
    corrected={"maxLength": "x-maxLength"},  # Disabled has eight letters, and may have seven
    entered=entered,
    exchanges=directory,
    asks=asks,
    base=DIRECTORY.removesuffix("/v1"),
)
CHECKS = (flow_service("1.2"), flow_service("1.3"), DIRECTORY_SERVICE)
