"""The norm's own files are known by title and version, and read as they are meant; the answers are compared where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.openapi.__main__ import specifications
from local.openapi.afnor import MEANT
from local.openapi.specification import Finding, read

SCHEMAS: dict[str, Any] = {
    "code": {"oneOf": [{"type": "string", "enum": ["A"]}, {"type": "string"}]},
    "core": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    "flow": {
        "allOf": [
            {"$ref": "#/components/schemas/core"},
            {"properties": {"code": {"$ref": "#/components/schemas/code"}}},
        ]
    },
}
ANSWER = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/flow"}}}}}
PATHS = {"/flows": {"get": {"responses": ANSWER}}, "/health": {"get": {"responses": {"200": {"description": "well"}}}}}


def written(folder: Path, title: str, version: str) -> Path:
    path = folder / f"{title} {version}.json"
    document = {"info": {"title": title, "version": version}, "paths": PATHS, "components": {"schemas": SCHEMAS}}
    path.write_text(json.dumps(document))
    return path


def test_a_file_is_for_the_version_that_it_is_of(tmp_path: Path) -> None:
    for title, version in (
        ("AFNOR Flow Service", "1.2.0"),
        ("AFNOR Flow Service", "1.3.0"),
        ("AFNOR Flow Service", "1.1"),
    ):
        written(tmp_path, title, version)

    found = [(check.switches["afnor_version"], each.path.name[-10:]) for check, each in specifications(tmp_path)]

    assert found == [("1.2", "1.2.0.json"), ("1.3", "1.3.0.json")]


@pytest.mark.parametrize(
    ("path", "value", "findings"),
    [
        ("/flows", {"name": "a", "code": "A"}, []),
        ("/flows", {"name": "a", "code": "another"}, []),
        ("/flows", {"code": "A"}, [Finding(True, "the whole: 'name' is a required property")]),
        ("/flows", {"name": "a", "more": 1}, [Finding(False, "more is not in this file")]),
        ("/health", {"whatever": 1}, []),
    ],
)
def test_what_a_schema_is_made_of_is_put_together(
    tmp_path: Path, path: str, value: dict[str, Any], findings: list[Finding]
) -> None:
    specification = read(written(tmp_path, "AFNOR Flow Service", "1.3.0"), MEANT)

    assert list(specification.findings("GET", path, 200, "application/json", json.dumps(value).encode())) == findings
