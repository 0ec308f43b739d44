"""The seam to the company's tables: keys of any type, tables that exist already, views of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facteur.install.migrate import migrate
from tests.rows import Rows

ALSO_ON_DEBIAN = True

KEYS: dict[str, list[str]] = {
    "smallint": ["1", "-32768"],
    "integer": ["1", "2147483647"],
    "bigint": ["1", "9223372036854775807"],
    "uuid": ["6f1d0f3e-4a58-4c52-9a7e-0d8f6b9d3a11"],
    "text": ["F-1", "", " padded ", 'it\'s, {"odd"} \\ % ; --', "NULL", "été ☃ \U0001f9fe", "x" * 2000],
    "varchar(20)": ["F 1", "trailing  "],
    "character(12)": ["F1", "ABCDEFGHIJKL", "a b"],
}
TABLE = """
create schema invoicing;
create table invoicing.invoices (id {} primary key, status text, invoice_number char(10), seller_siren char(14), issue_date date,
                                 total numeric(12, 2), currency char(4), document_uri varchar(100))
"""
INSERT = """
insert into invoicing.invoices (id, status, invoice_number, seller_siren, issue_date, total, currency, document_uri)
values (%(id)s, 'final', 'F-1', '732829320', '2026-09-01', 1, 'EUR', 's3://b/1.pdf')
"""


def install(bare: Rows, submit_from: str = "2026-01-01") -> None:
    migrate(bare.database, install_capture=True, submit_from=submit_from)


@pytest.mark.parametrize(("key_type", "key"), [(t, key) for t, keys in KEYS.items() for key in keys])
def test_a_key_of_any_type_goes_all_the_way_and_back(bare: Rows, key_type: str, key: str) -> None:
    bare.run(TABLE.format(key_type))
    install(bare)
    bare.run(INSERT, id=key)

    assert bare.look().opened == 1
    (invoice,) = bare.noted_invoices()
    assert invoice == key
    bare.reach(invoice, "submitted")

    row = bare.run("select technical_status, submission_id from invoicing.invoices where id = %(id)s", id=key)[0]
    assert tuple(row) == ("validated", bare.submission(key).platform_id)
    assert bare.notes() == []
    assert bare.value("select facteur.note_forgotten(true)") == 0


@pytest.mark.parametrize("key_type", ["integer", "bigint", "uuid", "text", "varchar(40)", "character(36)"])
def test_invoices_are_read_and_written_by_the_index_of_their_key(bare: Rows, key_type: str) -> None:
    bare.run(TABLE.format(key_type))
    install(bare)
    cast = "gen_random_uuid()" if key_type not in ("integer", "bigint") else "n"
    bare.run(f"insert into invoicing.invoices (id) select {cast} from generate_series(1, 3000) n")
    bare.run("analyze invoicing.invoices")
    key = bare.value("select id::text from invoicing.invoices limit 1")
    counts = "select seq_scan::integer, idx_scan::integer from pg_stat_xact_user_tables where relname = 'invoices'"

    bare.run("begin")
    before = bare.run(counts)[0]
    bare.run("select facteur.read_invoices(array[%(key)s], 0)", key=key)
    bare.run("select facteur.write_back(%(key)s, 'validated', 'P', null)", key=key)
    after = bare.run(counts)[0]
    bare.run("commit")

    assert (after.seq_scan - before.seq_scan, after.idx_scan - before.idx_scan) == (0, 2)


def test_padding_of_char_columns_is_trimmed_and_a_siret_is_cut(bare: Rows) -> None:
    bare.run(TABLE.format("character(12)"))
    install(bare)
    bare.run(INSERT.replace("'732829320'", "'73282932000074'"), id="F1")

    bare.look()

    submission = bare.submission("F1")
    assert (submission.invoice_number, submission.seller_siren, submission.currency) == ("F-1", "732829320", "EUR")


OLD = """
insert into invoicing.invoices (id, status, issue_date, document_uri)
select n, 'final', date '2025-06-01' + n, 's3://b/old.pdf' from generate_series(1, 500) n
"""


@pytest.mark.parametrize("had_a_status", [False, True], ids=["new column", "column of the company's own"])
def test_no_old_invoice_is_deposited_by_installing_or_by_touching_it(bare: Rows, had_a_status: bool) -> None:
    bare.run(TABLE.format("bigint"))
    if had_a_status:
        bare.run("alter table invoicing.invoices add technical_status varchar(20) default 'pending'")
    bare.run(OLD)

    install(bare, "2026-12-01")
    bare.run("update invoicing.invoices set total = coalesce(total, 0) + 1")
    bare.run("update invoicing.invoices set status = 'final'")

    assert bare.look().opened == 0
    assert bare.value("select facteur.note_forgotten(true)") == 0
    assert bare.value("select count(*) from facteur.submissions") == 0
    assert bare.value("select count(*) from invoicing.invoices where last_technical_update is not null") == 0
    bare.run(INSERT.replace("2026-09-01", "2026-12-01"), id="501")
    assert bare.look().opened == 1


def test_a_backlog_is_deposited_on_purpose(bare: Rows) -> None:
    bare.run(TABLE.format("bigint"))
    bare.run(OLD)
    install(bare, "2027-01-01")

    migrate(bare.database, submit_from="2026-01-01")
    bare.run("update invoicing.invoices set technical_status = 'pending' where id > 490")

    assert bare.look().opened == 10


def test_a_table_that_lives_is_not_touched_until_the_installation_is_asked_for(bare: Rows) -> None:
    bare.run(TABLE.format("bigint"))
    shape = "select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = 'invoicing.invoices'::regclass"
    before = bare.value(shape)

    assert migrate(bare.database).watching is False

    assert bare.value(shape) == before
    assert bare.value("select count(*) from pg_trigger where tgrelid = 'invoicing.invoices'::regclass") == 0
    assert bare.value("select facteur.note_forgotten(true)") == 0
    install(bare)
    bare.run(INSERT, id="1")
    assert bare.look().opened == 1


def test_a_default_of_the_companys_own_stays(bare: Rows) -> None:
    bare.run(TABLE.format("bigint"))
    bare.run(
        "alter table invoicing.invoices add technical_status text default 'unchecked', alter status set default 'new'"
    )

    install(bare)
    bare.run("insert into invoicing.invoices (id) values (1)")

    row = bare.run("select status, technical_status from invoicing.invoices")[0]
    assert tuple(row) == ("new", "unchecked")


VIEW = """
drop view facteur.invoice_source;
create view facteur.invoice_source as select {} from invoicing.invoices i
"""
BARE = "i.id as invoice_id, i.status = 'final' as ready, 'x'::bytea as document, i.invoice_number, i.seller_siren"


def test_a_view_may_lack_whatever_has_a_default(rows: Rows) -> None:
    rows.run(VIEW.format(BARE))
    rows.finish()
    rows.look()
    with rows.relay.pick_due(10) as due:
        due.mark_queued(due.submission_ids)

    (waiting,) = rows.submissions.read(due.submission_ids)

    assert waiting.account == "default"
    assert waiting.invoice is not None
    assert (waiting.invoice.document, waiting.invoice.document_bytes) == (b"x", 1)
    assert (waiting.invoice.document_uri, waiting.invoice.total, waiting.invoice.issue_date) == (None, None, None)


def test_a_view_without_the_status_is_reported_again_when_the_row_is_written_but_never_deposited_again(
    rows: Rows,
) -> None:
    rows.run(VIEW.format(BARE))
    invoice = rows.finish()
    rows.look()
    rows.reach(invoice, "submitted")

    rows.update(invoice, technical_status="pending")

    assert rows.look().opened == 0
    assert rows.write_back() == (1, 0)
    assert rows.invoice(invoice).technical_status == "validated"


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_a_view_without_the_status_forgets_no_refused_invoice(rows: Rows, state: str) -> None:
    rows.run(VIEW.format(BARE))
    invoice = rows.finish()
    rows.look()

    rows.reach(invoice, state)

    assert rows.value("select facteur.note_forgotten(true)") == 0
    assert rows.look().opened == 0
    assert rows.states(invoice) == [state]


@pytest.mark.parametrize(("shown", "account"), [("'sud'", "sud"), ("null::text", "default"), ("' '", "default")])
def test_the_account_is_the_views(rows: Rows, shown: str, account: str) -> None:
    rows.run(VIEW.format(f"{BARE}, {shown} as account"))
    invoice = rows.finish()

    rows.look()

    assert rows.submission(invoice).account == account
    with rows.relay.pick_due(10) as due:
        assert list(due.submission_ids) == [rows.submission(invoice).id]


def test_documents_of_two_tables_make_an_invoice_ready_in_either_order(rows: Rows) -> None:
    rows.run("create table attachments (invoice_id bigint, content bytea)")
    rows.run(
        "drop view facteur.invoice_source; create view facteur.invoice_source as "
        "select i.id as invoice_id, i.status = 'final' and a.content is not null as ready, a.content as document, "
        "i.invoice_number, i.seller_siren, i.technical_status from invoicing.invoices i left join attachments a on a.invoice_id = i.id"
    )
    rows.run("select facteur.watch('attachments', 'invoice_id')")
    attach = "insert into attachments values (%(id)s, 'x')"

    first = rows.finish()
    assert rows.look().opened == 0
    rows.run(attach, id=first)
    assert rows.look().opened == 1
    rows.run(attach, id=first + "1")
    assert rows.look().opened == 0
    rows.run("insert into invoicing.invoices (id, status) values (%(id)s, 'final')", id=first + "1")

    assert rows.look().opened == 1


def test_documents_up_to_a_size_come_along_and_larger_ones_are_read_in_parts(rows: Rows) -> None:
    rows.run("alter table invoicing.invoices add content bytea")
    rows.run(VIEW.format(BARE.replace("'x'::bytea", "i.content")))
    invoice = rows.finish()
    rows.update(invoice, content=b"0123456789")
    read = "select i.document, i.document_bytes from facteur.read_invoices(array[%(id)s], %(most)s) i"

    small, large = (rows.run(read, id=invoice, most=most)[0] for most in (10, 9))

    assert (bytes(small.document), small.document_bytes) == (b"0123456789", 10)
    assert (large.document, large.document_bytes) == (None, 10)
    assert bytes(rows.value("select facteur.read_document(%(id)s, 5, 3)", id=invoice)) == b"456"


def test_a_mapping_that_is_missing_is_said_in_words(bare: Rows) -> None:
    migrate(bare.database)
    bare.run("drop view facteur.invoice_source")
    bare.run("insert into facteur.changes (invoice_ids) values (array['1'])")

    assert bare.look().broken == 1

    said: Any = bare.value("select error from facteur.changes")
    assert "facteur.invoice_source is missing" in said
    assert json.dumps(said).isascii()
