"""The statements behind `facteur doctor`. They change nothing but the budget, whose permits its calls take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from facteur.install.catalogue import Looking
from facteur.install.exposure import Exposure, written_tables
from facteur.install.exposure_store import exposures
from facteur.install.faults import Fault, Tried, installation_faults, try_write_backs
from facteur.install.kinds import named_like_kinds
from facteur.install.model import Wish
from facteur.operate.model.doctor import Connection, ExaminedAccount, ReadyRow
from facteur.operate.model.status import Installation
from facteur.operate.status_store import PostgresReading
from facteur.postgres.database import Database

PATIENCE_MILLISECONDS = "20000"  # the view may be large, and a function has five minutes


class PostgresExamined:
    """Postgres. Every method raises DatabaseUnavailableError or ConfigurationError."""

    CONNECTION = """
        select current_setting('server_version') as server, current_user::text as role, t.version as tls,
               coalesce(inet_server_addr() <<= inet '127.0.0.0/8' or inet_server_addr() = inet '::1', true) as on_this_machine,
               pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
               (select rolsuper from pg_roles where rolname = current_user) as superuser,
               to_regclass('facteur.installation') is not null as schema_there,
               array(select pg_catalog.format('%%s on %%s', lower(w.right), w.name)
                     from (select n, r from pg_catalog.unnest(%(tables)s::text[]) n,
                                            pg_catalog.unnest(array['SELECT', 'INSERT', 'UPDATE']) r
                           union all select 'facteur.invoice_source', 'SELECT') w (name, "right")
                     where has_any_column_privilege(to_regclass(w.name), w.right) is false) as lacking,
               coalesce(pg_has_role((select nspowner from pg_namespace where nspname = 'facteur'), 'member'), false) as owner,
               array(select quote_ident(s) from pg_catalog.unnest(current_schemas(false)) s where s <> 'pg_catalog') as path
        from (select (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl)) t
    """
    TABLES = ("facteur.submissions", "facteur.attempts", "facteur.budgets")
    MIGRATIONS = "select number from facteur.migrations"
    CLOCK = "select facteur.now() + (clock_timestamp() - now()) as now"
    COLUMNS = """
        select attname::text as name, format_type(atttypid, null) as type from pg_attribute
        where attrelid = to_regclass('facteur.invoice_source') and attnum > 0 and not attisdropped
    """
    # The owner's path as it was at the installation, the tables of the company's with a trigger of ours, and what writes to hers.
    OWNED = r"""
        select n.nspowner::regrole::text as owner,
               array(select distinct s from pg_proc p, pg_catalog.unnest(p.proconfig) c,
                          pg_catalog.unnest(string_to_array(substr(c, 13), ', ')) s
                     where p.pronamespace = n.oid and p.proname = 'write_back'
                       and c like 'search\_path=%' and s not in ('pg_catalog', 'pg_temp'))
               as schemas,
               array(select distinct pg_catalog.format('%I.%I', tn.nspname, c.relname) from pg_trigger t join pg_proc p on p.oid = t.tgfoid
                     join pg_class c on c.oid = t.tgrelid join pg_namespace tn on tn.oid = c.relnamespace
                     where p.pronamespace = n.oid and p.proname like 'note\_%') as tables,
               (select string_agg(p.prosrc, ';') from pg_proc p
                where p.pronamespace = n.oid and p.proname in ('write_back', 'write_status')) as writing
        from pg_namespace n where n.nspname = 'facteur'
    """
    PATIENCE = "select set_config('statement_timeout', %(patience)s, true)"
    REPEATED = """
        select s.invoice_id::text as key from facteur.invoice_source s where s.invoice_id is not null
        group by s.invoice_id having count(*) > 1 limit %(limit)s
    """
    READY = """
        select i.invoice_id, i.invoice_number, i.seller_siren, i.issue_date, i.document_uri, coalesce(i.document_bytes, 0) > 0
        from facteur.read_invoices(array(select s.invoice_id::text from facteur.invoice_source s where s.ready limit %(limit)s), 0) i
    """
    FORGOTTEN = """
        select count(*) as rows from facteur.invoice_source s
        where s.ready and not exists (
            select from facteur.submissions l where l.invoice_id = s.invoice_id::text
            and (facteur.source_column('technical_status') = 'null'
                 or l.state not in ('rejected', 'failed') or l.write_back_due_at is not null))
          and not exists (select from facteur.changes c where s.invoice_id::text = any (c.invoice_ids))
    """
    ANSWERED = """
        select array(select jsonb_object_keys(each -> 'kinds')) as columns from facteur.installation, jsonb_array_elements(added) each
        where each ->> 'what' = 'source' and each ? 'kinds'
    """
    UNNAMED = "select kind, documents from facteur.other_kinds() where not left_out"
    ACCOUNTS = """
        with named as ( -- also those that a route names and whose day has not come
            select name as account, pin is not null as pinned from facteur.accounts
            union all select 'default', false where not exists (select from facteur.accounts)
        )
        select k.account, k.pinned,
               case when b.paused_until > facteur.now() then b.paused_until end as paused_until, b.pause_reason,
               case when b.hold_until > facteur.now() then pg_catalog.concat_ws(': ', b.hold_by, b.hold_why) end as hold,
               k.account in (select facteur.accounts_with_failing_feed()) as feed_failing,
               array(select distinct d.seller_siren from (
                   select s.seller_siren from facteur.submissions s where s.account = k.account and s.seller_siren is not null
                   order by s.id desc limit 1000) d limit %(sellers)s) as sellers
        from named k left join facteur.budgets b on b.key = 'account:' || k.account order by k.account
    """
    PERMIT = "select facteur.take_permits(null, 1, %(per_minute)s) > 0 as granted"

    def __init__(self, database: Database, *, requests_per_minute: float) -> None:
        self._database, self._per_minute = database, requests_per_minute
        self._reading = PostgresReading(database, requests_per_minute=requests_per_minute)

    def connection(self) -> Connection:
        row = self._database.row(self.CONNECTION, {"tables": list(self.TABLES)})
        return Connection(
            row.server, row.role, self._database.sslmode, row.tls, row.on_this_machine, row.read_only, row.superuser,
            row.schema_there, tuple(row.lacking), row.owner, tuple(row.path),
        )  # fmt: skip

    def migrations(self) -> frozenset[int]:
        return frozenset(row.number for row in self._database.rows(self.MIGRATIONS))

    def installation(self) -> Installation:
        return self._reading.installation()

    def clock(self) -> datetime:
        now: datetime = self._database.row(self.CLOCK).now
        return now

    def installation_faults(self) -> list[Fault]:
        return installation_faults(self._database)

    def try_write_backs(self) -> Tried:
        with self._database.transaction():
            self._database.rows(self.PATIENCE, {"patience": PATIENCE_MILLISECONDS})
            return try_write_backs(self._database, thorough=True)

    def mapping_columns(self) -> Mapping[str, str]:
        """Columns of the view and their types; empty where there is no view."""
        return {row.name: row.type for row in self._database.rows(self.COLUMNS)}

    def exposures(self) -> Sequence[Exposure]:
        row = self._database.row(self.OWNED)
        names = sorted(written_tables(row.writing or ""))
        return exposures(self._database, row.owner, row.schemas, row.tables, names)

    def repeated_keys(self, limit: int) -> list[str]:
        return [row.key for row in self._patiently(self.REPEATED, limit=limit)]

    def ready_rows(self, limit: int) -> list[ReadyRow]:
        return [ReadyRow(*row) for row in self._patiently(self.READY, limit=limit)]

    def forgotten(self) -> int:
        """Rows that are ready and have neither a note nor a submission."""
        return int(self._patiently(self.FORGOTTEN)[0].rows)

    def unread_kinds(self) -> list[str]:
        """Columns that name kinds of documents by their names, which the mapping does not ask and nobody has answered for."""
        looking = Looking(self._database)
        found = looking.look([])
        table = found.table(found.source or "invoicing.invoices")
        if table is None:
            return []
        answered = {name for row in self._database.rows(self.ANSWERED) for name in row.columns}
        return looking.unread(
            table.name, [each.name for each in named_like_kinds(found, table, Wish()) if each.name not in answered]
        )

    def unnamed_kinds(self) -> Mapping[str, int]:
        """Finished documents by kind, of kinds that nobody has named or left out."""
        return {row.kind: row.documents for row in self._patiently(self.UNNAMED)}

    def accounts(self) -> list[ExaminedAccount]:
        rows = self._database.rows(self.ACCOUNTS, {"sellers": 5})
        return [
            ExaminedAccount(
                r.account, r.pinned, r.paused_until, r.pause_reason, r.hold, tuple(r.sellers), r.feed_failing
            )
            for r in rows
        ]

    def take_permit(self) -> bool:
        """One of the source address's, also where the account is paused: the doctor is asked why."""
        return bool(self._database.row(self.PERMIT, {"per_minute": self._per_minute}).granted)

    def _patiently(self, statement: str, **parameters: object) -> list[Any]:
        with self._database.transaction():
            self._database.rows(self.PATIENCE, {"patience": PATIENCE_MILLISECONDS})
            return self._database.rows(statement, parameters)
