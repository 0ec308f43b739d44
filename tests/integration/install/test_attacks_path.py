"""Whoever may create in a schema on the path puts functions and operators there: nobody's runs with the worker's or the owner's rights."""

from __future__ import annotations

import psycopg2
import pytest

from local.world.levers import World
from local.world.postgres import WORKER, as_worker
from tests.installations import build
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

ATTACKER = "stranger_on_the_path"
# As on Postgres 14, or on a database that comes from one: everybody may create in public.
OPEN = f"""
do $$ begin create role {ATTACKER} login; exception when duplicate_object then null; end $$;
grant create, usage on schema public to public;
create table public.ran (who text, what text);
grant insert on public.ran to public;
"""
FUNCTION = """
create function public.{name}({kinds}) returns {returned} language plpgsql as
$$ begin insert into public.ran values (current_user, '{name}({kinds})'); return {value}; exception when others then return {value}; end $$;
"""
FUNCTIONS = [  # closer to the arguments than Postgres' own
    ("power", "integer, bigint", "double precision", "8"),
    ("power", "integer, integer", "double precision", "8"),
    ("round", "numeric, bigint", "numeric", "1"),
    ("btrim", "varchar", "text", "$1::text"),
    ("concat_ws", "text, varchar, varchar", "text", "'x'"),
    ("left", "varchar, integer", "text", "'x'"),
    ("now", "", "timestamptz", "pg_catalog.now()"),
]
OPERATOR = """
create function public.{name}({left}, {right}) returns boolean language plpgsql as
$$ begin insert into public.ran values (current_user, '{sign} {left} {right}'); return true; exception when others then return true; end $$;
create operator public.{sign} (leftarg = {left}, rightarg = {right}, function = public.{name});
"""
OPERATORS = [
    ("same_varchar", "=", "varchar", "varchar"),
    ("same_text", "=", "varchar", "text"),
    ("same_other", "=", "text", "varchar"),
    ("later", ">=", "timestamptz", "varchar"),
    ("alike", "~*", "varchar", "varchar"),
    ("more", ">", "varchar", "varchar"),
]
# Closer to the arguments than Postgres' own variadic and polymorphic ones, even where those come first in the path.
VARIADIC = [("format", 1), ("concat_ws", 1), ("concat", 0), ("jsonb_build_object", 0), ("jsonb_build_array", 0)]
POLYMORPHIC = [
    ("cardinality", "text[]", "integer"),
    ("unnest", "text[]", "text"),
    ("array_remove", "text[], text", "text[]"),
    ("array_append", "text[], text", "text[]"),
    ("array_to_string", "text[], text", "text"),
    ("array_length", "text[], integer", "integer"),
    ("to_jsonb", "text", "jsonb"),
    ("pg_column_size", "text", "integer"),
]
AGGREGATES = [
    ("array_agg", "text", "text[]"),
    ("array_agg", "name", "text[]"),
    ("count", "text", "text[]"),
    ("jsonb_agg", "text", "text[]"),
]
POLYMORPHIC_OPERATORS = [
    ("same_texts", "=", "text[]", "text[]"),
    ("other_texts", "<>", "text[]", "text[]"),
    ("within_texts", "<@", "text[]", "text[]"),
    ("over_texts", "@>", "text[]", "text[]"),
]
JOINED = """
create function public.joined(text[], text) returns text[] language plpgsql as
$$ begin insert into public.ran values (current_user, 'text[] || text'); return pg_catalog.array_append($1, $2); end $$;
create operator public.|| (leftarg = text[], rightarg = text, function = public.joined);
"""
AGGREGATE = """
create or replace function public.gathered({kinds}[], {kinds}) returns {kinds}[] language plpgsql as
$$ begin insert into public.ran values (current_user, '{name}'); return pg_catalog.array_append($1, $2);
exception when others then return $1; end $$;
create aggregate public.{name}({kinds}) (sfunc = public.gathered, stype = {kinds}[]);
"""


def _closer() -> list[str]:
    """Statements of an attacker's."""
    statements = [JOINED]
    for name, first in VARIADIC:
        for kind in ("text", "name", "regclass"):
            for more in range(1, 16):
                kinds = ", ".join(["text"] * first + [kind] * more)
                returned = "jsonb" if name.startswith("jsonb") else "text"
                given = ", ".join(f"${place + 1}" for place in range(first + more))
                statements.append(
                    FUNCTION.format(name=name, kinds=kinds, returned=returned, value=f"pg_catalog.{name}({given})")
                )
    for name, kinds, returned in POLYMORPHIC:
        given = ", ".join(f"${place + 1}" for place in range(kinds.count(",") + 1))
        statements.append(
            FUNCTION.format(name=name, kinds=kinds, returned=returned, value=f"pg_catalog.{name}({given})")
        )
    statements += [AGGREGATE.format(name=name, kinds=kinds) for name, kinds, _ in AGGREGATES]
    statements += [
        OPERATOR.format(name=n, sign=sign, left=left, right=right) for n, sign, left, right in POLYMORPHIC_OPERATORS
    ]
    return statements


TABLE = """
create schema shop;
create table shop.invoices (
    id varchar(20) primary key, invoice_number varchar(40), issued_on date, seller_siren varchar(20), total numeric, status varchar(20),
    document_url varchar(200), technical_status varchar(20) default 'pending', submission_id varchar(50));
create table shop.invoice_history (
    id bigserial primary key, invoice_id varchar(20) references shop.invoices, status_code varchar(10), created_at timestamptz);
"""


@pytest.fixture
def attacked(template: str, bare: Rows) -> Rows:
    """A company whose application's role has prepared everything, before anything is installed."""
    assert template  # the worker's role is there
    bare.run(OPEN)
    bare.run(TABLE)
    connection = psycopg2.connect(bare.url, user=ATTACKER)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name, kinds, returned, value in FUNCTIONS:
            cursor.execute(FUNCTION.format(name=name, kinds=kinds, returned=returned, value=value))
        for name, sign, left, right in OPERATORS:
            cursor.execute(OPERATOR.format(name=name, sign=sign, left=left, right=right))
    connection.close()
    return bare


def _installed(attacked: Rows) -> None:
    result = Operator(attacked.url).run(
        "init", "--table", "shop.invoices", "--final", "final", "--apply", "--yes", "--submit-from", "2026-01-01"
    )
    assert result.code == 0, result.err
    attacked.run(f"select facteur.grant_worker('{WORKER}')")


def _finished(attacked: Rows, key: str) -> None:
    attacked.run(
        "insert into shop.invoices (id, invoice_number, issued_on, seller_siren, total, status, document_url) "
        "values (%(key)s, %(key)s, '2026-09-01', '732829320', 1, 'final', 's3://b/f.pdf')", key=key,
    )  # fmt: skip


def _ran(rows: Rows) -> list[tuple[str, str]]:
    return [(row.who, row.what) for row in rows.run("select distinct who, what from public.ran order by 1, 2")]


def test_what_is_generated_names_postgres_own_operators(attacked: Rows) -> None:
    _installed(attacked)
    _finished(attacked, "A-1")
    attacked.run("delete from public.ran")  # what the owner's own insert in this test has run is not ours

    worker = psycopg2.connect(as_worker(attacked.url))
    worker.autocommit = True
    with worker.cursor() as cursor:
        for statement in (
            "select count(*) from facteur.invoice_source where ready",
            "select * from facteur.read_invoices(array['A-1'], 0)",
            "select * from facteur.compare_written('A-1', 'pending', null)",
            "select facteur.write_back('A-1', 'validated', 'd', '205')",
            "select facteur.write_status('A-1', '205', 'l', 'c', now())",
            "select facteur.write_status('A-1', '205', 'l', 'c', now())",
            "select facteur.note_forgotten(true)",
            "select facteur.count_not_ready()",
            "select facteur.read_row('A-1')",
            "select facteur.ready_from('2026-01-01', array['A-1'])",
            "select facteur.preview_backlog('2026-01-01', null, null, 'A-0', 10)",
        ):
            cursor.execute(statement)
    worker.close()

    assert _ran(attacked) == []
    assert attacked.value("select technical_status from shop.invoices") == "validated"


MORE_COLUMNS = r"""
do $$ begin
    set local search_path = pg_catalog;
    execute pg_catalog.concat('create or replace view facteur.invoice_source as select x.*, ''\x00''::bytea as document, ',
                              'case when x.invoice_id = ''A-2'' then ''quote'' end as other_kind from (',
                              pg_catalog.rtrim(pg_catalog.pg_get_viewdef('facteur.invoice_source'::regclass), ' ;'), ') x');
end $$
"""
EVERY_CALL = [
    "select facteur.settle_constraints()",
    "select * from facteur.read_invoices(array['A-1'], 0)",
    "select facteur.read_document('A-1', 1, 10)",
    "select facteur.document_sha256('A-1')",
    "select * from facteur.find_rows('A-1', 'A-1')",
    "select facteur.kind_of('A-1')",
    "select * from facteur.other_kinds()",
    "select * from facteur.rows_to_reconcile(array['A-1'], null)",
    "select * from facteur.rows_to_reconcile(null, '2026-09-01')",
    "select * from facteur.compare_written('A-1', 'pending', null)",
    "select facteur.shows_account('default')",
    "select facteur.made_ready_by('2020-01-01')",
    "select facteur.ready_from('2020-01-01', array['A-1'])",
    "select facteur.preview_backlog('2020-01-01', null, null, 'A-0', 10)",
    "select facteur.note_forgotten(true)",
    "update facteur.installation set not_ready_counted_at = '-infinity'",
    "select facteur.count_not_ready()",
    "select * from facteur.take_notes(10)",
    "select facteur.try_write_back(id) from facteur.submissions",
    "select * from facteur.try_write_backs(true)",
    "select * from facteur.installation_faults(true)",
    "select facteur.not_ready_because('A-0')",
    "select * from facteur.health",
    "select * from facteur.waiting",
]


@pytest.mark.slow
@pytest.mark.parametrize("role", [WORKER, "app"])
def test_no_closer_overload_of_a_strangers_runs(attacked: Rows, role: str) -> None:
    """By the worker, and by the owner where there is one role, whose sessions look in public as well."""
    stranger = psycopg2.connect(attacked.url, user=ATTACKER)
    stranger.autocommit = True
    with stranger.cursor() as cursor:
        for statement in _closer():
            cursor.execute(statement)
    stranger.close()
    _installed(attacked)
    assert _ran(attacked) == []
    attacked.run(MORE_COLUMNS)
    attacked.run("create table shop.lines (id int primary key deferrable)")
    for key in ("A-1", "A-2"):
        _finished(attacked, key)
    attacked.run(
        "insert into shop.invoices (id, issued_on, status, technical_status) values ('A-0', '2020-02-02', 'draft', null)"
    )
    attacked.run("delete from public.ran")

    session = psycopg2.connect(attacked.url.replace("//app@", f"//{role}@"))
    session.autocommit = True
    ran = {}
    with session.cursor() as cursor:
        for statement in EVERY_CALL:
            cursor.execute(statement)
            ran[statement] = _ran(attacked)
            attacked.run("truncate public.ran")
    session.close()

    assert {statement: who for statement, who in ran.items() if who} == {}
    assert attacked.value("select pg_catalog.count(*) from facteur.submissions") == 1


def test_the_worker_looks_for_names_in_postgres_own_catalogue_alone(attacked: Rows) -> None:
    _installed(attacked)

    worker = psycopg2.connect(as_worker(attacked.url))
    with worker.cursor() as cursor:
        cursor.execute("select current_schemas(false), power(2, 3::bigint), round(1.5, 0::bigint::integer)")
        found = cursor.fetchone()
    worker.close()

    assert found is not None
    assert found[0] == ["pg_catalog"]
    assert _ran(attacked) == []


def test_no_function_of_a_strangers_runs_while_invoices_are_deposited(world: World, database_url: str) -> None:
    world.database.rows(OPEN)
    connection = psycopg2.connect(database_url, user=ATTACKER)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name, kinds, returned, value in FUNCTIONS:
            cursor.execute(FUNCTION.format(name=name, kinds=kinds, returned=returned, value=value))
        for name, sign, left, right in OPERATORS:
            cursor.execute(OPERATOR.format(name=name, sign=sign, left=left, right=right))
    connection.close()

    world.add(1)
    world.deposit()
    world.poll()
    world.add(2, document_uri="s3://nowhere/f.pdf")
    world.deposit()

    assert world.row(1).technical_status == "validated"
    assert world.database.rows("select * from public.ran") == []


def test_init_and_the_doctor_say_who_may_create_on_the_path_or_a_trigger_on_the_table(attacked: Rows) -> None:
    attacked.run(f"grant trigger on shop.invoices to {ATTACKER}")
    proposed = Operator(attacked.url).run("init", "--table", "shop.invoices", "--final", "final")
    _installed(attacked)

    found = {each["check"]: each for each in Operator(as_worker(attacked.url)).ask("doctor")["findings"]}

    for result in (proposed.out, found["rights of others"]["what"] + found["rights of others"]["help"]):
        assert "everybody may create in schema public" in result
        assert "revoke create on schema public from public" in result
        assert f"{ATTACKER} may create triggers on shop.invoices" in result
        assert f"revoke trigger on shop.invoices from {ATTACKER}" in result
    assert found["rights of others"]["outcome"] == "warning"


def test_init_and_the_doctor_name_every_table_that_is_written(attacked: Rows) -> None:
    """Whoever holds TRIGGER on the history runs what he likes as the owner, by the first status."""
    attacked.run(f"grant trigger on shop.invoice_history to {ATTACKER}")
    proposed = Operator(attacked.url).run("init", "--table", "shop.invoices", "--final", "final")
    _installed(attacked)

    found = {each["check"]: each for each in Operator(as_worker(attacked.url)).ask("doctor")["findings"]}

    for result in (proposed.out, found["rights of others"]["what"] + found["rights of others"]["help"]):
        assert f"{ATTACKER} may create triggers on shop.invoice_history" in result
        assert f"revoke trigger on shop.invoice_history from {ATTACKER}" in result


@pytest.mark.parametrize("name", ["shop.kept", "kept", '"shop" . "kept"', "only Shop.Kept", "shown"])
def test_the_doctor_names_a_table_that_an_edited_write_status_writes(attacked: Rows, name: str) -> None:
    """A partitioned one, by whatever name, or through a view."""
    _installed(attacked)
    attacked.run("create table shop.kept (id int, code text) partition by list (code)")
    attacked.run("create table shop.part partition of shop.kept default")
    attacked.run("create view shop.shown as select * from shop.kept")
    attacked.run(
        "alter function facteur.write_back(text, text, text, text) set search_path = pg_catalog, shop, pg_temp"
    )
    attacked.run(
        "create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) "
        "returns void language plpgsql security definer set search_path = pg_catalog, shop, pg_temp as "
        f"$$ begin update {name} set code = $2; end $$"
    )
    attacked.run(f"grant trigger on shop.kept, shop.part to {ATTACKER}")

    found = {each["check"]: each for each in Operator(as_worker(attacked.url)).ask("doctor")["findings"]}

    result = found["rights of others"]["what"]
    assert f"{ATTACKER} may create triggers on shop.kept" in result
    assert f"{ATTACKER} may create triggers on shop.part" in result


def test_where_nobody_else_has_such_a_right_nothing_is_said(bare: Rows) -> None:
    build(bare, "french")
    bare.run("revoke create on schema public from public")

    result = Operator(bare.url).run("init")

    assert "may create" not in result.out


def test_where_the_owner_may_not_set_the_workers_path_the_doctor_prints_the_statement(attacked: Rows) -> None:
    _installed(attacked)
    attacked.run(f"alter role {WORKER} set search_path = shop, public")

    found = {each["check"]: each for each in Operator(as_worker(attacked.url)).ask("doctor")["findings"]}

    attacked.run(f"select facteur.grant_worker('{WORKER}')")
    assert found["path"]["outcome"] == "warning"
    assert f'alter role "{WORKER}" set search_path = pg_catalog' in found["path"]["help"]
    assert "names in public as well" in found["path"]["what"]
