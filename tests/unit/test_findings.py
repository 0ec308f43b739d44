"""docs/findings.md names tests, and code, that exist: a table of what was once broken is worth what it points to."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from local.sam import ROOT

PACKAGE = ROOT / "layers" / "core" / "python" / "facteur"
ALL = {f"A{n}" for n in range(1, 6)} | {f"B{n}" for n in range(1, 7)} | {f"C{n}" for n in range(1, 9)} | {"G1"}
QUOTED = re.compile(r"`([^`]+)`")
LINES = (ROOT / "docs" / "findings.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in LINES if re.match(r"\| [A-Z]\d ", line)]
TESTS = sorted({each for row in ROWS for each in QUOTED.findall(f"{row[3]} {row[4]}")})
CODE = sorted({each for row in ROWS for each in re.findall(r"`([\w./]+\.(?:py|sql))`((?:[:,] `\w+`)*)", row[2])})


@cache
def defined_in(path: Path) -> set[str]:
    return {each.name for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)}


def test_every_finding_has_a_rule_a_test_another_one_beside_it_and_what_was_seen() -> None:
    assert {row[0] for row in ROWS} == ALL
    for row in ROWS:
        assert len(row) == 6, row[0]
        assert all(row), row[0]
        test, sibling = (set(QUOTED.findall(cell)) for cell in row[3:5])
        assert test, row[0]
        assert sibling, row[0]
        assert not test & sibling, row[0]


@pytest.mark.parametrize("named", TESTS)
def test_every_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("::")

    assert name.startswith("test_")
    assert name in defined_in(ROOT / "tests" / path)


@pytest.mark.parametrize(("path", "names"), CODE)
def test_every_rule_is_where_it_is_said_to_be(path: str, names: str) -> None:
    text = next(each for each in (PACKAGE / path, ROOT / path) if each.exists()).read_text()

    assert [name for name in re.findall(r"\w+", names) if not re.search(rf"\b{name}\b", text)] == []
