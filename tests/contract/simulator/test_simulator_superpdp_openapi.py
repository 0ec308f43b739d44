"""The simulator's answers have the shapes of the vendor's own file, where somebody has that file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.openapi.__main__ import failures, specifications
from local.openapi.afnor import flow_service
from local.openapi.asked import Asked
from local.openapi.exchange import Check
from local.openapi.specification import Finding, Specification, read
from local.openapi.superpdp import SUPERPDP
from local.simulator.core.control import running_simulator

SPECS = os.environ.get("SPECS", "")
SHAPES: dict[str, Any] = {
    "thing": {
        "type": "object",
        "required": ["id", "mispelt"],
        "properties": {
            "id": {"type": "integer"},
            "misspelt": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "nullable": True, "enum": ["a"]},
        },
    }
}
ANSWER = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/thing"}}}}}
ASKING = {
    "parameters": [
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
        {"name": "order", "in": "query", "required": True, "schema": {"enum": ["asc", "desc"]}},
    ],
    "requestBody": {
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/thing"}},
            "multipart/form-data": {
                "schema": {
                    "required": ["file"],
                    "properties": {"file": {}, "said": {"$ref": "#/components/schemas/thing"}},
                }
            },
        }
    },
}
RIGHT = {"id": 1, "misspelt": "2026-10-10T00:00:00Z"}


@pytest.fixture
def invented(tmp_path: Path) -> Specification:
    file = tmp_path / "invented.json"
    document = {
        "info": {"title": "SUPER PDP\xa0API", "version": "0"},
        "paths": {"/things": {"get": {"responses": ANSWER}}, "/things/{id}/parts": {"post": ASKING}},
        "components": {"schemas": SHAPES},
    }
    file.write_text(json.dumps(document))
    return read(file, {"mispelt": "misspelt"})


@pytest.mark.skipif(not SPECS, reason="the vendor's file is not ours to carry: name its folder in SPECS")
def test_every_answer_is_as_the_vendors_file_says() -> None:
    found = list(specifications(Path(SPECS)))

    assert found
    assert [failures(check, specification) for check, specification in found] == [0] * len(found)


@pytest.mark.parametrize(
    ("value", "findings"),
    [
        ({"id": 1, "misspelt": "2026-10-10T00:00:00Z", "kind": None}, []),
        ({"id": "1", "misspelt": "2026-10-10T00:00:00Z"}, [(True, "id: '1' is not of type 'integer'")]),
        ({"id": 1, "misspelt": "yesterday"}, [(True, "misspelt: 'yesterday' is not a 'date-time'")]),
        ({"id": 1}, [(True, "the whole: 'misspelt' is a required property")]),
        ({"id": 1, "misspelt": "2026-10-10T00:00:00Z", "more": 1}, [(False, "more is not in this file")]),
    ],
)
def test_an_answer_is_compared_with_its_schema(
    invented: Specification, value: dict[str, Any], findings: list[tuple[bool, str]]
) -> None:
    found = invented.findings("GET", "/things", 200, "application/json", json.dumps(value).encode())

    assert list(found) == [Finding(*each) for each in findings]


@pytest.mark.parametrize(
    ("path", "status", "kind", "finding"),
    [
        ("/others", 200, "application/json", Finding(False, "not in this file")),
        ("/things", 404, "application/json", Finding(False, "404 is not in this file")),
        ("/things", 200, "text/html", Finding(True, "text/html is not in this file for 200")),
    ],
)
def test_what_the_file_does_not_know_is_said(
    invented: Specification, path: str, status: int, kind: str, finding: Finding
) -> None:
    assert list(invented.findings("GET", path, status, kind, b"{}")) == [finding]


def test_files_are_known_by_their_titles(invented: Specification) -> None:
    (invented.path.parent / "other.json").write_text('{"info": {"title": "Another"}}')

    found = list(specifications(invented.path.parent))

    assert [(check.platform, specification.path.name) for check, specification in found] == [
        (SUPERPDP.platform, "invented.json")
    ]


@pytest.mark.parametrize(
    ("query", "kind", "body", "found"),
    [
        ({"order": "asc", "limit": "5"}, "application/json", RIGHT, []),
        ({"order": "asc"}, "multipart/form-data", {"file": None, "said": json.dumps(RIGHT)}, []),
        ({}, None, None, ["the parameter order is missing"]),
        ({"order": "up"}, None, None, ["order: the whole: 'up' is not one of ['asc', 'desc']"]),
        ({"order": "asc", "limit": "many"}, None, None, ["limit: the whole: 'many' is not of type 'integer'"]),
        ({"order": "asc", "page": "1"}, None, None, ["page is no parameter in this file"]),
        ({"order": "asc"}, "application/xml", None, ["a body of application/xml is not in this file"]),
        ({"order": "asc"}, "application/json", {**RIGHT, "more": 1}, ["more is not in this file"]),
        (
            {"order": "asc"},
            "multipart/form-data",
            {"other": None},
            ["the part file is missing", "other is no part in this file"],
        ),
        (
            {"order": "asc"},
            "multipart/form-data",
            {"file": None, "said": "{}"},
            ["the whole: 'id' is a required property", "the whole: 'misspelt' is a required property"],
        ),
    ],
)
def test_a_request_is_wrong_in_all_that_the_file_does_not_know(
    invented: Specification, query: dict[str, str], kind: str | None, body: Any, found: list[str]
) -> None:
    asked = Asked("POST", "/base/things/7/parts", query, kind, body)

    assert list(invented.findings_of_request(asked, "/base")) == [Finding(True, each) for each in found]


def test_a_route_that_the_file_does_not_know_may_be_another_files(invented: Specification) -> None:
    assert list(invented.findings_of_request(Asked("GET", "/others", {}), "")) == [Finding(False, "not in this file")]


@pytest.mark.parametrize(
    ("check", "path", "parts"),
    [
        (SUPERPDP, "/v1.beta/invoices", {"file_name"}),
        (flow_service("1.3"), "/flow-service/v1/flows", {"flowInfo", "file"}),
    ],
)
def test_what_facteur_asks_is_recorded_as_it_leaves(check: Check, path: str, parts: set[str]) -> None:
    with running_simulator(platform=check.platform, **check.switches) as simulator:
        asked = check.asks(simulator)

    assert [set(each.body) for each in asked if (each.method, each.path) == ("POST", path)] == [parts] * 3
    assert {"GET", "POST"} == {each.method for each in asked}
    assert simulator.client_secret not in repr([(each.query, each.body) for each in asked])
