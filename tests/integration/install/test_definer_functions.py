"""Functions that run with their owner's rights lend them to nobody: each is tried in the role of an attacker, the worker's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg2
import pytest

from local.world.postgres import WORKER, as_worker
from tests.documented import blocks
from tests.rows import Rows

ALSO_ON_DEBIAN = True

DEFINERS = """
select p.oid::regprocedure::text as name, p.proname, p.proconfig, pg_get_userbyid(p.proowner) as owner
from pg_proc p where p.prosecdef and p.pronamespace = 'facteur'::regnamespace
"""
WITH_THE_COMPANYS_PATH = {"write_back", "write_status", "settle_constraints"}
# What an attacker wants to run: it says as whom it ran.
CONFESS = """
create table if not exists public.ran (who text);
grant insert on public.ran to public;
"""
ATTACK = """
create function pg_temp.attack(text) returns boolean language plpgsql as
$$ begin insert into public.ran values (current_user); return true; end $$;
create function pg_temp.attack() returns trigger language plpgsql as
$$ begin insert into public.ran values (current_user); return null; end $$;
"""
CALLS = [
    "select facteur.made_ready_by('2026-01-01')",
    'select facteur.lower_submit_from(\'2026-01-01\', true, \'{"who": "w", "why": "y", "operation": "o"}\')',
    "select facteur.ready_from('2026-01-01', array['1'])",
    "select facteur.write_back('1', 'pending', null, null)",
    "select facteur.write_status('1', '200', 'l', 'c', now())",
    "select facteur.settle_constraints()",
]
TYPES = ["date", "text", "bigint", "boolean", "integer", "timestamptz", "jsonb", "name"]


@pytest.fixture
def attacker(rows: Rows) -> Iterator[psycopg2.extensions.cursor]:
    """The worker, who may make temporary things and nothing else."""
    rows.run(CONFESS)
    rows.run("update facteur.installation set submit_from = '2026-06-01'")
    connection = psycopg2.connect(as_worker(rows.url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(ATTACK)
        yield cursor
    connection.close()


def _ran_as(rows: Rows) -> set[str]:
    return {row.who for row in rows.run("select who from public.ran")}


def test_no_definer_function_looks_for_names_where_others_may_put_them(rows: Rows) -> None:
    functions = rows.run(DEFINERS)

    assert {row.proname for row in functions} >= WITH_THE_COMPANYS_PATH | {"lower_submit_from", "made_ready_by"}
    for function in functions:
        (path,) = [each.partition("=")[2] for each in function.proconfig or () if each.startswith("search_path=")]
        names = [name.strip() for name in path.split(",")]
        assert (names[0], names[-1]) == ("pg_catalog", "pg_temp"), function.name
        assert "$user" not in path, function.name
        assert function.proname in WITH_THE_COMPANYS_PATH or len(names) == 2, function.name


# Functions that do not look for names in pg_catalog alone: because the company's own code runs in them, or because a planner puts them
# into the query that calls them.
READING = {
    "read_invoices", "read_document", "document_sha256", "read_keys", "read_kinds", "read_old_rows", "read_not_ready",
    "rows_to_reconcile", "compare_written",
}  # fmt: skip
INLINED = {
    "now", "by_now", "brought_forward", "everything", "word", "same_deposit", "plain", "technical_status", "shown_status", "paused",
    "refused", "deposits_admitted", "deposit_time",
}  # fmt: skip
UNLOCKED = """
select p.proname as name, p.prosrc as body, coalesce(array_to_string(p.proconfig, ';'), '') like '%%search_path=%%' as path
from pg_proc p where p.pronamespace = 'facteur'::regnamespace
and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))
"""
QUERIES = [
    "facteur.invoices_query()", "facteur.row_query('s.other_kind::text')", "facteur.reconciliation_query(true)",
    "facteur.reconciliation_query(false)", "facteur.comparison_query()", "facteur.backlog_query()",
]  # fmt: skip
TO_READ_KEYS = r"""
select p.proname as name, p.prosrc as body from pg_proc p
where p.pronamespace = 'facteur'::regnamespace and p.prosrc ~ 'facteur\.(read_keys|row_query)\('
"""
SYNTAX = {"coalesce", "nullif", "greatest", "least", "exists", "any", "in", "array", "and", "or", "not"}
BUILT_IN = "select distinct proname::text as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace"


def _unqualified(text: str, built_in: set[str]) -> set[str]:
    """Calls of Postgres' own functions without their schema, and operators without theirs."""
    text = re.sub(r"--.*", "", text)
    calls = {name for name in re.findall(r"(?<![\w.%])([a-z_][a-z0-9_]*)\s*\(", text) if name in built_in - SYNTAX}
    operators = set(re.findall(r"(?<![:<>=~|(.])(?:<=|>=|<>|!=|\|\||~~?\*?|=|<|>)(?![)<>=])", text))
    return calls | operators


def test_what_does_not_look_in_postgres_own_catalogue_alone_names_all_with_its_schema(rows: Rows) -> None:
    built_in = {row.name for row in rows.run(BUILT_IN)}
    found = {row.name: row for row in rows.run(UNLOCKED)}

    assert set(found) == WITH_THE_COMPANYS_PATH | READING | INLINED
    for name in WITH_THE_COMPANYS_PATH | READING:
        assert _unqualified(re.sub(r"(set|,)\s+\w+ =", r"\1", found[name].body), built_in) == set(), name
        assert found[name].path, name
        assert len(found[name].body.strip().splitlines()) <= 12, f"{name} does more than to read, or to settle"
    for name in (
        INLINED
    ):  # their operators have operands of one type of Postgres' own: pg_catalog's is the closest, and the first
        assert {each for each in _unqualified(found[name].body, built_in) if each.isidentifier()} == set(), name


def test_what_is_run_where_the_view_finds_its_names_names_all_with_its_schema(rows: Rows) -> None:
    built_in = {row.name for row in rows.run(BUILT_IN)}
    definition = rows.value("select pg_get_viewdef('facteur.invoice_source')").rstrip(" ;")
    rows.run(
        "drop view facteur.invoice_source; create view facteur.invoice_source as "
        f"select x.*, 'k'::text as other_kind, ''::bytea as document from ({definition}) x"
    )

    for query in QUERIES:
        text = rows.value(f"select {query}")
        assert "pg_catalog." in text
        assert _unqualified(text, built_in) == set(), query
    for function in rows.run(TO_READ_KEYS):
        for text in re.findall(r"'((?:select|and) (?:[^']|'')*)'", function.body):
            assert _unqualified(text, built_in) == set(), (function.name, text)


@pytest.mark.parametrize("call", CALLS)
def test_a_temporary_type_of_the_callers_runs_nothing_as_the_owner(
    rows: Rows, attacker: psycopg2.extensions.cursor, call: str
) -> None:
    for name in TYPES:
        attacker.execute(f"create domain pg_temp.{name} as pg_catalog.text check (pg_temp.attack(value))")

    try:
        attacker.execute(call)
    except psycopg2.Error:
        assert call  # whatever it says to its own types: what counts is who ran what

    assert "app" not in _ran_as(rows)


@pytest.mark.parametrize("call", CALLS)
def test_what_the_caller_has_deferred_on_a_temporary_table_runs_nothing_as_the_owner(
    rows: Rows, attacker: psycopg2.extensions.cursor, call: str
) -> None:
    attacker.execute("create temporary table bait (id int)")
    attacker.execute(
        "create constraint trigger bait after insert on bait deferrable initially deferred "
        "for each row execute function pg_temp.attack()"
    )

    attacker.execute("begin")
    attacker.execute("insert into bait values (1)")
    try:
        attacker.execute(call)
    except psycopg2.Error:
        attacker.execute("rollback")
    else:
        attacker.execute("commit")

    assert "app" not in _ran_as(rows)


def test_what_the_caller_has_deferred_on_a_table_of_its_own_runs_nothing_as_the_owner(rows: Rows) -> None:
    rows.run(CONFESS)
    rows.run(f"grant create on schema public to {WORKER}")
    rows.run("create table public.company (id int primary key deferrable)")
    connection = psycopg2.connect(as_worker(rows.url))
    with connection.cursor() as cursor:
        cursor.execute(
            "create function public.attack() returns trigger language plpgsql as "
            "$$ begin insert into public.ran values (current_user); return null; end $$"
        )
        cursor.execute("create table public.mine (id int)")
        cursor.execute(  # of the same name as one of the company's: a name stands for all
            "create constraint trigger company_pkey after insert on public.mine deferrable initially deferred "
            "for each row execute function public.attack()"
        )
        cursor.execute("insert into public.mine values (1)")
        cursor.execute("select facteur.settle_constraints()")
    connection.commit()
    connection.close()

    assert _ran_as(rows) == {WORKER}


def test_the_owner_alone_in_an_installation_settles_what_it_has_deferred(rows: Rows) -> None:
    rows.run("create table public.company (id int)")
    rows.run("create function public.refuse() returns trigger language plpgsql as $$ begin raise 'no such row'; end $$")
    rows.run(
        "create constraint trigger refuse after insert on public.company deferrable initially deferred "
        "for each row execute function public.refuse()"
    )
    connection = psycopg2.connect(rows.url)

    cursor = connection.cursor()
    cursor.execute("insert into public.company values (1)")
    with pytest.raises(psycopg2.errors.RaiseException, match="no such row"):
        cursor.execute("select facteur.settle_constraints()")

    connection.close()


NOTES = """
select oid::regprocedure::text as name from pg_proc where pronamespace = 'facteur'::regnamespace and prorettype = 'trigger'::regtype
order by prosecdef desc, proname
"""
BAITS = {  # a trigger of the worker's own, on a table of his own, with our function
    "a view named as the transition table": (
        "create function pg_temp.said() returns text language plpgsql as "
        "$$ begin insert into public.ran values (current_user); return 'x'; end $$;"
        "create temporary view changed as select pg_temp.said() as id; create temporary table bait (id int);"
        "create trigger t after insert on bait for each statement execute function {note}; insert into bait values (1)"
    ),
    "a type whose cast is his": (
        "create type pg_temp.odd as (n int);"
        "create function pg_temp.as_text(pg_temp.odd) returns text language plpgsql as "
        "$$ begin insert into public.ran values (current_user); return 'x'; end $$;"
        "create cast (pg_temp.odd as text) with function pg_temp.as_text(pg_temp.odd); create temporary table bait (id pg_temp.odd);"
        "create trigger t after insert on bait referencing new table as changed for each statement execute function {note};"
        "insert into bait values (row(1)::pg_temp.odd)"
    ),
}
LOOKER = """
do $$ begin create role facteur_looker login; exception when duplicate_object then null; end $$;
grant usage on schema facteur to facteur_looker;
grant select on facteur.health, facteur.waiting to facteur_looker;
"""
PAGE = "docs/database-roles.md"


@pytest.mark.parametrize("bait", BAITS)
def test_nobody_puts_our_trigger_on_a_table_of_his_own(
    rows: Rows, attacker: psycopg2.extensions.cursor, bait: str
) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        attacker.execute(BAITS[bait].replace("{note}", str(rows.value(NOTES))))

    assert _ran_as(rows) == set()


def test_a_table_that_is_watched_later_lends_its_trigger_to_nobody_either(
    rows: Rows, attacker: psycopg2.extensions.cursor
) -> None:
    rows.run("create table public.lines (id int primary key, invoice int)")
    rows.run("select facteur.watch('public.lines', 'invoice')")

    functions = [row.name for row in rows.run(NOTES)]
    assert [each.split("_")[1] for each in functions if "note_" in each] == ["invoices", "lines"]
    for function in functions:
        assert not rows.value("select has_function_privilege(%(role)s, %(f)s, 'execute')", role=WORKER, f=function)


def test_who_looks_at_the_health_is_given_no_function_that_writes(rows: Rows) -> None:
    """By the page's own statement."""
    rows.run(LOOKER)
    (grants,) = [block.text for block in blocks("sql") if block.page == PAGE and "looker" in block.text]
    for row in rows.run(grants.replace("to looker", "to facteur_looker")):
        rows.run(row.format)
    connection = psycopg2.connect(rows.url, user="facteur_looker")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for view in ("health", "waiting"):
            cursor.execute(f"select * from facteur.{view}")
        for call in [*CALLS, *(each.replace("{note}", str(rows.value(NOTES))) for each in BAITS.values())]:
            with pytest.raises(psycopg2.Error):
                cursor.execute(call)
    connection.close()
