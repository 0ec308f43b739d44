"""Whatever a DBA has set, it works; and a connection that is no use any more is given up, whatever the server's reason."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest

from facteur.errors import ConfigurationError, DatabaseUnavailableError, FacteurError, StatementRefusedError
from facteur.postgres.database import Database
from facteur.postgres.session import was_ended
from local.sam import ROOT
from tests.installations import DOCUMENTS, build, install
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

SETTINGS = [
    "default_transaction_isolation = 'serializable'", "default_transaction_isolation = 'repeatable read'",
    "default_transaction_read_only = on", "default_transaction_deferrable = on", "statement_timeout = '20ms'",
    "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "search_path = ''", "search_path = 'nowhere, pg_catalog'",
    "TimeZone = 'Pacific/Apia'", "DateStyle = 'SQL, DMY'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'",
    "IntervalStyle = 'sql_standard'", "bytea_output = 'escape'", "standard_conforming_strings = off", "client_encoding = 'LATIN1'",
    "client_encoding = 'SQL_ASCII'", "extra_float_digits = -15", "row_security = off", "plan_cache_mode = 'force_generic_plan'",
    "plan_cache_mode = 'force_custom_plan'", "check_function_bodies = off", "xmloption = 'document'", "array_nulls = off",
    "backslash_quote = off", "quote_all_identifiers = on", "transform_null_equals = on", "enable_seqscan = off", "enable_indexscan = off",
    "jit = on", "work_mem = '64kB'", "synchronous_commit = off", "client_min_messages = 'debug5'", "default_with_oids = off",
    "constraint_exclusion = on", "transaction_timeout = '900ms'", "escape_string_warning = off", "lc_numeric = 'C'",
    "default_text_search_config = 'pg_catalog.french'", "gin_fuzzy_search_limit = 1", "cursor_tuple_fraction = 0.01",
    "session_replication_role = 'local'", "xmlbinary = 'hex'", "from_collapse_limit = 1", "geqo = off", "idle_session_timeout = '10min'",
    "idle_session_timeout = '300ms'", "restrict_nonsystem_relation_kind = 'view'",
    "restrict_nonsystem_relation_kind = 'view, foreign-table'", "exit_on_error = on",
]  # fmt: skip
ON = {
    "database": "do $$ begin execute format('alter database %I set ' || {0}, current_database()); end $$",
    "role": "do $$ begin execute format('alter role app in database %I set ' || {0}, current_database()); end $$",
}
FINISH = """
insert into invoicing.invoices (invoice_number, issue_date, seller_id, total, status)
values ('S-1', '2026-10-01', 1, 120, 'final') returning id::text
"""
RAISE = "do $$ begin raise exception 'as the server would' using errcode = '{}'; end $$"


def setting_known(bare: Rows, setting: str) -> bool:
    name = setting.partition(" ")[0]
    return bool(bare.run("select current_setting(%(name)s, true) as value", name=name)[0].value is not None)


@pytest.mark.parametrize(
    ("setting", "where"), [*((each, "database") for each in SETTINGS), *((each, "role") for each in SETTINGS[:6])]
)
def test_whatever_is_set_reading_writing_and_migrating_work(bare: Rows, setting: str, where: str) -> None:
    build(bare, "einvoicing")
    if not setting_known(bare, setting):
        pytest.skip("another version's")
    bare.run(ON[where].format("$set$" + setting + "$set$"))
    bare.database.close()

    install(bare, "--documents", DOCUMENTS, "--kinds", "standard")
    invoice = str(bare.value(FINISH))
    assert bare.look().opened == 1
    bare.reach(invoice, "submitted")
    bare.relay.vitals()
    with bare.relay.pick_due(10):
        pass

    row = bare.run("select technical_status, submission_id from invoicing.invoices where id::text = %(id)s", id=invoice)
    assert tuple(row[0]) == ("validated", bare.submission(invoice).platform_id)
    assert Operator(bare.url).ask("show", f"id:{invoice}")
    assert Operator(bare.url).run("uninstall", "--yes", "--why", "test", "--force").code == 0


def test_where_nothing_differs_nothing_is_asked(rows: Rows) -> None:
    rows.run("select 1")

    assert rows.database._asked == ""


@pytest.mark.parametrize(("set_to", "asked"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_that_was_answered_survives_a_crash(bare: Rows, set_to: str, asked: str) -> None:
    """An acknowledged status would be lost for good; what is stronger than we ask stays."""
    bare.run(f"alter database {bare.value('select current_database()')} set synchronous_commit = {set_to}")
    fresh = bare.session()

    assert fresh.row("select current_setting('synchronous_commit') as it").it == asked


def test_a_role_whose_triggers_do_not_work_is_refused_in_a_sentence(bare: Rows) -> None:
    bare.run("create role hushed login; grant all on schema public to hushed")
    try:
        bare.run(ON["role"].format("'session_replication_role = replica'").replace("app", "hushed"))
        hushed = Database(lambda: {"dsn": bare.url.replace("app@", "hushed@")})

        with pytest.raises(ConfigurationError, match="session_replication_role"):
            hushed.rows("select 1")
    finally:
        bare.run("drop owned by hushed; drop role hushed")


def test_a_database_that_keeps_any_bytes_is_refused_in_a_sentence(bare: Rows) -> None:
    name = bare.value("select current_database()") + "_ascii"
    bare.run(f"create database {name} encoding 'SQL_ASCII' locale 'C' template template0")
    try:
        other = Database(lambda: {"dsn": bare.url.rpartition("/")[0] + "/" + name})
        with pytest.raises(ConfigurationError, match="SQL_ASCII"):
            other.rows("select 1")
    finally:
        bare.run(f"drop database {name} with (force)")


@pytest.fixture
def session(rows: Rows) -> Iterator[Database]:
    database = rows.session()
    database.rows("select 1")
    yield database
    database.close()


def backend(database: Database) -> int:
    return int(database.row("select pg_backend_pid() as pid").pid)


@pytest.mark.parametrize("code", ["25006", "53300", "53200", "57P03", "57P05", "58000", "58P01", "XX000", "XX002", "08006", "08P01",
                                  "0A000", "26000", "28000", "3D000", "72000", "F0000", "HV000", "99999"])  # fmt: skip
def test_after_an_error_that_is_not_plainly_the_statements_the_connection_is_given_up(
    session: Database, code: str
) -> None:
    before = backend(session)

    with pytest.raises(FacteurError):
        session.rows(RAISE.format(code))

    assert backend(session) != before


@pytest.mark.parametrize(
    "code", ["22012", "23505", "42501", "55P03", "57014", "P0001", "21000", "2F005", "38000", "FR002"]
)
def test_after_an_error_of_the_statement_the_connection_stays(session: Database, code: str) -> None:
    before = backend(session)

    with pytest.raises(FacteurError):
        session.rows(RAISE.format(code))

    assert backend(session) == before


def test_a_connection_that_became_read_only_by_a_failover_is_replaced_and_the_statement_is_carried_out(
    session: Database,
) -> None:
    session.rows("set session characteristics as transaction read only")

    session.rows("update facteur.installation set version = 'written'")

    assert session.row("select version from facteur.installation").version == "written"


def test_a_transaction_that_the_server_ended_for_its_idleness_leaves_a_connection_that_is_replaced(
    rows: Rows, session: Database
) -> None:
    pid = backend(session)

    def idle() -> None:
        with session.transaction():
            session.rows("set local idle_in_transaction_session_timeout = '20ms'")
            wait_until_gone(rows, pid)
            session.rows("select 1")

    with pytest.raises(DatabaseUnavailableError):
        idle()

    assert backend(session) != pid


def test_a_connection_that_was_idle_between_two_transactions_is_replaced_and_the_statement_is_carried_out(
    rows: Rows, session: Database
) -> None:
    pid = backend(session)
    session.rows("set idle_session_timeout = '20ms'")
    wait_until_gone(rows, pid)

    session.rows("update facteur.installation set version = 'written'")

    assert session.row("select version from facteur.installation").version == "written"
    assert backend(session) != pid


def test_a_session_is_not_ended_while_a_platform_takes_its_time(bare: Rows) -> None:
    bare.run(ON["database"].format("'idle_session_timeout = 200'"))
    fresh = bare.session()
    pid = backend(fresh)

    threading.Event().wait(0.5)

    assert backend(fresh) == pid


@pytest.mark.parametrize("theirs", ["0", "'1ms'", "'3h'"])
def test_every_transaction_of_several_statements_bounds_its_idleness(bare: Rows, theirs: str) -> None:
    bare.run(ON["database"].format(f"$set$idle_in_transaction_session_timeout = {theirs}$set$"))
    fresh = bare.session()

    with fresh.transaction():
        within = fresh.row("select current_setting('idle_in_transaction_session_timeout') as it").it

    assert within == "1min"


def test_what_the_server_says_unasked_ends_no_connection_that_works(rows: Rows, session: Database) -> None:
    session.rows("listen unasked")
    pid = backend(session)
    rows.run("notify unasked")

    assert session._connection is not None
    assert not was_ended(session._connection)
    assert backend(session) == pid


def test_there_is_one_place_where_a_transaction_begins() -> None:
    package = ROOT / "layers/core/python/facteur"
    begin = re.compile(r"[\"'](begin|start transaction)\b", re.IGNORECASE)
    found = [path.name for path in package.rglob("*.py") if begin.search(path.read_text("utf-8"))]

    assert found == ["session.py"]


def wait_until_gone(rows: Rows, pid: int) -> None:
    for _ in range(1000):
        if not rows.run("select from pg_stat_activity where pid = %(pid)s", pid=pid):
            return
        threading.Event().wait(0.01)
    raise AssertionError("the server ends nothing")


FLAKY = """
create sequence public.calls;
create function public.flaky(p_code text) returns bigint language plpgsql as $$
declare
    called constant bigint := nextval('public.calls');
begin
    if called < 3 then
        raise exception 'not this time' using errcode = p_code;
    end if;
    return called;
end $$
"""


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_what_met_another_transaction_is_repeated_where_nothing_was_carried_out(
    rows: Rows, session: Database, code: str
) -> None:
    rows.run(FLAKY)

    assert session.row("select public.flaky(%(code)s) as n", {"code": code}).n == 3


def test_in_a_transaction_of_several_statements_nothing_is_repeated(rows: Rows, session: Database) -> None:
    rows.run(FLAKY)

    with pytest.raises(StatementRefusedError, match="40001"), session.transaction():
        session.rows("select public.flaky('40001')")

    assert rows.value("select last_value from public.calls") == 1


@pytest.mark.slow
def test_a_table_that_somebody_holds_lets_the_relay_end_and_is_asked_again(rows: Rows) -> None:
    invoice = rows.finish()
    holder = rows.session()
    holder.rows("begin")
    holder.rows("lock table invoicing.invoices in access exclusive mode")

    taken = rows.look()
    rows.relay.vitals()
    with rows.relay.pick_due(10):
        pass
    holder.rows("commit")
    rows.advance(61)

    assert (taken.opened, taken.broken) == (0, 1)
    assert rows.look().opened == 1
    assert rows.states(invoice) == ["pending"]


@pytest.mark.slow
def test_many_keys_of_a_table_that_somebody_holds_are_waited_for_once(rows: Rows) -> None:
    for _ in range(8):
        rows.finish()
    holder = rows.session()
    holder.rows("begin")
    holder.rows("lock table invoicing.invoices in access exclusive mode")

    taken = rows.relay.take_notes(20)
    holder.rows("commit")

    assert (taken.notes, taken.broken) == (8, 8)
    assert len(rows.notes()) == 1


def test_rows_of_a_relay_that_vanishes_while_it_sends_are_free_after_a_minute(rows: Rows, session: Database) -> None:
    rows.noted()

    with session.transaction():
        session.rows("select facteur.pick_due(10, 6000, true)")
        assert session.row("select current_setting('idle_in_transaction_session_timeout') as s").s == "1min"


@pytest.mark.parametrize("ahead", [86400, 3600 * 24 * 400, 180])
def test_a_bucket_that_a_clock_ahead_has_filled_goes_on_once_the_clock_is_right(rows: Rows, ahead: int) -> None:
    rows.noted()
    rows.advance(ahead)
    rows.run("select facteur.take_permits('default', 1000, 60)")
    rows.run("select facteur.pause('account:default', 30, 'HTTP_429')")
    rows.advance(-ahead)

    rows.relay.begin_run()
    rows.advance(40)
    with rows.store(per_minute=60).pick_due(10) as due:
        assert len(due.submission_ids) == 1


def test_a_bucket_asked_before_the_relay_ran_goes_on_as_well(rows: Rows) -> None:
    rows.advance(86400)
    rows.run("select facteur.take_permits('default', 1000, 60)")
    rows.advance(-86400)

    rows.run("select facteur.take_permits('default', 1, 60)")
    rows.advance(5)

    assert rows.value("select facteur.take_permits('default', 5, 60)") == 5
