"""What a trial writes into a company's tables is put back, whatever the tables are like: their dump is the one from before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import NamedTupleCursor

from facteur.postgres.database import Database
from local.trial.journal import Journal, Line, OccupiedError
from local.world.postgres import embedded_binaries
from tests.installations import DOCUMENTS, build, install
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

Run = Callable[..., list[Any]]

STUBBORN = (
    "--table", "shop.invoice", "--documents", "s3://documents/{id}.xml", "--column", "key=id", "--column", "date=day",
    "--column", "status=state", "--final", "done",
)  # fmt: skip
KINDS = ("--kinds", "standard,deposit,final,credit_note")


@pytest.fixture
def facteur(bare: Rows) -> Iterator[Database]:
    """A session as the functions have it."""
    opened = Database(lambda: {"dsn": bare.url})
    yield opened
    opened.close()


@pytest.fixture
def journal(bare: Rows) -> Iterator[Journal]:
    opened = Journal(bare.url)
    yield opened
    opened.close()


@pytest.fixture
def run(bare: Rows) -> Iterator[Run]:
    """The company's own application: a session that does not call itself facteur."""
    connection = psycopg2.connect(bare.url)
    connection.autocommit = True

    def statement(text: str) -> list[Any]:
        cursor: Any
        with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    yield statement
    connection.close()


def dump(url: str) -> list[str]:
    """Every row and every object of the database; rows in no order, for an update moves them."""
    command: list[str | Path] = [embedded_binaries() / "pg_dump", "--inserts", "--restrict-key=same", url]
    return sorted(subprocess.check_output(command, text=True).splitlines())


def on_trial(bare: Rows, journal: Journal, *options: str, submit_from: str = "2026-09-01") -> Printed:
    """Install as a trial does."""
    return install(bare, *options, "--why", f"a trial ({journal.token})", submit_from=submit_from)


def put_back(journal: Journal) -> dict[str, Line]:
    lines = {line.relation: line for line in journal.put_back()}
    journal.end()
    return lines


def test_a_row_that_was_written_back_and_its_history_are_as_before(
    bare: Rows, facteur: Database, journal: Journal, run: Run
) -> None:
    build(bare, "einvoicing")
    before = dump(bare.url)
    journal.begin()
    result = on_trial(bare, journal, "--documents", DOCUMENTS, *KINDS)
    assert journal.watch() == []

    for status, submission in (("pending", None), ("validated", "abc"), ("rejected", "abc")):
        facteur.rows("select facteur.write_back('1', %(s)s, %(p)s, null)", {"s": status, "p": submission})
    for code in ("200", "202"):
        facteur.rows("select facteur.write_status('1', %(c)s, 'Déposée', null, now())", {"c": code})

    assert run("select count(*) from invoicing.invoice_status")[0][0] == 2, result.out
    assert put_back(journal) == {
        "invoicing.invoices": Line("invoicing.invoices", 3, 0, None),
        "invoicing.invoice_status": Line("invoicing.invoice_status", 0, 2, None),
    }
    uninstall(bare)
    assert dump(bare.url) == before


def test_what_the_companys_own_triggers_wrote_with_it_is_undone_too(
    bare: Rows, facteur: Database, journal: Journal, run: Run
) -> None:
    build(bare, "stubborn")
    before = dump(bare.url)
    journal.begin()
    on_trial(bare, journal, *STUBBORN)
    journal.watch()

    for invoice in ("1", "15", "1"):
        facteur.rows("select facteur.write_back(%(id)s, 'validated', 'abc', null)", {"id": invoice})
    assert run("select n from shop.counted")[0][0] == 10

    lines = put_back(journal)
    assert str(lines.pop("shop.loose").stays).startswith("counts on from ")
    assert {each.relation: (each.restored, each.removed, each.stays) for each in lines.values()} == {
        "shop.audit": (0, 3, None), "shop.audit_lines": (0, 3, None), "shop.outbox": (0, 3, None),
        "shop.counted": (4, 0, None), "shop.invoice": (3, 0, None),
    }  # fmt: skip
    uninstall(bare)
    after = dump(bare.url)
    assert [line for line in after if "shop.loose'" not in line] == [
        line for line in before if "shop.loose'" not in line
    ]


def test_what_somebody_else_wrote_meanwhile_stays(bare: Rows, facteur: Database, journal: Journal, run: Run) -> None:
    build(bare, "einvoicing")
    journal.begin()
    on_trial(bare, journal, "--documents", DOCUMENTS, *KINDS)
    journal.watch()

    facteur.rows("select facteur.write_back('1', 'rejected', 'abc', null)")
    facteur.rows("select facteur.write_status('1', '213', 'Rejetée', null, now())")
    run("update invoicing.invoices set technical_status = 'pending', business_status = 'corrected' where id = 1")
    run("update invoicing.invoices set status = 'draft', technical_status = 'mine' where id = 2")
    run("insert into invoicing.invoice_status (invoice_id, status_code, status_label) values (1, 1, 'mine')")

    put_back(journal)

    row = run("select technical_status, business_status, submission_id from invoicing.invoices where id = 1")[0]
    assert tuple(row) == ("pending", "corrected", None)
    assert [each.status_label for each in run("select status_label from invoicing.invoice_status")] == ["mine"]
    drawn = run(
        "insert into invoicing.invoice_status (invoice_id, status_code, status_label) values (1, 1, 'x') returning id"
    )
    assert drawn[0].id > run("select min(id) from invoicing.invoice_status")[0][0], "its number is nobody else's"
    assert run("select technical_status from invoicing.invoices where id = 2")[0][0] == "mine"


def test_a_row_that_others_refer_to_keeps_what_the_trial_wrote_and_it_is_said(
    bare: Rows, facteur: Database, journal: Journal, run: Run
) -> None:
    build(bare, "einvoicing")
    journal.begin()
    on_trial(bare, journal, "--documents", DOCUMENTS, *KINDS)
    journal.watch()
    facteur.rows("select facteur.write_status('1', '200', 'Déposée', null, now())")
    run("create table mail (entry integer references invoicing.invoice_status (id))")
    run("insert into mail select id from invoicing.invoice_status")

    line = put_back(journal)["invoicing.invoice_status"]

    assert (line.restored, line.removed) == (0, 0)
    assert "1 rows were not put back (id 2): " in str(line.stays)
    assert "foreign key" in str(line.stays)


@pytest.mark.slow
def test_a_lock_stops_it_and_nothing_is_half_done(bare: Rows, facteur: Database, journal: Journal, run: Run) -> None:
    build(bare, "einvoicing")
    journal.begin()
    on_trial(bare, journal, "--documents", DOCUMENTS, *KINDS)
    journal.watch()
    facteur.rows("select facteur.write_back('1', 'validated', 'abc', null)")
    run("begin")
    run("update invoicing.invoices set total = total where id = 3")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        journal.put_back()
    run("rollback")

    assert put_back(journal)["invoicing.invoices"].restored == 1
    assert run("select submission_id from invoicing.invoices where id = 1")[0][0] is None


def test_a_later_installation_takes_nothing_for_deposited(
    bare: Rows, facteur: Database, journal: Journal, run: Run
) -> None:
    build(bare, "einvoicing")
    journal.begin()
    on_trial(bare, journal, "--documents", DOCUMENTS, *KINDS, submit_from="2026-06-01")
    journal.watch()
    ready = run("select count(*) from facteur.invoice_source where ready")[0][0]
    facteur.rows(
        "select facteur.write_back(invoice_id::text, 'validated', 'abc', null) from facteur.invoice_source where ready"
    )
    assert run("select count(*) from facteur.invoice_source where ready")[0][0] == 0

    put_back(journal)
    uninstall(bare)
    install(bare, "--documents", DOCUMENTS, *KINDS, submit_from="2026-06-01")

    assert run("select count(*) from facteur.invoice_source where ready")[0][0] == ready > 0


def test_a_database_that_has_facteur_is_refused(bare: Rows, journal: Journal, run: Run) -> None:
    build(bare, "einvoicing")
    assert journal.begun() is False
    install(bare, "--documents", DOCUMENTS, *KINDS)

    with pytest.raises(OccupiedError, match="by a stack or by `facteur init`"):
        journal.begun()

    run("""insert into facteur.accounts (name, pin) values ('default', '{"provider": "iopole"}')""")
    with pytest.raises(OccupiedError, match="belongs to the platform of default"):
        journal.begun()


def uninstall(bare: Rows) -> Printed:
    result = Operator(bare.url).run("uninstall", "--drop-data", "--drop-columns", "--force", "--yes")
    assert result.code == 0, result.err
    return result
