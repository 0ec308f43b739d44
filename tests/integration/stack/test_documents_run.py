"""What README.md and docs/ have a reader run is run, where an installation has what it speaks of."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from facteur.install.migrate import migrate
from local.invoices import render, sample_invoice
from local.sam import ROOT
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.levers import World, built_world
from local.world.postgres import WORKER, create_worker
from tests.documented import Block, blocks
from tests.installations import build
from tests.operator import Operator, Printed
from tests.rows import Rows

NUMBER = "F-2026-00042"  # the invoice that the pages speak of
RANK, DOUBTFUL = 42, 7
# What a reader replaces by ids of his own.
INVOICE, DEPOSIT = "id:4711", "01a20444-a580-7594-9d73-58af104bff6c"
IN_15_MINUTES, INSTALLING = "docs/install-15-minutes.md", "docs/install.md"  # begin with a table that nobody watches
BY_CURL = [block for block in blocks("sh") if block.program == "curl"]
STARTED = [block for block in blocks("sh") if block.program == "local.simulator"]
OURS = [block for block in blocks("sh") if block.program == "facteur"]
PAGES = sorted({block.page for block in OURS} - {IN_15_MINUTES, INSTALLING})
PROGRAMS = [words[2:] for block in blocks("sh", excused=True) for words in block.commands() if words[1:2] == ["-m"]]
COMPANY = (
    "alter table invoicing.invoices add document_uri text; update invoicing.sellers set legal_identifier = %(siret)s"
)
FINISH = """
insert into invoicing.invoices (seller_id, invoice_number, created_at, total_amount, status, document_uri)
values (1, %(number)s, '2026-11-22', %(total)s, 'final', %(uri)s)
"""
STATES = ("pending", "submitted", "closed", "rejected", "failed", "in_doubt")


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_a_shell_block_is_run_here_or_says_why_not(block: Block) -> None:
    assert block in [*OURS, *BY_CURL, *STARTED], f"nothing runs {block}: put <!-- not run: why --> right above it"


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
    wrong = {str(block): result for block in blocks("sql") if (result := failure(connection, block))}
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


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_it_says(operator: Operator, ids: dict[str, str], page: str) -> None:
    result = [each for block in OURS if block.page == page for each in done(block, operator, ids)]

    assert result
    assert [
        each.err or each.out for each in result if each.code not in {0, 1}
    ] == []  # 1: done, and something is not well


def done(block: Block, operator: Operator, replaced: dict[str, str]) -> list[Printed]:
    """What each command of a block said; yes to what it asks."""
    return [
        operator.run(*(replaced.get(word, word) for word in words[1:]), answer="y\nas the page says\n")
        for words in block.commands()
    ]


def test_the_first_invoice_goes_within_fifteen_minutes(
    bare: Rows, simulator: Simulator, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page from top to bottom, on a company's table; what it needs AWS for is done here by other means."""
    installs, looks, follows = [b for b in blocks() if b.page == IN_15_MINUTES and b.language in {"sh", "sql"}]
    owner, invoice, document = Operator(bare.url), sample_invoice(RANK), tmp_path / "invoice.xml"
    document.write_bytes(render(invoice, "cii"))
    build(bare, "mission", code_type="varchar(10)")
    bare.run(COMPANY, siret=invoice.seller.siren + "00011")
    create_worker(bare.url)
    migrate(bare.database, worker_role=WORKER)

    with built_world(bare.url, simulator, aws, tmp_path, monkeypatch.setenv) as world:
        installed = done(installs, owner, {})
        bare.run(FINISH, number=NUMBER, total=invoice.total, uri=document.as_uri())
        world.relay()
        shown, health = [bare.run(statement) for statement in looks.text.split(";")[:2]]
        world.submit()
        world.advance(10)
        world.poll()
        _, story = done(follows, owner, {"60": "0"})

    assert [result.code for result in installed] == [0, 0, 1]  # no schedule runs here, and doctor says so
    assert [row.invoice_number.strip() for row in shown] == [NUMBER]
    assert [(row.state, row.submissions) for row in health] == [("pending", 1)]
    assert "203 Mise à disposition" in story.out
    row = bare.run(
        "select technical_status, submission_id from invoicing.invoices where invoice_number = %(n)s", n=NUMBER
    )
    assert [tuple(each) for each in row] == [("validated", simulator.ledger(NUMBER)[0]["id"])]


def test_a_mapping_is_written_and_installed_as_its_page_says(
    bare: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    build(bare, "french")

    result = [each for block in OURS if block.page == INSTALLING for each in done(block, Operator(bare.url), {})]

    assert [each.code for each in result] == [0, 0]
    assert bare.value("select submit_from::text from facteur.installation") == "2026-11-22"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_reader_deposits_with_curl(simulator: Simulator) -> None:
    (block,) = BY_CURL
    here = {
        "/path/to/facteur": shlex.quote(str(ROOT)),
        ".venv/bin/python": shlex.quote(sys.executable),
        "http://127.0.0.1:8080": simulator.base_url,
    }
    text = block.text
    for theirs, ours in here.items():
        text = text.replace(theirs, ours)

    subprocess.run(["bash", "-euc", text], check=True, capture_output=True)

    assert len(simulator.ledger()) == 1


def test_a_reader_starts_the_simulator() -> None:
    (block,) = STARTED
    ((_, *words),) = block.commands()

    with subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            result = json.loads(started.stdout.readline())
        finally:
            started.terminate()

    assert result["base_url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("module", sorted({module for module, *_ in PROGRAMS}))
def test_a_program_has_the_options_that_are_shown(module: str) -> None:
    command, environ = [sys.executable, "-m", module, "--help"], {**os.environ, "COLUMNS": "200"}
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout

    shown = {word for program, *options in PROGRAMS if program == module for word in options}

    assert {word for word in shown if word.startswith("--") and word not in result} == set()


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_runs(block: Block) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core/python")])}

    subprocess.run([sys.executable, "-c", block.text], cwd=ROOT, env=environ, check=True)
