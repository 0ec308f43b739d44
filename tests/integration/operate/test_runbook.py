"""What the runbook has a person type works."""

from __future__ import annotations

import re

import pytest

from facteur.cli.main import app
from local.sam import ROOT
from tests.operator import Operator
from tests.rows import Rows

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
STATEMENTS = [
    statement.strip()
    for block in re.findall(r"^ *```sql\n(.*?)^ *```", RUNBOOK, re.MULTILINE | re.DOTALL)
    for statement in block.split(";")
    if statement.strip()
] + re.findall(r"`(select [^`]+)`", RUNBOOK)

TYPED = sorted({
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    for line in block.splitlines()
    if line.strip().startswith("facteur ")
})  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement[:60])
def test_a_statement_of_the_runbook_runs(rows: Rows, statement: str) -> None:
    for state in ("pending", "in_doubt", "failed", "submitted", "rejected"):
        rows.reach(rows.noted(), state)

    named = statement.replace("schema.table", "invoicing.invoices")
    assert isinstance(rows.run(re.sub("'(invoice_)?key'", "'id'", named)), list)


@pytest.mark.parametrize("line", TYPED)
def test_a_command_of_the_runbook_answers(rows: Rows, operator: Operator, line: str) -> None:
    rows.reach(rows.noted(), "failed")
    number = str(rows.value("select invoice_number from facteur.submissions"))

    result = operator.run(*line.replace("NUMBER", number).removeprefix("facteur ").split())

    assert result.code in {0, 1}, result.err
    assert result.out


def test_a_command_of_the_runbook_exists() -> None:
    typed = set(re.findall(r"facteur ([a-z-]+)", RUNBOOK))

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert typed <= known
