"""The one transaction of `facteur init`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from facteur import __version__
from facteur.errors import ConfigurationError, DatabaseUnavailableError, OperatorError
from facteur.install.faults import TRY, Tried, grave_words, installation_faults
from facteur.install.kinds import EVERY, kinds_as_remembered
from facteur.install.kinds_store import KindsReading
from facteur.install.mapping import REQUIRED
from facteur.install.migrate import grant_worker
from facteur.install.model import Plan, Sanity, Step
from facteur.install.schema import INSTALLED, NARROW, MigratedDatabase, migrate_schema
from facteur.install.steps import CREATE_MAPPING
from facteur.operate.acts_store import PostgresActs, signed
from facteur.operate.model.acts import Act
from facteur.postgres.database import as_json
from facteur.postgres.mistakes import OF_A_SCRIPT, mistake

PATIENCE = "select set_config('lock_timeout', %(milliseconds)s, true)"
# Mistakes in a text that a person wrote: Postgres names an identifier or a place in it, never a row.
WIDER = "select set_config('search_path', current_setting('facteur.search_path'), true)"
NARROWER = "select pg_catalog.set_config('search_path'::text, 'pg_catalog'::text, true)"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"


@dataclass(frozen=True, slots=True)
class OneTransaction:
    """Migrations that run inside a transaction which somebody else has begun."""

    database: MigratedDatabase

    def rows(self, statement: str, parameters: Any = None) -> list[Any]:
        return self.database.rows(statement, parameters)

    def row(self, statement: str, parameters: Any = None) -> Any:
        return self.database.row(statement, parameters)

    def transaction(self) -> Any:
        return nullcontext()


@contextmanager
def impatient(database: MigratedDatabase, lock_timeout_seconds: float) -> Iterator[None]:
    """A transaction that rather gives up than makes the company's writers wait.

    Raises:
        OperatorError: a lock was not got in time; nothing was changed.
    """
    try:
        with database.transaction():
            database.rows(NARROW)
            database.rows(PATIENCE, {"milliseconds": str(max(1, round(lock_timeout_seconds * 1000)))})
            yield
    except DatabaseUnavailableError as exc:
        if LOCK_NOT_AVAILABLE not in str(exc):
            raise
        raise OperatorError(
            f"somebody had a lock on the table for longer than {lock_timeout_seconds:g} s, so nothing was changed: "
            "run it again at a quieter moment"
        ) from None


class Installing(KindsReading):
    """Runs a plan."""

    REMEMBER = """
        update facteur.installation
        set version = %(version)s, submit_from = %(first_day)s, installed_from = %(first_day)s, added = added || %(added)s::jsonb,
            kinds_left_out = %(left_out)s, forgotten_checked_at = '-infinity'
    """
    SANITY = r"""
        select pg_catalog.count(*)::bigint as rows, pg_catalog.count(*) filter (where ready)::bigint as ready,
               pg_catalog.count(*) filter (where ready and issue_date operator(pg_catalog.<) %(first_day)s)::bigint as too_early,
               pg_catalog.count(*) filter (where ready and (nullif(pg_catalog.btrim(invoice_number::text), '') is null
                   or seller_siren::text operator(pg_catalog.!~) '^\s*(\d\s*){9}' or seller_siren is null))::bigint as nameless
        from facteur.invoice_source
    """
    LACKING = """
        select array(select required from pg_catalog.unnest(%(required)s::text[]) required
                     where not exists (select from pg_attribute where attrelid = to_regclass('facteur.invoice_source')
                                       and attname = required)) as columns
    """
    TRANSACTION = "select pg_current_xact_id()::text as id"
    LONGEST_COUNT = "select set_config('statement_timeout', '30s', true)"

    def apply(
        self, plan: Plan, first_day: date, lock_timeout_seconds: float, worker_role: str | None, act: Act
    ) -> Sanity:
        """Run the plan in one transaction, and record it. `worker_role` gets its rights; None: the one that had them before.

        Raises:
            OperatorError: a lock was not got in time, or the mapping shows invoices of before the first day; nothing was changed.
        """
        added = [dict(each) for step in plan.steps for each in step.added] + [
            {"what": "source", "table": plan.table, "key": plan.key, "kinds": kinds_as_remembered(plan.kinds)}
        ]
        known = {
            "version": __version__,
            "first_day": first_day,
            "added": json.dumps(added),
            "left_out": list(plan.left_out),
        }
        if self._database.row(INSTALLED).there:  # it may have writers already, who must not wait for tables of ours
            migrate_schema(self._database)
        with impatient(self._database, lock_timeout_seconds):
            migrate_schema(OneTransaction(self._database))
            for step in plan.steps:
                self._run(step)
            self._check_columns()
            self._database.rows(self.REMEMBER, known)
            with self._wider():
                sanity = self._sanity(first_day) if plan.counts_first else None
                refuse_old_invoices(sanity)
                self._check_kinds(plan)
                tried = self._tried(thorough=plan.counts_first)
            for step in plan.triggers:
                self._run(step)
            grant_worker(OneTransaction(self._database), worker_role)
            self._refuse_faults(tried)
            counts = {"table": plan.table, "first_day": first_day.isoformat(), "rows": plan.rows}
            counts |= {} if sanity is None else {"shown": sanity.rows, "ready": sanity.ready}
            self._database.rows(PostgresActs.LOG, {"act": as_json(signed(act)), "detail": as_json(counts)})
        with self._database.transaction():
            return sanity or self._sanity(first_day)

    def _run(self, step: Step) -> None:
        before = self._database.row(self.TRANSACTION).id
        try:
            if step.what == CREATE_MAPPING:  # a person may have edited it, and means names as he has them
                with self._wider():
                    self._database.rows(step.statement)
            elif step.statement:
                self._database.rows(step.statement)
        except (DatabaseUnavailableError, ConfigurationError) as exc:
            if LOCK_NOT_AVAILABLE in str(exc):
                raise
            why = mistake(exc.__context__, step.statement, OF_A_SCRIPT) if step.what == CREATE_MAPPING else None
            raise OperatorError(f"nothing was changed, because this failed: {step.what} ({why or exc})") from None
        if self._database.row(self.TRANSACTION).id != before:
            raise OperatorError(
                "the mapping ends the transaction: take commit and rollback out of it. `facteur uninstall` takes away what was installed"
            )

    @contextmanager
    def _wider(self) -> Iterator[None]:
        """What is the company's finds names where the owner's sessions do."""
        self._database.rows(WIDER)
        yield
        self._database.rows(NARROWER)

    def _check_columns(self) -> None:
        """Raises OperatorError where the view lacks a column that cannot be done without."""
        lacking = self._database.row(self.LACKING, {"required": list(REQUIRED)}).columns
        if lacking:
            raise OperatorError(f"nothing was changed: the view lacks {', '.join(lacking)}")

    def _check_kinds(self, plan: Plan) -> None:
        """Raises OperatorError where an edited mapping does not ask what kind of document a row is."""
        asked = [each.name for each in plan.kinds if EVERY not in (each.named or ())]
        unread = self.unread(plan.table, asked)
        if unread:
            raise OperatorError(
                f"nothing was changed: the mapping does not ask {', '.join(unread)}, which names kinds of documents; let `ready` compare "
                f"it, or say that every kind is an invoice: --kinds '{unread[0]}={EVERY}'"
            )
        found = self._in_time(plan.wrong_kinds, {}) if plan.wrong_kinds else None
        if found and found.documents:
            raise OperatorError(
                f"nothing was changed: the mapping shows {found.documents} documents as ready that are of other kinds than those named "
                f"({found.kinds})"
            )

    def _tried(self, *, thorough: bool) -> Tried:
        """Before the locks that make writers wait. What it takes too long to find is not looked for."""
        statement, parameters = TRY, {"thorough": thorough}
        row = self._in_time(statement, parameters)
        return Tried(tuple(row.problems), row.tried) if row else Tried((), 0)

    def _refuse_faults(self, tried: Tried) -> None:
        """Raises OperatorError where a write-back to a real row fails, or would."""
        words = grave_words(installation_faults(self._database), tried)
        if words:
            raise OperatorError(f"nothing was changed, because write-backs would fail: {'; '.join(words)}")

    def _sanity(self, first_day: date) -> Sanity:
        """What the view shows."""
        row = self._in_time(self.SANITY, {"first_day": first_day})
        return Sanity(row.rows, row.ready, row.too_early, row.nameless) if row else Sanity(None, None, None, None)

    def _in_time(self, statement: str, parameters: dict[str, Any]) -> Any:
        """The row of a statement on the view; None: not in thirty seconds, a limit that ends with the savepoint."""
        self._database.rows("savepoint counting")
        self._database.rows(self.LONGEST_COUNT)
        try:
            row = self._database.row(statement, parameters or None)
        except DatabaseUnavailableError as exc:
            if QUERY_CANCELED not in str(exc):
                raise OperatorError(f"the mapping cannot be read, so it was not installed ({exc})") from None
            row = None
        self._database.rows("rollback to savepoint counting")
        return row


def refuse_old_invoices(sanity: Sanity | None) -> None:
    """Raises OperatorError where the mapping calls invoices ready that were issued before the first day."""
    if sanity and sanity.ready_too_early:
        raise OperatorError(
            f"nothing was changed: the mapping shows {sanity.ready_too_early} invoices as ready that were issued before the first day; "
            "let `ready` compare issue_date with facteur.installation.submit_from"
        )
