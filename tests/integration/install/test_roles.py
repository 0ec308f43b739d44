"""The worker's role can do what the functions do, as every world shows, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from facteur.errors import ConfigurationError
from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.world.levers import World
from local.world.postgres import WORKER, as_worker
from tests.rows import Rows

ALSO_ON_DEBIAN = True

REFUSED = [
    "select * from invoicing.invoices",
    "update invoicing.invoices set status = 'draft'",
    "insert into invoicing.invoices (status) values ('final')",
    "delete from invoicing.invoices",
    "alter table invoicing.invoices disable trigger all",
    "update facteur.invoice_source set invoice_number = 'x'",
    "delete from facteur.invoice_source",
    "delete from facteur.attempts",
    "delete from facteur.status_events",
    "update facteur.status_events set code = '212'",
    "update facteur.changes set invoice_ids = '{}'",
    "update facteur.unmatched_statuses set account = 'x'",
    "delete from facteur.budgets",
    "delete from facteur.installation",
    "update facteur.installation set submit_from = '1999-01-01'",
    "update facteur.installation set worker_role = 'x'",
    "insert into facteur.migrations (number, name) values (99, 'x')",
    "delete from facteur.migrations",
    "truncate facteur.submissions cascade",
    "truncate facteur.changes",
    "select setval('facteur.changes_id_seq', 1)",
    "drop table facteur.submissions cascade",
    "drop view facteur.health",
    "drop function facteur.claim",
    "drop schema facteur cascade",
    "alter table facteur.submissions drop constraint submissions_state",
    "alter table facteur.attempts add column x text",
    "alter function facteur.now() rename to later",
    "create table facteur.mine (id int)",
    "create function facteur.mine() returns int language sql as 'select 1'",
    "create or replace function facteur.now() returns timestamptz language sql as 'select pg_catalog.now()'",
    "create or replace view facteur.invoice_source as select 1 as invoice_id",
    "create schema mine",
    "select facteur.lower_submit_from('1999-01-01', true, '{}')",
    "select facteur.watch('invoicing.invoices', 'id')",
    "select facteur.grant_worker('facteur_worker')",
    "select facteur.revoke_worker('facteur_worker')",
]
RIGHTS = """
select table_name, string_agg(lower(privilege_type), ', ' order by privilege_type) as rights from (
    select table_name, privilege_type from information_schema.role_table_grants where grantee = %(role)s and table_schema = 'facteur'
    union select table_name, privilege_type || ' ' || column_name from information_schema.role_column_grants c
    where grantee = %(role)s and table_schema = 'facteur' and not exists (
        select from information_schema.role_table_grants t
        where (t.grantee, t.table_schema, t.table_name, t.privilege_type) = (c.grantee, c.table_schema, c.table_name, c.privilege_type))
) given where privilege_type <> 'SELECT' group by table_name order by table_name
"""
MAY = {
    "attempts": "insert account, insert code, insert currency, insert document_sha256, insert ended_at, insert http_status, "
    "insert invoice_id, insert invoice_number, insert lease_token, insert message, insert number_read, insert outcome, "
    "insert own_key, insert platform, insert platform_id, insert response, insert seller_siren, insert submission_id, insert total, "
    "update code, update ended_at, update http_status, update message, update outcome, update platform_id, "
    "update response, update witnessed_at",
    "accounts": "insert name, insert own_address, insert pin, update own_address, update pin",
    "budgets": "insert, update",
    "changes": "delete, insert due_at, insert error, insert invoice_ids, update broken_since, update due_at",
    "installation": "update deposits_enabled, update everything_noted_at, update forgotten_checked_at, update not_ready, "
    "update not_ready_counted_at, update not_ready_id, update not_ready_problem, update not_ready_since, update notes_seen, "
    "update poll_began_at, update relay_began_at, update relay_run, update requests_per_minute",
    "not_ready": "delete, insert, update seen_at",
    "operations": "insert account, insert caller, insert detail, insert invoice_id, insert operation, insert request_id, "
    "insert submission_id, insert who, insert why",
    "routes": "insert account, insert credentials, insert since, update applied_at",
    "runs": "insert, update",
    "status_events": "insert audience, insert caused_by, insert code, insert date_believed, insert date_given, insert label, "
    "insert message, insert network_code, insert occurred_at, insert platform_code, insert platform_id, insert raw, "
    "insert reason, insert status_id, insert submission_id, update settled, update written_at",
    "stores": "delete, insert, update",
    "tallies": "insert, update",
    "transitions": "insert account, insert attempt_id, insert by_whom, insert detail, insert from_state, insert invoice_id, "
    "insert platform_id, insert reason, insert subject, insert submission_id, insert to_state",
    "unmatched_statuses": "delete, insert account, insert code, insert event, insert platform_id, insert status_id",
    "submissions": "delete, insert, update",
    "sweeps": "insert, update",
    "feeds": "insert, update",
}


@pytest.fixture
def worker(rows: Rows) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(as_worker(rows.url))
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.mark.parametrize("statement", REFUSED)
def test_the_worker_is_refused(rows: Rows, worker: psycopg2.extensions.connection, statement: str) -> None:
    rows.noted()

    with worker.cursor() as cursor, pytest.raises(InsufficientPrivilege):
        cursor.execute(statement)


def test_the_worker_writes_what_the_functions_write_and_nothing_more(rows: Rows) -> None:
    assert {row.table_name: row.rights for row in rows.run(RIGHTS, role=WORKER)} == MAY


def test_nobody_else_has_a_right(rows: Rows) -> None:
    rows.run("drop role if exists stranger")
    rows.run("create role stranger login")

    with pytest.raises(ConfigurationError, match=r"lacks a right \(SQLSTATE 42501\): see docs/database-roles\.md"):
        Database(lambda: {"dsn": rows.url, "user": "stranger"}).rows("select facteur.now()")

    assert rows.run(RIGHTS, role="public") == []


@pytest.mark.slow
def test_a_migration_repeats_the_grant_for_what_has_come(rows: Rows) -> None:
    rows.run("create table facteur.later (id int)")
    rows.run("revoke all on all tables in schema facteur from facteur_worker")
    rows.run("grant update on facteur.invoice_source, facteur.migrations to facteur_worker")

    migrate(rows.database)

    assert {row.table_name: row.rights for row in rows.run(RIGHTS, role=WORKER)} == MAY
    assert rows.value("select has_table_privilege('facteur_worker', 'facteur.later', 'select')")


@pytest.mark.slow
def test_another_worker_takes_the_rights_of_the_one_before(rows: Rows) -> None:
    rows.run("drop role if exists facteur_second")
    rows.run("create role facteur_second login")

    migrate(rows.database, worker_role="facteur_second")

    assert {row.table_name: row.rights for row in rows.run(RIGHTS, role="facteur_second")} == MAY
    assert rows.run(RIGHTS, role=WORKER) == []
    assert rows.value("select worker_role from facteur.installation") == "facteur_second"
    rows.run("drop owned by facteur_second; drop role facteur_second")


def test_a_view_that_is_made_anew_is_read_at_once(world: World) -> None:
    definition = world.database.row("select pg_get_viewdef('facteur.invoice_source') as it").it
    world.add(1)
    world.database.rows(f"drop view facteur.invoice_source; create view facteur.invoice_source as {definition}")

    world.deposit()

    assert world.row(1).technical_status == "validated"


@pytest.mark.parametrize("kind", ["trigger", "constraint trigger"])
def test_a_trigger_of_the_companys_runs_as_the_owner_and_finds_its_tables(world: World, kind: str) -> None:
    world.database.rows("create table public.audit (who text)")
    world.database.rows(
        "create function public.say() returns trigger language plpgsql as "
        "$$ begin insert into audit values (current_user); return null; end $$"
    )
    deferred = "deferrable initially deferred" if kind == "constraint trigger" else ""
    world.database.rows(
        f"create {kind} say after update on invoicing.invoices {deferred} for each row execute function public.say()"
    )
    world.add(1)

    world.deposit()

    assert world.row(1).technical_status == "validated"
    assert [row.who for row in world.database.rows("select who from audit")] == ["app"]


@pytest.mark.parametrize(
    ("role", "said"), [("nobody", "WORKER_ROLE: there is no role nobody"), ("app", "has the rights of the owner")]
)
def test_a_role_that_cannot_be_the_worker_is_reported_and_changes_nothing(rows: Rows, role: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        migrate(rows.database, worker_role=role)

    assert {row.table_name: row.rights for row in rows.run(RIGHTS, role=WORKER)} == MAY


def test_a_remembered_role_that_the_server_lacks_stops_no_migration(rows: Rows) -> None:
    rows.run("update facteur.installation set worker_role = 'of_another_server'")

    assert migrate(rows.database).watching
