"""Migrations: once each, whoever runs them and how often; and never half."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facteur import __version__
from facteur import migrate as module
from facteur.errors import ConfigurationError, DatabaseUnavailableError
from facteur.migrate import migrate
from local.schema_dump import dump
from tests.rows import FINISH, Rows

ALSO_ON_DEBIAN = True

FOLDER = Path(module.__file__).parent / "sql" / "schema"
NAMES = sorted(path.name for path in FOLDER.glob("*.sql"))


def test_everything_is_applied_in_order_and_then_nothing_more(bare: Rows) -> None:
    first, second = migrate(bare.database), migrate(bare.database)

    assert (list(first.applied), list(second.applied)) == (NAMES, [])
    assert first.watching
    assert second.watching
    assert bare.value("select version from facteur.installation") == __version__
    assert [name.split("_")[0] for name in NAMES] == [f"{n + 1:04}" for n in range(len(NAMES))]


def test_two_migrators_at_once_leave_one_result(bare: Rows) -> None:
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: migrate(bare.session()), range(4)))

    assert sorted(name for result in results for name in result.applied) == NAMES
    assert bare.value("select count(*) from pg_trigger where tgname like 'facteur%%' and not tgisinternal") == 2
    assert bare.value("select count(*) from facteur.installation") == 1


def test_a_migration_that_fails_leaves_nothing_of_itself(bare: Rows) -> None:
    bare.run("create schema facteur; create view facteur.health as select 1 as one")

    with pytest.raises(DatabaseUnavailableError, match="42P16"):
        migrate(bare.database)

    assert bare.value("select to_regclass('facteur.migrations')") is None
    bare.run("drop view facteur.health")
    assert list(migrate(bare.database).applied) == NAMES


def test_a_new_table_takes_invoices_of_any_date(rows: Rows) -> None:
    rows.run(FINISH.replace("2026-09-01", "1999-01-01"))

    assert rows.look().opened == 1


@pytest.mark.parametrize(
    ("submit_from", "told"),
    [
        (None, "needs SUBMIT_FROM"),
        ("tomorrow", "tomorrow is no date"),
        ("2026-13-01", "SUBMIT_FROM"),
        ("20260901", "20260901 is no date"),
    ],
)
def test_a_table_that_lives_needs_a_first_day_and_a_wrong_one_changes_nothing(
    bare: Rows, submit_from: str | None, told: str
) -> None:
    bare.run("create schema invoicing; create table invoicing.invoices (id bigint primary key)")

    with pytest.raises(ConfigurationError, match=told):
        migrate(bare.database, install_capture=True, submit_from=submit_from)

    columns = "select count(*) from information_schema.columns where table_schema = 'invoicing'"
    assert bare.value(columns) == 1
    assert bare.value("select to_regclass('facteur.invoice_source')") is None


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("number bigint primary key", "no column id"),
        ("id numeric primary key", "SQLSTATE P0001"),
        ("id bigint primary key, issue_date text", "SQLSTATE"),
    ],
)
def test_a_table_that_does_not_fit_is_left_as_it_was(bare: Rows, table: str, told: str) -> None:
    bare.run(f"create schema invoicing; create table invoicing.invoices ({table})")
    columns = "select count(*) from information_schema.columns where table_schema = 'invoicing'"
    before = bare.value(columns)

    with pytest.raises((ConfigurationError, DatabaseUnavailableError), match=told):
        migrate(bare.database, install_capture=True, submit_from="2026-09-01")

    assert bare.value(columns) == before
    assert migrate(bare.database).watching is False


def test_the_companys_own_mapping_is_never_overwritten(rows: Rows) -> None:
    rows.run("drop view facteur.invoice_source; create view facteur.invoice_source as select 1::bigint as invoice_id")

    migrate(rows.database, install_capture=True, submit_from="2026-09-01")

    assert rows.value("select count(*) from facteur.invoice_source") == 1
    assert str(rows.value("select submit_from from facteur.installation")) == "2026-09-01"


def test_a_busy_table_makes_the_installation_give_up_and_not_the_application(bare: Rows) -> None:
    bare.run("create schema invoicing; create table invoicing.invoices (id bigint primary key)")
    application = bare.session()
    application.rows("begin")
    application.rows("insert into invoicing.invoices values (1)")

    with pytest.raises(DatabaseUnavailableError, match="55P03"):
        migrate(bare.database, install_capture=True, submit_from="2026-09-01")
    application.rows("commit")

    assert migrate(bare.database, install_capture=True, submit_from="2026-09-01").watching


def test_the_schema_in_the_docs_is_what_the_migrations_make(rows: Rows) -> None:
    if rows.value("select current_setting('server_version_num')::integer") < 180000:
        pytest.skip("an older server words some of it differently")
    committed = Path(__file__).parents[2] / "docs/schema.sql"

    assert dump(rows.url) == committed.read_text(), "run make generate"
