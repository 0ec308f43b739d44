"""No change of the company's own table makes its writers fail, and what they wrote meanwhile is found."""

from __future__ import annotations

import psycopg2
import pytest

from facteur.install.migrate import migrate
from local.world.levers import World
from local.world.postgres import as_worker
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

TABLE = "invoicing.invoices"
EVERYTHING = ["(everything)"]
BY_ID = """
create view facteur.invoice_source as
select {} as invoice_id, status = 'final' as ready, document_uri, invoice_number, seller_siren, issue_date, technical_status,
       submission_id from invoicing.invoices
"""
DROP_VIEW = "drop view facteur.invoice_source"
CHANGES = {
    "the key renamed": (f"alter table {TABLE} rename column id to invoice_key", [EVERYTHING, EVERYTHING]),
    "the key dropped": (f"{DROP_VIEW}; alter table {TABLE} drop column id", [EVERYTHING, EVERYTHING]),
    "the key dropped and another made": (
        f"{DROP_VIEW}; alter table {TABLE} drop column id; alter table {TABLE} add column key bigserial",
        [EVERYTHING, EVERYTHING],
    ),
    "the key's type changed": (
        f"{DROP_VIEW}; alter table {TABLE} alter column id drop identity; alter table {TABLE} alter column id type numeric",
        [["1"], ["7"]],
    ),
    "the key made a text": (
        f"{DROP_VIEW}; alter table {TABLE} alter id drop identity; alter table {TABLE} alter id type text using 'F-' || id",
        [["7"], ["F-1"]],
    ),
    "the columns swapped": (
        f"alter table {TABLE} add column id_new bigint; update {TABLE} set id_new = id + 100; delete from facteur.changes;"
        f"alter table {TABLE} rename column id to id_old; alter table {TABLE} rename column id_new to id",
        [["101"], ["7"]],
    ),
    "an earlier column dropped": (f"{DROP_VIEW}; alter table {TABLE} drop column invoice_number", [["1"], ["7"]]),
    "a column named as a variable": (f"alter table {TABLE} add column key text; alter table {TABLE} add column chunk int", [["1"], ["7"]]),
}  # fmt: skip


@pytest.mark.parametrize(("change", "notes"), CHANGES.values(), ids=list(CHANGES))
def test_no_change_of_the_table_fails_a_writer_old_or_new(rows: Rows, change: str, notes: list[list[str]]) -> None:
    old = rows.session()
    old.rows(f"insert into {TABLE} (status) values ('draft')")
    old.rows(f"update {TABLE} set total = 1")
    rows.run("delete from facteur.changes")
    rows.run(change)

    old.rows(f"update {TABLE} set total = 2")
    named = rows.value(
        "select exists (select from pg_attribute where attrelid = 'invoicing.invoices'::regclass and attname = 'id' and not attisdropped)"
    )
    rows.session().rows(
        f"insert into {TABLE} ({'id, status' if named else 'status'}) values ({'7, ' if named else ''}'draft')"
    )

    assert sorted(rows.notes()) == notes


@pytest.mark.parametrize("name", ["key", "chunk", "changed", "gone", "found", "new", "tg_op", 'Bill of "Sale"'])
def test_a_key_of_any_name_is_noted_and_missed(rows: Rows, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    rows.run(f"create table odd ({quoted} bigint, other int)")
    rows.run(f"select facteur.watch('odd', $n${name}$n$)")

    rows.run("insert into odd values (1)")
    rows.run(f"alter table odd drop column {quoted}")
    rows.run("insert into odd values (2)")

    assert rows.notes() == [["1"], EVERYTHING]


def test_the_trigger_opens_no_subtransaction(rows: Rows) -> None:
    functions = rows.run(
        "select prosrc from pg_proc where proname like 'note\\_%%' and prorettype = 'trigger'::regtype"
    )

    assert functions
    assert not any("exception" in row.prosrc.lower() for row in functions)


def test_rows_that_were_written_without_a_key_are_found_by_one_scan_in_five_minutes(rows: Rows) -> None:
    rows.relay.vitals()
    rows.run(f"alter table {TABLE} rename column id to invoice_key")
    for _ in range(3):
        rows.run(
            f"insert into {TABLE} (invoice_number, seller_siren, issue_date, total, document_uri, status)"
            " values ('F', '732829320', '2026-09-01', 120, 's3://b/f.pdf', 'final')"
        )
        assert rows.look().opened == 0
        assert rows.relay.vitals().forgotten is None  # not five minutes ago

    rows.advance(301)
    assert rows.relay.vitals().forgotten == 3
    assert rows.look().opened == 3

    rows.advance(301)
    assert rows.relay.vitals().forgotten is None


def test_a_pass_that_began_before_the_note_is_made_again(rows: Rows) -> None:
    rows.relay.vitals()
    rows.run(f"alter table {TABLE} rename column id to invoice_key")
    rows.advance(600)
    slow = rows.session()
    slow.rows("begin")
    slow.row("select pg_current_xact_id()")
    writer = rows.session()
    writer.rows(
        f"insert into {TABLE} (invoice_number, seller_siren, issue_date, total, document_uri, status)"
        " values ('F', '732829320', '2026-09-01', 120, 's3://b/f.pdf', 'final')"
    )
    rows.look()
    slow.rows("select facteur.note_forgotten(true)")
    slow.rows("commit")

    rows.advance(301)

    assert rows.relay.vitals().forgotten is not None


def test_once_watched_again_by_its_new_name_the_key_is_noted(rows: Rows) -> None:
    rows.run(f"alter table {TABLE} rename column id to invoice_key")
    rows.run(f"select facteur.watch('{TABLE}', 'invoice_key')")

    rows.run(f"insert into {TABLE} (invoice_key, status) values (7, 'draft')")

    assert rows.notes() == [["7"]]


# --- keys that the view does not show -------------------------------------------------------------------------------------


def test_a_key_that_the_view_does_not_show_is_counted_and_reported(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.add(1)
    world.database.rows(f"delete from {TABLE}")

    world.relay()

    assert '"KeysNotShown":[1.0]' in capsys.readouterr().out
    assert "keys.not_shown" in caplog.messages


def test_a_row_that_a_join_leaves_out_is_counted_each_time(rows: Rows) -> None:
    rows.run("create table customers (invoice_id bigint)")
    rows.run(DROP_VIEW)
    rows.run(
        BY_ID.format("i.id").replace(
            "from invoicing.invoices", "from invoicing.invoices i join customers c on c.invoice_id = i.id"
        )
    )
    invoice = rows.finish()

    taken = rows.look()
    rows.run("insert into customers values (%(id)s)", id=int(invoice))
    rows.update(invoice, total=5)

    assert (taken.not_shown, taken.opened) == (1, 0)
    assert (rows.look().opened, rows.look().not_shown) == (1, 0)


# --- the writers' table is never locked -----------------------------------------------------------------------------------


def test_nothing_of_ours_waits_for_an_open_writer_or_keeps_him_waiting(rows: Rows) -> None:
    noted = rows.noted()
    writer = psycopg2.connect(rows.url)
    with writer.cursor() as cursor:
        cursor.execute("insert into facteur.changes (invoice_ids) values ('{1}')")  # what a trigger does: ROW EXCLUSIVE
    rows.run("set lock_timeout = '500ms'")

    migrate(rows.database, worker_role="facteur_worker")
    rows.run(f"select facteur.watch('{TABLE}', 'id')")
    rows.run("select facteur.note_forgotten(true)")
    rows.reach(noted, "submitted")
    rows.look()
    assert Operator(as_worker(rows.url)).run("doctor", "--deep", "--json").code in {0, 1}
    assert Operator(rows.url).run("uninstall", "--force", "--yes", "--why", "test").code == 0

    rows.run("reset lock_timeout")
    writer.commit()
    writer.close()
