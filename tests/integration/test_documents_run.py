"""SQL and the command facteur, as README.md and docs/ have them, where an installation has what they speak of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from local.invoices import sample_invoice
from local.sam import ROOT
from local.simulator.control import Simulator
from tests.documented import Block, blocks
from tests.operator import Operator
from tests.rows import Rows
from tests.world import World

NUMBER = "F-2026-00042"  # the invoice that the pages speak of
RANK, DOUBTFUL = 42, 7
# What a reader replaces by ids of his own.
INVOICE, DEPOSIT = "id:4711", "01a20444-a580-7594-9d73-58af104bff6c"
BY_CURL = [block for block in blocks("sh") if "curl " in block.text]
WORDS = [(block, words) for block in blocks("sh") if block not in BY_CURL for words in block.commands()]
OURS = [(block, words) for block, words in WORDS if words[0] == "facteur"]
PROGRAMS = [words[2:] for _, words in WORDS if words[0].endswith("python") and words[1] == "-m"]
STATES = ("pending", "submitted", "closed", "rejected", "failed", "in_doubt")


@pytest.fixture
def lived(rows: Rows) -> Rows:
    """A database with an invoice in each state, one of them the pages' own."""
    for state in STATES:
        rows.reach(rows.noted(), state)
    rows.run("update facteur.submissions set write_back_due_at = null")
    rows.update("1", invoice_number=NUMBER)
    rows.run(f"update facteur.submissions set invoice_number = '{NUMBER}' where invoice_id = '1'")
    rows.run("update facteur.attempts set invoice_number = %(number)s where invoice_id = '2'", number=NUMBER)
    return rows


def test_every_statement_runs_and_finds_the_invoice_that_it_asks_for(lived: Rows) -> None:
    connection = psycopg2.connect(lived.url)
    wrong = {str(block): told for block in blocks("sql") if (told := failure(connection, block))}
    connection.close()

    assert wrong == {}


def failure(connection: psycopg2.extensions.connection, block: Block) -> str | None:
    """Run it and take it back; what went wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(block.text)
            nothing = cursor.description is not None and not cursor.fetchall()
            return "finds nothing" if nothing and block.text.count(";") == 1 and NUMBER in block.text else None
    except psycopg2.Error as error:
        return str(error)
    finally:
        connection.rollback()


@pytest.fixture
def ids(two: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An installation with an account of a shop, a deposit that is followed, and one whose answer was lost: the ids of that one."""
    monkeypatch.chdir(tmp_path)
    two.simulator.script(sample_invoice(DOUBTFUL).number, ["lost_answer"])
    two.add(RANK)
    two.add(DOUBTFUL)
    two.database.rows("insert into facteur.budgets (key) values ('account:shop')")
    two.deposit()
    two.poll()
    return {INVOICE: f"id:{two.ids[DOUBTFUL]}", DEPOSIT: two.deposits(DOUBTFUL)[0]["id"], "NUMBER": NUMBER}


@pytest.mark.parametrize("page", sorted({block.page for block, _ in OURS}))
def test_every_command_of_a_page_does_what_it_says(operator: Operator, ids: dict[str, str], page: str) -> None:
    wrong = {}
    for block, words in OURS:
        if block.page == page:
            told = operator.run(*(ids.get(word, word) for word in words[1:]), answer="y\n")
            if told.code not in {0, 1}:  # 1: done, and something is not well
                wrong[f"{block}: {' '.join(words)}"] = told.err or told.out

    assert wrong == {}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_reader_deposits_with_curl(simulator: Simulator) -> None:
    (block,) = BY_CURL
    here = {
        "/path/to/facteur": str(ROOT),
        ".venv/bin/python": sys.executable,
        "http://127.0.0.1:8080": simulator.base_url,
    }
    text = block.text
    for theirs, ours in here.items():
        text = text.replace(theirs, ours)

    subprocess.run(["bash", "-euc", text], check=True, capture_output=True)

    assert len(simulator.ledger()) == 1


@pytest.mark.parametrize("module", sorted({module for module, *_ in PROGRAMS}))
def test_a_program_has_the_options_that_are_shown(module: str) -> None:
    command, environ = [sys.executable, "-m", module, "--help"], {**os.environ, "COLUMNS": "200"}
    told = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout

    shown = {word for program, *options in PROGRAMS if program == module for word in options}

    assert {word for word in shown if word.startswith("--") and word not in told} == set()


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_runs(block: Block) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core/python")])}

    subprocess.run([sys.executable, "-c", block.text], cwd=ROOT, env=environ, check=True)
