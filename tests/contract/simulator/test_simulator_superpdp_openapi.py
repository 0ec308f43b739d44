"""The simulator's answers have the shapes of the vendor's own file, where somebody has that file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.openapi.__main__ import failures, specifications
from local.openapi.specification import Finding, Specification, read
from local.openapi.superpdp import SUPERPDP

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


@pytest.fixture
def invented(tmp_path: Path) -> Specification:
    file = tmp_path / "invented.json"
    document = {
        "info": {"title": "SUPER PDP\xa0API", "version": "0"},
        "paths": {"/things": {"get": {"responses": ANSWER}}},
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
