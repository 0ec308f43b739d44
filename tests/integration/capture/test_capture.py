"""Whatever a writer does to an invoice, its key is noted in the writer's own transaction, and no statement of his fails."""

from __future__ import annotations

import io
from typing import Any

import psycopg2
import pytest

from facteur.domain.submission import Intent
from tests.rows import Rows

ALSO_ON_DEBIAN = True

INSERT = "insert into invoicing.invoices (id, status) "
OTHER_WRITERS = {
    "insert of many rows": (INSERT + "select n, 'final' from generate_series(7, 9) n", [["7", "8", "9"]]),
    "update": ("update invoicing.invoices set total = 1 where id = 1", [["1"]]),
    "update that changes nothing": ("update invoicing.invoices set status = status where id = 1", [["1"]]),
    "update of no row": ("update invoicing.invoices set total = 1 where id = 99", []),
    "insert, or else an update": (
        INSERT + "values (2, 'final'), (7, 'final') on conflict (id) do update set status = excluded.status",
        [["2"], ["7"]],
    ),
    "insert, or else nothing": (INSERT + "values (2, 'final'), (7, 'final') on conflict do nothing", [["7"]]),
    "two tables' worth in one statement": (
        "with moved as (update invoicing.invoices set total = 1 where id = 1 returning id) "
        + INSERT
        + "values (7, 'final')",
        [["1"], ["7"]],
    ),
    "change of the key": ("update invoicing.invoices set id = 8 where id = 1", [["8"]]),
    "delete": ("delete from invoicing.invoices where id = 1", []),
    "truncate": ("truncate invoicing.invoices", []),
    "prepared transaction": (
        "begin; update invoicing.invoices set total = 1 where id = 1; prepare transaction 'other'; commit prepared 'other'",
        [["1"]],
    ),
    "writer that switches triggers off as a replica": (
        "begin; set local session_replication_role = replica; update invoicing.invoices set total = 1 where id = 1; commit",
        [["1"]],
    ),
    "serializable writer": (
        "begin isolation level serializable; update invoicing.invoices set total = 1 where id = 1; commit",
        [["1"]],
    ),
    "rolled-back transaction": ("begin; update invoicing.invoices set total = 1 where id = 1; rollback", []),
    "rolled-back half of a transaction": (
        "begin; update invoicing.invoices set total = 1 where id = 1; savepoint half; "
        "update invoicing.invoices set total = 1 where id = 2; rollback to half; commit",
        [["1"]],
    ),
}


@pytest.fixture
def three(rows: Rows) -> Rows:
    """Three drafts that have been seen already."""
    rows.run(INSERT + "select n, 'draft' from generate_series(1, 3) n")
    rows.run("delete from facteur.changes")
    return rows


@pytest.mark.parametrize(("statement", "notes"), OTHER_WRITERS.values(), ids=list(OTHER_WRITERS))
def test_every_kind_of_writer_leaves_one_note_per_statement(
    three: Rows, statement: str, notes: list[list[str]]
) -> None:
    # libpq wraps several statements in a transaction of its own, and `prepare transaction` wants none around it
    for part in statement.split("; "):
        three.run(part)

    assert sorted(three.notes()) == notes


def test_merge_notes_what_it_inserts_and_what_it_updates(three: Rows) -> None:
    if three.value("select current_setting('server_version_num')::integer") < 150000:
        pytest.skip("MERGE came with Postgres 15")

    three.run(
        "merge into invoicing.invoices i using (values (1), (7)) as new (id) on i.id = new.id "
        "when matched then update set status = 'final' when not matched then insert (id, status) values (new.id, 'final')"
    )

    assert sorted(three.notes()) == [["1"], ["7"]]


def test_copy_of_many_rows_is_noted_in_chunks_and_every_invoice_gets_its_submission(rows: Rows) -> None:
    lines = "".join(f"{n}\tF-{n}\t732829320\t2026-09-01\ts3://b/{n}.pdf\tfinal\n" for n in range(1, 2502))
    columns = "(id, invoice_number, seller_siren, issue_date, document_uri, status)"

    with psycopg2.connect(rows.url) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"copy invoicing.invoices {columns} from stdin", io.StringIO(lines))
    connection.close()

    assert sorted(len(note) for note in rows.notes()) == [501, 1000, 1000]
    assert rows.look().opened == 2501


def test_one_statement_that_writes_a_key_twice_notes_it_once(rows: Rows) -> None:
    rows.run("create table attachments (id serial, invoice_id bigint)")
    rows.run("select facteur.watch('attachments', 'invoice_id')")

    rows.run("insert into attachments (invoice_id) values (1), (1), (null), (2)")
    rows.run("insert into attachments (invoice_id) values (null)")

    assert rows.notes() == [["1", "2"]]


def test_the_application_needs_no_right_on_facteur(rows: Rows) -> None:
    rows.run("drop role if exists back_office")
    rows.run("create role back_office; grant usage on schema invoicing to back_office")
    rows.run("grant insert, update, select on invoicing.invoices to back_office")
    application = rows.session()

    application.rows("set role back_office")
    application.rows("create temp table changed (id text); set search_path = pg_temp")  # nor can he get in the way
    application.rows(INSERT + "values (1, 'final')")
    application.rows("update invoicing.invoices set total = 1")

    assert application.row("select has_schema_privilege('facteur', 'usage') as may").may is False
    assert rows.notes() == [["1"], ["1"]]


PARTITIONED = """
create table parts (id bigint, month integer, primary key (id, month)) partition by list (month);
create table parts_1 partition of parts for values in (1);
create table parts_2 partition of parts for values in (2) partition by hash (id);
create table parts_2_0 partition of parts_2 for values with (modulus 1, remainder 0);
select facteur.watch('parts', 'id')
"""
WRITES_TO_PARTS = {
    "insert through the parent": ("insert into parts values (7, 1), (8, 2)", [["7", "8"]]),
    "insert into a leaf": ("insert into parts_1 values (7, 1)", [["7"]]),
    "insert into a leaf's parent": ("insert into parts_2 values (8, 2)", [["8"]]),
    "insert into a leaf of a leaf": ("insert into parts_2_0 values (8, 2)", [["8"]]),
    "update through the parent": ("update parts set id = 5 where id = 1", [["5"]]),
    "update of a leaf": ("update parts_1 set id = 5 where id = 1", [["5"]]),
    "update that moves a row to another leaf": ("update parts set month = 2 where id = 1", [["1"]]),
    "insert, or else an update": (
        "insert into parts values (1, 1) on conflict (id, month) do update set id = 5",
        [["5"]],
    ),
}


@pytest.mark.parametrize(("statement", "notes"), WRITES_TO_PARTS.values(), ids=list(WRITES_TO_PARTS))
def test_a_partitioned_table_is_watched_at_every_door(rows: Rows, statement: str, notes: list[list[str]]) -> None:
    rows.run(PARTITIONED)
    rows.run("insert into parts values (1, 1)")
    rows.run("delete from facteur.changes")

    rows.run(statement)

    assert rows.notes() == notes


def test_a_partition_attached_later_is_seen_through_its_parent_and_at_its_own_door_once_watched_again(
    rows: Rows,
) -> None:
    rows.run(PARTITIONED)
    rows.run("create table parts_3 (id bigint not null, month integer not null); insert into parts_3 values (9, 3)")
    rows.run("alter table parts attach partition parts_3 for values in (3)")

    rows.run("insert into parts values (10, 3)")
    assert rows.notes() == [["10"]]
    rows.run("select facteur.watch('parts', 'id')")
    rows.run("insert into parts_3 values (11, 3)")

    assert rows.notes() == [["10"], ["11"]]


def test_children_of_a_table_that_inherits_are_watched_too(rows: Rows) -> None:
    rows.run("create table yearly (id bigint); create table yearly_2026 () inherits (yearly)")
    rows.run("select facteur.watch('yearly', 'id')")

    rows.run("insert into yearly_2026 values (1)")
    rows.run("update yearly set id = 2")

    assert rows.notes() == [["1"], ["2"]]


def test_a_table_that_names_two_invoices_is_watched_by_both_keys(rows: Rows) -> None:
    rows.run("create table credit_notes (invoice_id bigint, corrects_id bigint)")
    rows.run("select facteur.watch('credit_notes', 'invoice_id'); select facteur.watch('credit_notes', 'corrects_id')")
    rows.run("select facteur.watch('credit_notes', 'invoice_id')")

    rows.run("insert into credit_notes values (1, 2)")

    assert sorted(rows.notes()) == [["1"], ["2"]]


ODD_NAMES = ['Bill of "Sale"', "select", "été", "ö" * 31, "a'; drop table x; --", "%s %I"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_that_need_quoting_are_watched(rows: Rows, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    rows.run(f'create schema "Odd"; create table "Odd".{quoted} ({quoted} bigint)')
    rows.run(f'select facteur.watch($t$"Odd".{quoted}$t$, $t${name}$t$)')

    rows.run(f'insert into "Odd".{quoted} values (1)')

    assert rows.notes() == [["1"]]


def test_two_long_names_that_begin_alike_do_not_share_a_trigger_function(rows: Rows) -> None:
    first, second = "ö" * 30 + "a", "ö" * 30 + "b"
    rows.run(f"create table {first} (one bigint); create table {second} (two bigint)")
    rows.run(f"select facteur.watch('{first}', 'one'); select facteur.watch('{second}', 'two')")

    rows.run(f"insert into {first} values (1); insert into {second} values (2)")

    assert rows.notes() == [["1"], ["2"]]


@pytest.mark.parametrize(
    ("table", "key"),
    [("numeric_keys", "id"), ("numeric_keys", "nothing"), ("a_view", "id")],
    ids=["a type without an index to use", "no such column", "no table"],
)
def test_what_cannot_be_watched_is_refused_at_once(rows: Rows, table: str, key: str) -> None:
    rows.run("create table numeric_keys (id double precision); create view a_view as select 1::bigint as id")

    with psycopg2.connect(rows.url) as connection, connection.cursor() as cursor, pytest.raises(psycopg2.Error) as said:
        cursor.execute("select facteur.watch(%s, %s)", (table, key))
    connection.close()

    assert table in str(said.value)


ODD_VALUES: dict[str, list[Any]] = {
    "invoice_number": [None, "", "  ", "F'1\",{}\\", "№ é\u202f☃", "x" * 1_000_000],
    "seller_siren": [None, "", "732 829 320 00074", "\u00a0", "x" * 100_000, "٧٣٢٨٢٩٣٢٠"],
    "issue_date": ["infinity", "20226-01-01", "294276-12-31"],
    "total": [None, "NaN", "Infinity", "-0.001", "1e1000", "9" * 2000],
    "currency": [None, "", "€", "x" * 100_000],
    "document_uri": ["", " ", "s3://b/%00", "x" * 1_000_000],
    "submission_id": ["x" * 50],
}


@pytest.mark.parametrize(
    ("column", "value"), [(c, v) for c, values in ODD_VALUES.items() for v in values], ids=lambda v: str(v)[:20]
)
def test_odd_values_neither_stop_the_writer_nor_the_relay_nor_the_reader(rows: Rows, column: str, value: Any) -> None:
    odd, sound = rows.finish(), rows.finish()

    rows.update(odd, **{column: value})

    assert rows.look().opened == 2
    with rows.relay.pick_due(10) as due:
        due.mark_queued(due.submission_ids)
    waiting = rows.submissions.read(due.submission_ids)
    assert sorted(row.invoice_id for row in waiting) == [odd, sound]
    assert (
        len(
            rows.submissions.claim(
                [Intent(row, digest * 32) for row, digest in zip(waiting, ("ab", "cd"), strict=True)]
            )
        )
        == 2
    )


@pytest.mark.parametrize("column", ["status", "technical_status", "issue_date"])
def test_a_null_where_readiness_is_judged_means_not_ready(rows: Rows, column: str) -> None:
    invoice = rows.finish()

    rows.update(invoice, **{column: None})

    assert rows.look().opened == 0
    assert rows.states(invoice) == []
