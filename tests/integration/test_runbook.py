"""What the runbook tells a person to type works."""

from __future__ import annotations

import re

import pytest

from facteur.cli.main import app
from local.sam import ROOT
from tests.rows import Rows

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
STATEMENTS = [
    statement.strip()
    for block in re.findall(r"^ *```sql\n(.*?)^ *```", RUNBOOK, re.MULTILINE | re.DOTALL)
    for statement in block.split(";")
    if statement.strip()
] + re.findall(r"`(select [^`]+)`", RUNBOOK)

UNDER_WAY = {"adopt", "pause", "redrive", "reject", "repin", "resume", "retry"}  # commands that are being built


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement[:60])
def test_a_statement_of_the_runbook_runs(rows: Rows, statement: str) -> None:
    for state in ("pending", "in_doubt", "failed", "submitted", "rejected"):
        rows.reach(rows.noted(), state)

    assert isinstance(rows.run(statement), list)


def test_a_command_of_the_runbook_exists() -> None:
    typed = set(re.findall(r"facteur ([a-z-]+)", RUNBOOK))

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert typed <= known | UNDER_WAY
