"""What has come apart between the company's table and what was installed on it is found at once, and nothing is written back meanwhile."""

from __future__ import annotations

import subprocess

import pytest

from facteur.errors import ConfigurationError
from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.world.levers import World
from local.world.postgres import as_worker, embedded_binaries
from tests.installations import DOCUMENTS, build, install, snapshot
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

TABLE = "invoicing.invoices"
SWAPPED = f"""
begin; alter table {TABLE} add column id_new bigint; update {TABLE} set id_new = id;
alter table {TABLE} rename column id to id_old; alter table {TABLE} rename column id_new to id; commit
"""
SWAPPED_UNDER_A_CAST = f"""
begin; alter table {TABLE} add column id_new bigint; update {TABLE} set id_new = id; drop view facteur.invoice_source;
create view facteur.invoice_source as select i.id::text as invoice_id,
    coalesce(status = 'final' and i.issue_date >= (select submit_from from facteur.installation), false) as ready,
    technical_status, submission_id
from facteur.installation n, {TABLE} i where n.version is not null and i.id_new is distinct from 0;
alter table {TABLE} rename column id to id_old; alter table {TABLE} rename column id_new to id; commit
"""
REPLACED = (
    f"alter table {TABLE} rename to invoices_old; create table {TABLE} (like invoicing.invoices_old including all)"
)
APART = {
    "the table renamed": (f"alter table {TABLE} rename to factures", "table_renamed"),
    "the table moved": (f"create schema other; alter table {TABLE} set schema other", "table_renamed"),
    "its schema renamed": ("alter schema invoicing rename to billing", "table_renamed"),
    "another table of its name": (REPLACED, "table_replaced"),
    "the key renamed": (f"alter table {TABLE} rename column id to number_in_file", "key_gone"),
    "the columns swapped": (SWAPPED, "other_key"),
    "the columns swapped, and both asked": (SWAPPED_UNDER_A_CAST.replace("::text", ""), "other_key"),
    "the columns swapped under a cast": (SWAPPED_UNDER_A_CAST, "other_key"),
    "the columns swapped under a narrower type": (SWAPPED_UNDER_A_CAST.replace("::text", "::integer"), "other_key"),
    "the columns swapped below a view of a view": (
        SWAPPED_UNDER_A_CAST.replace(
            "commit",
            "alter view facteur.invoice_source rename to inner_source; "
            "create view facteur.invoice_source as select invoice_id::varchar as invoice_id, ready, technical_status, submission_id "
            "from facteur.inner_source; commit",
        ),
        "other_key",
    ),
    "the view over another table": (
        "create table other (like invoicing.invoices); drop view facteur.invoice_source; "
        "create view facteur.invoice_source as select id as invoice_id, false as ready, technical_status, submission_id from other",
        "other_key",
    ),
    "the view gone": ("drop view facteur.invoice_source", "no_view"),
    "the table dropped": (f"drop table {TABLE} cascade", "table_gone"),
}
TRIGGERS = {
    "all triggers disabled": (f"alter table {TABLE} disable trigger all", "trigger_not_always"),
    "all triggers disabled and enabled": (
        f"alter table {TABLE} disable trigger all; alter table {TABLE} enable trigger all",
        "trigger_not_always",
    ),
    "one trigger dropped": ("do $$ begin execute (select format('drop trigger %I on invoicing.invoices', tgname) from pg_trigger "
                            "where tgname like 'facteur_update%'); end $$", "trigger_missing"),
}  # fmt: skip


CLERK = f"""
do $$ begin create role clerk; exception when duplicate_object then null; end $$;
grant usage, create on schema facteur to clerk; grant usage on schema invoicing to clerk;
grant select, update on {TABLE} to clerk; grant select on facteur.installation to clerk;
alter view facteur.invoice_source owner to clerk;
alter function facteur.write_back(text, text, text, text) owner to clerk;
"""


@pytest.fixture
def operator_of(rows: Rows) -> Operator:
    """A person with no more rights than the deployed functions."""
    return Operator(as_worker(rows.url))


def codes(rows: Rows, *, whole: bool = False) -> list[str]:
    return [row.code for row in rows.run("select code from facteur.installation_faults(%(whole)s)", whole=whole)]


def fixes(rows: Rows, code: str) -> str:
    (fix,) = rows.run("select fix from facteur.installation_faults(true) where code = %(code)s", code=code)
    return str(fix.fix)


def fixes_all(rows: Rows) -> list[str]:
    return [row.fix for row in rows.run("select fix from facteur.installation_faults(true)")]


def test_a_sound_installation_has_no_fault(rows: Rows) -> None:
    rows.noted()

    assert codes(rows, whole=True) == []
    assert rows.value("select facteur.belong_together()") is True


@pytest.mark.parametrize(("change", "code"), APART.values(), ids=list(APART))
def test_what_comes_apart_is_named_and_nothing_is_written_back_before_it_is_put_right(
    rows: Rows, change: str, code: str
) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.run(change)

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1", due_in_seconds=60)

    assert code in codes(rows)
    submission = rows.submission(invoice)
    assert (submission.state, submission.platform_id) == ("submitted", "P-1")
    assert submission.write_back_error.startswith("FR003: ")
    assert submission.unwritten_since is not None


def test_what_waited_is_written_once_name_view_and_watch_belong_together_again(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run(f"alter table {TABLE} rename to factures")
    rows.reach(invoice, "submitted")
    rows.run("alter table invoicing.factures rename to invoices")
    rows.advance(60)

    assert rows.write_back() == (1, 0)
    assert (codes(rows), rows.invoice(invoice).technical_status) == ([], "validated")


def test_watching_again_under_another_name_forgets_the_former_one(rows: Rows) -> None:
    rows.run(f"alter table {TABLE} rename to factures")
    definition = rows.value("select pg_get_functiondef('facteur.write_back(text, text, text, text)'::regprocedure)")
    rows.run(definition.replace("invoicing.invoices", "invoicing.factures"))

    rows.run("select facteur.watch('invoicing.factures', 'id')")
    rows.run("insert into invoicing.factures (id, status) values (1, 'draft')")

    assert codes(rows, whole=True) == []
    assert rows.notes() == [["1"]]


@pytest.mark.parametrize(("change", "code"), TRIGGERS.values(), ids=list(TRIGGERS))
def test_triggers_that_some_writers_pass_by_are_found_and_the_statement_puts_them_right(
    rows: Rows, change: str, code: str
) -> None:
    rows.run(change)

    assert codes(rows) == [code]
    rows.run(fixes(rows, code).partition(";")[0])
    assert codes(rows) == []


PARTS = """
create table parts (id bigint, month integer, primary key (id, month)) partition by list (month);
create table parts_1 partition of parts for values in (1);
select facteur.watch('parts', 'id')
"""
DOORS = {
    "made since": "create table parts_2 partition of parts for values in (2)",
    "attached since": "create table parts_2 (like parts including all); alter table parts attach partition parts_2 for values in (2)",
    "made of a part": "create table parts_2 partition of parts for values in (2) partition by hash (id);"
    "create table parts_2_0 partition of parts_2 for values with (modulus 1, remainder 0)",
    "a parent above": "create table whole (like parts) partition by range (id); alter table whole attach partition parts"
    " for values from (0) to (1000000)",
}


@pytest.mark.parametrize("change", DOORS.values(), ids=list(DOORS))
def test_a_door_that_nobody_watches_is_found(rows: Rows, change: str) -> None:
    rows.run(PARTS)
    assert codes(rows) == []

    rows.run(change)

    assert codes(rows) == ["trigger_missing"]
    rows.run(fixes(rows, "trigger_missing").partition(";")[0])
    assert codes(rows) == []


def test_a_view_over_views_and_a_view_that_makes_its_key_are_no_faults(rows: Rows) -> None:
    rows.run("create view invoicing.final as select * from invoicing.invoices where status = 'final'")
    columns = "false as ready, technical_status, submission_id"
    rows.run("drop view facteur.invoice_source")
    rows.run(f"create view facteur.invoice_source as select id as invoice_id, {columns} from invoicing.final")
    assert codes(rows) == []

    rows.run("drop view facteur.invoice_source")
    rows.run(f"create view facteur.invoice_source as select id::text as invoice_id, {columns} from invoicing.final")
    assert codes(rows) == []


def test_a_table_that_feeds_the_view_may_be_watched_beside_it(rows: Rows) -> None:
    rows.run(
        "create table attachments (invoice_id bigint, uri text); select facteur.watch('attachments', 'invoice_id')"
    )

    assert codes(rows, whole=True) == []


def test_functions_that_are_gone_are_named(rows: Rows) -> None:
    rows.run("drop function facteur.write_status(text, text, text, text, timestamptz)")

    assert codes(rows) == ["no_write_back"]


def test_uninstalling_leaves_nothing_to_come_apart(rows: Rows) -> None:
    result = Operator(rows.url).run("uninstall", "--yes", "--why", "test")

    assert result.code == 0, result.err
    assert codes(rows, whole=True) == []


def test_the_workers_role_finds_the_same(rows: Rows) -> None:
    rows.run(f"alter table {TABLE} rename to factures")

    found = Operator(as_worker(rows.url)).ask("status")["troubles"]

    assert any("is called invoicing.factures now" in each["what"] for each in found)


# --- the whole examination ------------------------------------------------------------------------------------------------


def test_row_security_is_reported_until_a_policy_lets_the_mapping_have_every_row(rows: Rows) -> None:
    rows.run(CLERK)
    rows.run(f"alter table {TABLE} enable row level security; create policy own on {TABLE} using (status = 'final')")
    assert codes(rows, whole=True) == ["row_security", "row_security"]

    rows.run(fixes_all(rows)[0])

    assert codes(rows, whole=True) == []


INVOKER = f"""
alter view facteur.invoice_source set (security_invoker = true);
grant usage on schema invoicing to facteur_worker; grant select on {TABLE} to facteur_worker;
alter table {TABLE} enable row level security; create policy own on {TABLE} for select to facteur_worker using (status = 'draft')
"""
NESTED = f"""
alter view facteur.invoice_source rename to rows_of_mine;
alter view facteur.rows_of_mine set (security_invoker = true);
create view facteur.invoice_source as select * from facteur.rows_of_mine;
{INVOKER.partition("(security_invoker = true);")[2]}
"""


@pytest.mark.parametrize("change", [INVOKER, NESTED])
def test_rows_that_the_worker_cannot_see_through_a_view_that_asks_as_the_caller(rows: Rows, change: str) -> None:
    """The owner sees them, and the worker none: nothing would ever be deposited, and nobody would hear of it."""
    rows.finish()
    rows.run(change)
    worker = Database(lambda: {"dsn": as_worker(rows.url)})
    assert worker.row("select count(*) as n from facteur.invoice_source").n == 0
    assert codes(rows, whole=True) == ["row_security"]
    assert [row.code for row in worker.rows("select code from facteur.installation_faults(true)")] == ["row_security"]

    rows.run(fixes(rows, "row_security"))

    assert codes(rows, whole=True) == []
    assert worker.row("select count(*) as n from facteur.invoice_source").n == 1
    worker.close()


def test_a_table_that_the_worker_may_not_read_through_such_a_view(rows: Rows) -> None:
    rows.run("alter view facteur.invoice_source set (security_invoker = true)")
    assert codes(rows, whole=True) == ["no_right"]

    rows.run(fixes(rows, "no_right"))

    assert codes(rows, whole=True) == []


@pytest.mark.parametrize("kind", ["text", "integer", "numeric", "varchar(30)"])
def test_a_key_that_is_cast_is_no_fault(rows: Rows, kind: str) -> None:
    definition = rows.value("select pg_get_viewdef('facteur.invoice_source')").replace(
        "id AS invoice_id", f"id::{kind} AS invoice_id", 1
    )
    rows.run(f"drop view facteur.invoice_source; create view facteur.invoice_source as {definition}")

    assert rows.run("select attname from facteur.shown_from('invoice_id')")[0].attname == "id"
    assert codes(rows, whole=True) == []


def test_a_right_that_was_taken_away_is_reported(rows: Rows) -> None:
    rows.run(CLERK)
    rows.run(f"revoke update on {TABLE} from clerk")

    assert codes(rows, whole=True) == ["no_right"]
    rows.run(fixes_all(rows)[0])
    assert codes(rows, whole=True) == []


def test_a_column_that_is_too_short_for_the_id_is_reported_with_the_statement_that_puts_it_right(rows: Rows) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-" + "9" * 60, due_in_seconds=60)
    assert rows.submission(invoice).write_back_error.startswith("22001")

    for statement in fixes(rows, "too_short").split("; "):
        rows.run(statement)
    rows.advance(60)

    assert rows.write_back() == (1, 0)
    assert rows.invoice(invoice).submission_id == "P-" + "9" * 60
    assert codes(rows, whole=True) == []


@pytest.mark.parametrize("table", ["submissions", "attempts"])
def test_a_sequence_that_is_behind_its_table_is_reported_with_the_statement_that_puts_it_right(
    rows: Rows, table: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.run(f"alter sequence facteur.{table}_id_seq restart")

    assert codes(rows, whole=True) == ["sequence_late"]
    rows.run(fixes(rows, "sequence_late"))
    assert codes(rows, whole=True) == []


def test_a_publication_of_all_tables_is_a_warning(rows: Rows, operator_of: Operator) -> None:
    rows.run("create publication everything for all tables")

    (finding,) = [each for each in operator_of.ask("doctor")["findings"] if each["check"] == "installation"]

    assert (finding["outcome"], codes(rows)) == ("warning", [])
    assert "the publication everything sends every table" in finding["what"]


# --- tried on real rows ---------------------------------------------------------------------------------------------------

ENUM = "create schema invoicing; create type word as enum ({}); create table invoicing.invoices "
ENUM += "(id bigserial primary key, technical_status word)"
WORDS = "'pending', 'validated', 'rejected', 'error'"


def test_a_status_that_is_an_enum_of_every_word_is_written(bare: Rows) -> None:
    bare.run(ENUM.format(WORDS))
    bare.run("alter table invoicing.invoices add submission_id uuid")
    migrate(bare.database, install_capture=True, submit_from="2026-01-01")
    invoice = bare.noted()

    claim = bare.claim(invoice)
    deposit = "0199c2f4-0000-7000-8000-000000000001"
    bare.record(invoice, claim, "submitted", "accepted", platform_id=deposit, due_in_seconds=60)

    assert bare.invoice(invoice).technical_status == "validated"
    assert bare.submission(invoice).write_back_error is None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (ENUM.format("'pending', 'validated'"), "lacks rejected, error"),
        (
            ENUM.format(WORDS).replace("technical_status word", "technical_status varchar(8)"),
            "is character varying\\(8\\)",
        ),
        (ENUM.format(WORDS).replace("technical_status word", "technical_status char(5)"), "is character\\(5\\)"),
    ],
)
def test_a_table_that_cannot_take_every_status_is_not_installed_on(bare: Rows, schema: str, words: str) -> None:
    bare.run(schema)

    with pytest.raises(ConfigurationError, match=words):
        migrate(bare.database, install_capture=True, submit_from="2026-01-01")

    assert bare.value("select to_regclass('facteur.invoice_source')") is None


CHECK = f"alter table {TABLE} add constraint words check (technical_status in ('pending', 'validated', 'error'))"
GUARD = f"""
create function invoicing.guard() returns trigger language plpgsql as
$$ begin if old.status = 'final' then return old; end if; return new; end $$;
create trigger guard before update on {TABLE} for each row execute function invoicing.guard()
"""


@pytest.mark.parametrize(("change", "words"), [(CHECK, "rejected: "), (GUARD, "does not show the technical_status")])
def test_the_deep_examination_writes_real_rows_and_leaves_them_as_they_were(
    rows: Rows, operator_of: Operator, change: str, words: str
) -> None:
    invoice = rows.noted()
    rows.run(change)
    before = rows.run(f"select i.*, i.xmin from {TABLE} i")

    result = operator_of.run("doctor", "--deep").out

    assert words in result
    assert rows.run(f"select i.*, i.xmin from {TABLE} i") == before
    assert (rows.notes(), rows.states(invoice)) == ([], ["pending"])


def test_init_installs_nothing_where_a_real_row_does_not_take_a_status(bare: Rows) -> None:
    build(bare, "mission", code_type="varchar(10)")
    bare.run(GUARD)
    before = snapshot(bare.url)

    result = Operator(bare.url).run("init", "--documents", DOCUMENTS, "--apply", "--yes", "--submit-from", "2024-01-01")

    assert result.code == 2
    assert "write-backs would fail" in result.err
    assert snapshot(bare.url) == before


def test_rows_of_a_closed_year_keep_nobody_from_installing(bare: Rows) -> None:
    build(bare, "mission", code_type="varchar(10)")
    bare.run(GUARD.replace("old.status = 'final'", "old.id < 300"))

    install(bare, "--documents", DOCUMENTS)


def test_the_deep_examination_of_a_sound_table_tries_its_rows(rows: Rows, operator_of: Operator) -> None:
    for state in ("submitted", "rejected", "pending"):
        rows.reach(rows.noted(), state)

    found = {each["check"]: each for each in operator_of.ask("doctor", "--deep")["findings"]}

    assert found["write-backs"]["what"].startswith("each status was written to ")
    assert "write-backs" not in {each["check"] for each in operator_of.ask("doctor")["findings"]}


def test_a_deploy_on_what_has_come_apart_says_it_and_goes_on(rows: Rows) -> None:
    rows.noted()
    rows.run(GUARD)

    migrated = migrate(rows.database)

    assert migrated.watching
    assert any("cannot be written back" in each for each in migrated.faults)


def test_a_fault_is_counted_by_the_relay_each_minute(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.database.rows(f"alter table {TABLE} disable trigger all; alter table {TABLE} enable trigger all")

    world.relay()

    assert '"InstallationFaults":[1.0]' in capsys.readouterr().out
    assert "installation.faults" in caplog.messages


def test_a_dump_that_is_restored_elsewhere_belongs_together(rows: Rows, empty_url: str) -> None:
    invoice = rows.noted()
    dumped = subprocess.run(
        [embedded_binaries() / "pg_dump", "--format=custom", rows.url], check=True, capture_output=True
    )
    # an older server does not know every setting of a newer pg_restore
    subprocess.run([embedded_binaries() / "pg_restore", "--dbname", empty_url], input=dumped.stdout, check=False)
    restored = Rows(empty_url, Database(lambda: {"dsn": empty_url}))

    restored.reach(invoice, "submitted")

    assert codes(restored, whole=True) == []
    assert restored.invoice(invoice).technical_status == "validated"
    restored.close()


def test_a_fix_that_is_sql_can_be_run_as_it_stands(rows: Rows) -> None:
    """Whoever is called at night pastes it."""
    for (trigger,) in rows.run("select tgname from pg_trigger where tgname like 'facteur\\_%'"):
        rows.run(f'drop trigger "{trigger}" on invoicing.invoices')

    fixes = [row.fix for row in rows.run("select fix from facteur.installation_faults(true) where fix like 'select %'")]

    assert fixes
    for fix in fixes:
        rows.run(fix)
    assert rows.run("select what from facteur.installation_faults(true) where fix like 'select %'") == []
