"""The one transaction of `facteur uninstall`."""

from __future__ import annotations

from facteur.domain.words import counted
from facteur.errors import OperatorError
from facteur.install.model import Uninstalled
from facteur.install.schema import MigratedDatabase
from facteur.operate.acts_store import PostgresActs, recorded, signed
from facteur.operate.install_store import Installing, impatient
from facteur.operate.model.acts import Act
from facteur.postgres.database import as_json


class Uninstalling:
    """Takes away what was installed, and of the company's tables only what installing added."""

    THERE = "select to_regclass('facteur.installation') is not null as there"
    # Nobody opens or claims anything from here on. Notes stay free: a writer who holds the company's table may have to make one.
    HOLD = "lock table facteur.submissions in access exclusive mode"
    OPEN = """
        select count(*) filter (where state in ('pending', 'sending', 'in_doubt'))::integer as open,
               count(*)::integer as known,
               count(*) filter (where platform_id is not null)::integer as deposited
        from facteur.submissions
    """
    STATEMENTS = """
        with added as (select * from facteur.added()), alive as (
            select added.* from added join pg_attribute a on a.attrelid = table_oid and a.attname = added.name and not a.attisdropped
        )
        select statement from (
            select 1, n, statement from facteur.unwatching() with ordinality taken (statement, n)
            union all
            select 2, 0, 'drop view facteur.invoice_source' where to_regclass('facteur.invoice_source') is not null
            union all
            select 3, 0, format('drop function %%s', p.oid::regprocedure) from pg_proc p
            where p.pronamespace = 'facteur'::regnamespace and p.proname in ('write_back', 'write_status')
            union all
            select 4, 0, format('alter table %%s drop column %%I', quoted, name) from alive where what = 'column' and %(drop_columns)s
            union all
            select 5, 0, format('alter table %%s alter column %%I drop default', quoted, name) from alive
            join pg_attribute a on a.attrelid = table_oid and a.attname = alive.name
            join pg_attrdef d on d.adrelid = table_oid and d.adnum = a.attnum and pg_get_expr(d.adbin, d.adrelid) like '''pending''%%'
            where what = 'default' and (quoted, name) not in (select c.quoted, c.name from added c where c.what = 'column')
            union all
            select 6, 0, 'drop schema facteur cascade' where %(drop_data)s
        ) every (step, n, statement) order by step, n, statement
    """
    KEPT = """
        select pg_catalog.format('%%s of %%s', string_agg(name, ', '), quoted) as kept
        from facteur.added() added where what = 'column' group by quoted
        union all select 'the table ' || quoted || ', which Facteur made' from facteur.added() added where what = 'table'
    """
    # Somebody's view or function that reads our tables would go with the schema.
    DEPENDENT = """
        select distinct v.oid::regclass::text as name from pg_depend d
        join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass join pg_class v on v.oid = r.ev_class
        join pg_class c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
        where c.relnamespace = 'facteur'::regnamespace and v.relnamespace <> 'facteur'::regnamespace order by 1
    """
    FORGET = """
        update facteur.installation set submit_from = null, submit_from_deployed = null, installed_from = null, added = coalesce((
            select pg_catalog.jsonb_agg(each) from jsonb_array_elements(added) each
            where each ->> 'what' in ('table', 'source') or each ->> 'what' = 'column' and not %(drop_columns)s), '[]')
    """

    # What is ready is found again, should this be installed again.
    FORGET_NOTES = "delete from facteur.changes"

    def __init__(self, database: MigratedDatabase) -> None:
        self._database = database

    def uninstall(
        self, act: Act, *, drop_data: bool, drop_columns: bool, force: bool, lock_timeout_seconds: float
    ) -> Uninstalled:
        """Take everything away in one transaction, and record it unless the record goes too; a dry run says what would be run.

        Raises:
            OperatorError: a lock was not got in time, or something is still to be deposited; nothing was changed.
        """
        asked = {"drop_data": drop_data, "drop_columns": drop_columns}
        with impatient(self._database, lock_timeout_seconds):
            if not self._database.row(self.THERE).there:
                raise OperatorError("there is no schema facteur here: nothing to take away")
            if not act.dry_run:
                self._database.rows(self.HOLD)
            counted = self._database.row(self.OPEN)
            statements = tuple(row.statement for row in self._database.rows(self.STATEMENTS, asked))
            kept = self._kept(drop_data, drop_columns, counted.known)
            if not act.dry_run:
                self._refuse(counted.open, drop_data, force)
                self._carry_out(statements, drop_data, drop_columns)
                if not drop_data:
                    counts = counted._asdict() | {
                        "statements": len(statements),
                        "drop_columns": drop_columns,
                        "force": force,
                    }
                    self._database.rows(PostgresActs.LOG, {"act": as_json(signed(act)), "detail": as_json(counts)})
        known, deposited = (counted.known, counted.deposited) if drop_data else (0, 0)
        return Uninstalled(statements, kept, counted.open, known, deposited, not act.dry_run, recorded(act))

    def _refuse(self, still_open: int, drop_data: bool, force: bool) -> None:
        dependent = [row.name for row in self._database.rows(self.DEPENDENT)] if drop_data else []
        if still_open and not force:
            raise OperatorError(
                counted("# [invoice is|invoices are] still being deposited: ", still_open)
                + "`facteur status` shows which; wait, or use --force, and what becomes of them is written nowhere"
            )
        if dependent and not force:
            raise OperatorError(
                f"{', '.join(dependent)} would go with the schema facteur: drop them first, or use --force"
            )

    def _carry_out(self, statements: tuple[str, ...], drop_data: bool, drop_columns: bool) -> None:
        for statement in statements:
            self._database.rows(statement)
        if not drop_data:
            self._database.rows(self.FORGET_NOTES)
            self._database.rows(self.FORGET, {"drop_columns": drop_columns})

    def _kept(self, drop_data: bool, drop_columns: bool, known: int) -> tuple[str, ...]:
        data = () if drop_data else (counted("the schema facteur with # [submission|submissions]", known),)
        of_the_company = [row.kept for row in self._database.rows(self.KEPT, {})]
        return data + tuple(each for each in of_the_company if not drop_columns or each.startswith("the table"))


class PostgresInstalling(Installing, Uninstalling):
    """Postgres. Every method raises DatabaseUnavailableError and ConfigurationError, and leaves nothing half done."""
