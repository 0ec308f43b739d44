"""Migrations: once each, whoever runs them and how often; and never half."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from facteur import __version__
from facteur.errors import ConfigurationError, DatabaseUnavailableError
from facteur.install import migrate as module
from facteur.install.migrate import migrate
from facteur.install.schema import CONCEPTS, RETIRED, drop_retired, migrate_schema
from local.schema_dump import dump
from tests.rows import FINISH, Rows

ALSO_ON_DEBIAN = True

SQL = Path(module.__file__).parents[1] / "sql"
NAMES = sorted(path.name for path in (SQL / "schema").glob("*.sql"))
SIGNATURES = """
select p.oid::regprocedure::text as name from pg_proc p
where p.pronamespace = 'facteur'::regnamespace and p.proname not in ('write_back', 'write_status') and p.proname not like 'note\\_%'
"""
CHANGED = "create or replace function facteur.{} language sql as $$ select 'changed'::text $$"


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


def test_every_file_of_functions_is_put_in_place_and_what_it_computes_is_valid(rows: Rows) -> None:
    assert sorted(CONCEPTS) == sorted(path.stem for path in (SQL / "functions").glob("*.sql"))

    rows.run("begin")
    rows.run(
        "set local search_path = pg_catalog; set local check_function_bodies = on; set local facteur.functions = ''"
    )
    for concept in CONCEPTS:
        rows.run((SQL / "functions" / f"{concept}.sql").read_text())
    rows.run("rollback")


def test_a_function_is_in_one_file_and_what_no_file_has_is_retired(rows: Rows) -> None:
    text = "".join(path.read_text() for path in sorted(SQL.rglob("*.sql")))
    written = re.findall(r"^create (?:or replace )?function facteur\.(\w+)\(", text, re.MULTILINE)
    present = {row.name.partition("(")[0].removeprefix("facteur.") for row in rows.run(SIGNATURES)}

    assert len(written) == len(set(written))
    assert present - set(written) == {name.partition("(")[0].removeprefix("facteur.") for name in RETIRED}


def test_a_deploy_puts_back_what_somebody_changed_and_leaves_what_is_the_companys(rows: Rows) -> None:
    own = rows.value("select pg_get_functiondef('facteur.write_back'::regproc)")
    rows.run(CHANGED.format("plain_words() returns text"))
    rows.run(CHANGED.format("kind_of(p_invoice_id text) returns text"))

    migrate(rows.database)

    assert "changed" not in rows.value("select pg_get_functiondef('facteur.kind_of(text)'::regprocedure)")
    assert rows.value("select facteur.plain_words()") == "changed"
    assert rows.value("select pg_get_functiondef('facteur.write_back'::regproc)") == own


def test_a_deploy_leaves_the_companys_path_as_it_was_installed(rows: Rows) -> None:
    path = "select setting from pg_proc, unnest(proconfig) setting where oid = 'facteur.settle_constraints()'::regprocedure"
    before = rows.value(path)
    elsewhere = rows.session()
    elsewhere.rows("create schema elsewhere; set search_path = elsewhere")

    migrate(elsewhere)

    assert rows.value(path) == before != "search_path=pg_catalog, elsewhere, pg_temp"


def test_an_older_migrator_changes_nothing(rows: Rows) -> None:
    rows.run("update facteur.installation set version = '99.1.0'")
    rows.run(CHANGED.format("kind_of(p_invoice_id text) returns text"))

    migrated = migrate(rows.database, submit_from="2027-01-01", worker_role="nobody_knows")

    assert (migrated.version, list(migrated.applied), migrated.watching) == ("99.1.0", [], True)
    assert rows.value("select version from facteur.installation") == "99.1.0"
    assert rows.value("select submit_from from facteur.installation") != date(2027, 1, 1)
    assert "changed" in rows.value("select pg_get_functiondef('facteur.kind_of(text)'::regprocedure)")
    with pytest.raises(ConfigurationError, match=r"of version 99\.1\.0, this is .*: use that version"):
        migrate_schema(rows.database)


@pytest.mark.parametrize(("release", "left"), [(__version__, 0), ("99.0.0", 1)])
def test_a_retired_function_is_dropped_by_its_release(rows: Rows, release: str, left: int) -> None:
    rows.run(CHANGED.format("outlived(p_id bigint) returns text"))

    drop_retired(rows.database, {"facteur.outlived(bigint)": release})

    assert rows.value("select count(*) from pg_proc where proname = 'outlived'") == left


def test_a_deploy_does_not_wait_long_for_who_reads_what_it_replaces(rows: Rows) -> None:
    reader = rows.session()
    reader.rows("begin")
    reader.rows("select * from facteur.health")

    with pytest.raises(DatabaseUnavailableError, match="55P03"):
        migrate(rows.database)
    reader.rows("commit")

    assert migrate(rows.database).watching


def test_a_new_table_takes_invoices_of_any_date(rows: Rows) -> None:
    rows.run(FINISH.replace("2026-09-01", "1999-01-01"))

    assert rows.look().opened == 1


@pytest.mark.parametrize(
    ("submit_from", "said"),
    [
        (None, "needs SUBMIT_FROM"),
        ("tomorrow", "tomorrow is no date"),
        ("2026-13-01", "SUBMIT_FROM"),
        ("20260901", "20260901 is no date"),
    ],
)
def test_a_table_that_lives_needs_a_first_day_and_a_wrong_one_changes_nothing(
    bare: Rows, submit_from: str | None, said: str
) -> None:
    bare.run("create schema invoicing; create table invoicing.invoices (id bigint primary key)")

    with pytest.raises(ConfigurationError, match=said):
        migrate(bare.database, install_capture=True, submit_from=submit_from)

    columns = "select count(*) from information_schema.columns where table_schema = 'invoicing'"
    assert bare.value(columns) == 1
    assert bare.value("select to_regclass('facteur.invoice_source')") is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("number bigint primary key", "no column id"),
        ("id numeric primary key", "SQLSTATE P0001"),
        ("id bigint primary key, issue_date text", "SQLSTATE"),
    ],
)
def test_a_table_that_does_not_fit_is_left_as_it_was(bare: Rows, table: str, said: str) -> None:
    bare.run(f"create schema invoicing; create table invoicing.invoices ({table})")
    columns = "select count(*) from information_schema.columns where table_schema = 'invoicing'"
    before = bare.value(columns)

    with pytest.raises((ConfigurationError, DatabaseUnavailableError), match=said):
        migrate(bare.database, install_capture=True, submit_from="2026-09-01")

    assert bare.value(columns) == before
    assert migrate(bare.database).watching is False


def test_the_companys_own_mapping_is_never_overwritten(rows: Rows) -> None:
    rows.run("drop view facteur.invoice_source; create view facteur.invoice_source as select 1::bigint as invoice_id")

    migrate(rows.database, install_capture=True, submit_from="2026-09-01")

    assert rows.value("select count(*) from facteur.invoice_source") == 1
    assert str(rows.value("select submit_from from facteur.installation")) == "2026-09-01"


@pytest.mark.slow
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
    committed = Path(__file__).parents[3] / "docs/schema.sql"

    assert dump(rows.url) == committed.read_text(), "run make generate"
