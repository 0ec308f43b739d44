"""The statements of `facteur init`: a look that changes nothing, and one transaction that installs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2

from facteur import __version__
from facteur.adapters.act_store import PostgresActs, signed
from facteur.adapters.postgres import Database, as_json
from facteur.errors import ConfigurationError, DatabaseUnavailableError, OperatorError
from facteur.install.mapping import REQUIRED
from facteur.install.model import Column, Found, Plan, Reference, Sanity, Step, Table
from facteur.install.plan import CREATE_MAPPING
from facteur.migrate import grant_worker, migrate_schema
from facteur.operate.act_model import Act

PATIENCE = "select set_config('lock_timeout', %(milliseconds)s, true)"
# Mistakes in a text that a person wrote: Postgres names an identifier or a place in it, never a row.
SYNTAX, COLUMN, TABLE, FUNCTION = "42601", "42703", "42P01", "42883"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"


@dataclass(frozen=True, slots=True)
class OneTransaction:
    """Migrations that run inside a transaction which somebody else has begun."""

    database: Database

    def rows(self, statement: str, parameters: Any = None) -> list[Any]:
        return self.database.rows(statement, parameters)

    def row(self, statement: str, parameters: Any = None) -> Any:
        return self.database.row(statement, parameters)

    def transaction(self) -> Any:
        return nullcontext()


@contextmanager
def impatient(database: Database, lock_timeout_seconds: float) -> Iterator[None]:
    """A transaction that rather gives up than makes the company's writers wait.

    Raises:
        OperatorError: a lock was not got in time; nothing was changed.
    """
    try:
        with database.transaction():
            database.rows(PATIENCE, {"milliseconds": str(max(1, round(lock_timeout_seconds * 1000)))})
            yield
    except DatabaseUnavailableError as exc:
        if LOCK_NOT_AVAILABLE not in str(exc):
            raise
        raise OperatorError(
            f"somebody held a lock on the table for longer than {lock_timeout_seconds:g} s, so nothing was changed: "
            "run it again at a quieter moment"
        ) from None


class Looking:
    """A database's catalogue. No lock is taken on any table of the company's, and no row of one is read."""

    TABLES = """
        with recursive tree as (
            select oid as root, oid from pg_class where relkind in ('r', 'p') and not relispartition
            union all select tree.root, inhrelid from pg_inherits join tree on inhparent = tree.oid
        ), sizes as (
            select tree.root, sum(case when l.relkind = 'p' then 0
                                 when l.reltuples < 0 then pg_stat_get_live_tuples(l.oid) else l.reltuples end)::bigint as rows,
                   sum(l.relpages::bigint * current_setting('block_size')::integer)::bigint as bytes, count(*)::integer - 1 as partitions
            from tree join pg_class l on l.oid = tree.oid group by tree.root
        )
        select n.nspname || '.' || c.relname as name, format('%%I.%%I', n.nspname, c.relname) as quoted, c.relkind = 'p' as partitioned,
               sizes.partitions, pg_has_role(c.relowner, 'usage') as owned, sizes.rows, sizes.bytes,
               (select jsonb_agg(jsonb_build_object(
                    'name', a.attname, 'quoted', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod), 'kind', t.typname,
                    'length', case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end,
                    'not_null', a.attnotnull, 'has_default', a.atthasdef or a.attidentity <> '',
                    'indexed', exists (select from pg_index x where x.indrelid = c.oid and x.indisvalid and x.indpred is null
                                       and x.indkey[0] = a.attnum),
                    'values', case when replace(lower(a.attname), '_', '') = any (%(status_columns)s) then to_jsonb(array(
                        select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid
                        union select btrim(v) from tree join pg_class l on l.oid = tree.oid join pg_namespace ln on ln.oid = l.relnamespace
                        join pg_stats s on s.schemaname = ln.nspname and s.tablename = l.relname, unnest(s.most_common_vals::text::text[]) v
                        where tree.root = c.oid and s.attname = a.attname)) else '[]' end
                ) order by a.attnum)
                from pg_attribute a join pg_type t on t.oid = a.atttypid
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
               array(select a.attname::text from pg_index x join pg_attribute a on a.attrelid = c.oid and a.attnum = any (x.indkey)
                     where x.indrelid = c.oid and x.indisprimary order by array_position(x.indkey::smallint[], a.attnum)) as primary_key,
               (select coalesce(jsonb_agg(jsonb_build_object(
                    'column', a.attname, 'table', rn.nspname || '.' || r.relname, 'target', ra.attname)), '[]')
                from pg_constraint k join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
                join pg_attribute ra on ra.attrelid = r.oid and ra.attnum = k.confkey[1]
                where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1) as refs,
               array(select g.tgname::text from pg_trigger g join pg_proc p on p.oid = g.tgfoid
                     where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 20 <> 0
                       and p.pronamespace is distinct from to_regnamespace('facteur') order by 1) as triggers
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join sizes on sizes.root = c.oid
        where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'facteur')
        order by 1
    """
    SITUATION = """
        select to_regclass('facteur.invoice_source') is not null as mapped, to_regclass('facteur.installation') is not null as migrated,
               has_database_privilege(current_database(), 'create') as may_create, current_user::text as role,
               array(select quote_ident(s) from unnest(current_schemas(false)) s) as search_path
    """
    INSTALLED = """
        select (select count(*)::integer from facteur.submissions) as submissions,
               coalesce((select each ->> 'table' from facteur.installation, jsonb_array_elements(added) with ordinality listed (each, n)
                         where each ->> 'what' = 'source' order by n desc limit 1), 'invoicing.invoices') as source,
               coalesce((select each ->> 'key' from facteur.installation, jsonb_array_elements(added) with ordinality listed (each, n)
                         where each ->> 'what' = 'source' order by n desc limit 1), 'id') as source_key,
               array(select each ->> 'table' from facteur.installation, jsonb_array_elements(added) each where each ->> 'what' = 'table')
               as own_tables
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, status_columns: Sequence[str]) -> Found:
        with self._database.transaction():
            self._database.rows("set transaction read only")
            now = self._database.row(self.SITUATION)
            known = self._database.row(self.INSTALLED) if now.migrated else None
            tables = self._database.rows(self.TABLES, {"status_columns": list(status_columns)})
        return Found(
            tuple(_table(row) for row in tables), now.mapped, known.submissions if known else 0, known.source if known else None,
            tuple(known.own_tables) if known else (), now.may_create, now.role, tuple(now.search_path), known.source_key if known else None,
        )  # fmt: skip


class Installing(Looking):
    """Runs a plan."""

    REMEMBER = """
        update facteur.installation
        set version = %(version)s, submit_from = %(first_day)s, installed_from = %(first_day)s, added = added || %(added)s::jsonb,
            forgotten_checked_at = '-infinity'
    """
    SANITY = """
        select count(*)::bigint as rows, count(*) filter (where ready)::bigint as ready,
               count(*) filter (where ready and issue_date < %(first_day)s)::bigint as too_early,
               count(*) filter (where ready and (nullif(btrim(invoice_number::text), '') is null
                                                 or seller_siren::text !~ '^\\s*(\\d\\s*){9}' or seller_siren is null))::bigint as nameless
        from facteur.invoice_source
    """
    LACKING = """
        select array(select required from unnest(%(required)s::text[]) required
                     where not exists (select from pg_attribute where attrelid = to_regclass('facteur.invoice_source')
                                       and attname = required)) as columns
    """
    TRANSACTION = "select pg_current_xact_id()::text as id"
    LONGEST_COUNT = "select set_config('statement_timeout', '30s', true)"

    def apply(
        self, plan: Plan, first_day: date, lock_timeout_seconds: float, worker_role: str | None, act: Act
    ) -> Sanity:
        added = [dict(each) for step in plan.steps for each in step.added] + [
            {"what": "source", "table": plan.table, "key": plan.key}
        ]
        known = {"version": __version__, "first_day": first_day, "added": json.dumps(added)}
        if self._database.row(
            self.SITUATION
        ).migrated:  # it may have writers already, who must not wait for tables of ours
            migrate_schema(self._database)
        with impatient(self._database, lock_timeout_seconds):
            migrate_schema(OneTransaction(self._database))
            for step in plan.steps:
                self._run(step)
            self._check_columns()
            self._database.rows(self.REMEMBER, known)
            sanity = self._sanity(first_day) if plan.counts_first else None
            refuse_old_invoices(sanity)
            for step in plan.triggers:
                self._run(step)
            grant_worker(OneTransaction(self._database), worker_role)
            counts = {"table": plan.table, "first_day": first_day.isoformat(), "rows": plan.rows}
            counts |= {} if sanity is None else {"shown": sanity.rows, "ready": sanity.ready}
            self._database.rows(PostgresActs.LOG, {"act": as_json(signed(act)), "detail": as_json(counts)})
        with self._database.transaction():
            return sanity or self._sanity(first_day)

    def _run(self, step: Step) -> None:
        before = self._database.row(self.TRANSACTION).id
        try:
            if step.statement:
                self._database.rows(step.statement)
        except (DatabaseUnavailableError, ConfigurationError) as exc:
            if LOCK_NOT_AVAILABLE in str(exc):
                raise
            why = mistake(exc.__context__, step.statement) if step.what == CREATE_MAPPING else None
            raise OperatorError(f"nothing was changed, because this failed: {step.what} ({why or exc})") from None
        if self._database.row(self.TRANSACTION).id != before:
            raise OperatorError(
                "the mapping ends the transaction: take commit and rollback out of it. `facteur uninstall` takes away what was installed"
            )

    def _check_columns(self) -> None:
        """Raises OperatorError where the view lacks a column that cannot be done without."""
        lacking = self._database.row(self.LACKING, {"required": list(REQUIRED)}).columns
        if lacking:
            raise OperatorError(f"nothing was changed: the view lacks {', '.join(lacking)}")

    def _sanity(self, first_day: date) -> Sanity:
        """What the view shows; its time limit ends with the savepoint."""
        self._database.rows("savepoint counting")
        self._database.rows(self.LONGEST_COUNT)
        try:
            row = self._database.row(self.SANITY, {"first_day": first_day})
            sanity = Sanity(row.rows, row.ready, row.too_early, row.nameless)
        except DatabaseUnavailableError as exc:
            if QUERY_CANCELED not in str(exc):
                raise OperatorError(f"the mapping cannot be read, so it was not installed ({exc})") from None
            sanity = Sanity(None, None, None, None)
        self._database.rows("rollback to savepoint counting")
        return sanity


def refuse_old_invoices(sanity: Sanity | None) -> None:
    """Raises OperatorError where the mapping calls invoices ready that were issued before the first day."""
    if sanity and sanity.ready_too_early:
        raise OperatorError(
            f"nothing was changed: the mapping shows {sanity.ready_too_early} invoices as ready that were issued before the first day; "
            "let `ready` compare issue_date with facteur.installation.submit_from"
        )


def mistake(exc: BaseException | None, text: str) -> str | None:
    """Postgres' own words on a mistake in the text of a mapping, and the line; None for any other error, which may quote a row."""
    if not isinstance(exc, psycopg2.Error) or exc.pgcode not in {SYNTAX, COLUMN, TABLE, FUNCTION}:
        return None
    told, position = exc.diag.message_primary, exc.diag.statement_position
    line = text.count("\n", 0, int(position) - 1) + 1 if position else None
    return f"line {line}: {told}" if line else told


def _table(row: Any) -> Table:
    columns = tuple(Column(**each | {"values": tuple(each["values"])}) for each in row.columns or [])
    references = tuple(Reference(**each) for each in row.refs)
    return Table(
        row.name, row.quoted, row.partitions, row.partitioned, row.owned, row.rows, row.bytes, columns,
        tuple(row.primary_key), references, tuple(row.triggers),
    )  # fmt: skip
