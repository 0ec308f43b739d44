"""Bring the schema facteur up to the version of this code, and install the mapping and the trigger."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from facteur import __version__
from facteur.errors import ConfigurationError, OperatorError
from facteur.install.faults import grave_words, installation_faults, try_write_backs
from facteur.install.kinds import answered, is_invoice, kinds_as_remembered, left_out, other_kind, unanswered
from facteur.install.model import KindColumn, Wish
from facteur.install.schema import LOCK, NARROW, PATIENCE, MigratedDatabase, migrate_schema, newer_version, text_of
from facteur.install.tables import choose_table
from facteur.install.template import template

LOOK = """
select to_regclass('facteur.invoice_source') is not null as mapped, to_regclass('invoicing.invoices') is not null as has_table,
       (select submit_from from facteur.installation) as submit_from
"""
# A length is left out: a cast would cut what is too long, and nobody would know.
TYPES = """
select attname as name, format_type(atttypid, case when attname = 'id' then atttypmod end) as type from pg_attribute
where attrelid = 'invoicing.invoices'::regclass and attname in ('id', 'technical_status', 'submission_id') and not attisdropped
"""
SEARCH_PATH = "select current_setting('facteur.path') as path"
TABLE = "invoicing.invoices"
OTHER_KIND = """
       case when status operator(pg_catalog.=) 'final' and issue_date operator(pg_catalog.>=) (select submit_from from facteur.installation)
            then {} end as other_kind,"""
REMEMBER_KINDS = "update facteur.installation set kinds_left_out = %(left_out)s, added = added || %(added)s::jsonb"
SET_VERSION = "update facteur.installation set version = %(version)s"
WORKER = """
select coalesce(%(role)s::name, (select worker_role from facteur.installation where worker_role in (select rolname from pg_roles))) as role
"""
WORKER_PROBLEM = "select facteur.worker_problem(%(role)s) as problem"
GRANT_WORKER = "select facteur.grant_worker(%(role)s)"
SET_FIRST_DAY = """
update facteur.installation
set submit_from = %(first_day)s::date, submit_from_deployed = %(first_day)s::date, installed_from = %(old_rows_from)s::date
"""
# A backlog that was submitted since may have lowered it: whoever deploys the same day again does not mean to take that back.
SET_SUBMIT_FROM = """
update facteur.installation set submit_from = %(submit_from)s::date, submit_from_deployed = %(submit_from)s::date
where submit_from_deployed is distinct from %(submit_from)s::date
"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did. `watching` is False where an existing table waits for InstallCapture. `faults`: what has come apart since.

    `version` is the database's: where it is newer than this code, nothing was done, for a rollback leaves what the newer one installed.
    """

    version: str
    applied: Sequence[str]
    watching: bool
    faults: Sequence[str] = ()


def migrate(
    database: MigratedDatabase, *, install_capture: bool = False, submit_from: str | None = None, worker_role: str | None = None,
    invoice_kinds: str | None = None,
) -> Migrated:  # fmt: skip
    """Bring schema, functions, mapping and rights up to this version. Safe to repeat and to run twice at once.

    Args:
        install_capture: install the mapping and the trigger on an invoice table that exists already.
        submit_from: issue date (YYYY-MM-DD) of the first invoice to deposit; must be given for a table that exists already.
        worker_role: the role that the other functions connect as; it gets exactly the rights that they need. One that was named
            before is granted what is new.
        invoice_kinds: which kinds of documents are invoices, as `facteur init --kinds` has it; must be given for a table that names kinds.

    Raises:
        ConfigurationError: what is asked for cannot be done; nothing of that step is.
        DatabaseUnavailableError: the database refused, or somebody holds what is replaced; what the schema got before the mapping stays.
    """
    first_day = as_date(submit_from)
    if newer := newer_version(database):
        return Migrated(newer, (), bool(database.row(LOOK).mapped))
    applied = migrate_schema(database)
    kinds = _kinds(database, invoice_kinds) if install_capture else ()
    with database.transaction():
        database.rows(NARROW)
        database.rows(LOCK)
        mapped = bool(database.row(LOOK).mapped)
        watching = _install(database, install_capture, first_day, kinds)
        grant_worker(database, worker_role)
        database.rows(SET_VERSION, {"version": __version__})
        faults = grave_words(installation_faults(database), try_write_backs(database, thorough=False))
        if faults and not mapped:
            raise ConfigurationError(f"not installed, because write-backs would fail: {'; '.join(faults)}")
    return Migrated(__version__, applied, watching, tuple(faults))


def _kinds(database: MigratedDatabase, named: str | None) -> tuple[KindColumn, ...]:
    """What is known of the kinds of documents in a table that is to be watched. Raises ConfigurationError where nobody has said."""
    from facteur.install.kinds_store import KindsReading  # imports this module

    found = database.row(LOOK)
    if found.mapped or not found.has_table:
        return ()
    reading, wish = KindsReading(database), Wish(table=TABLE, kinds=(named,) if named else ())
    there = reading.look([])
    columns, _ = reading.kinds(there, choose_table(there, wish), wish)
    try:
        kinds = answered(columns, wish.kinds)
    except OperatorError as error:
        raise ConfigurationError(f"INVOICE_KINDS: {error}") from None
    if sentence := unanswered(kinds):
        raise ConfigurationError(f"INSTALL_CAPTURE=true needs INVOICE_KINDS, for {sentence}")
    return kinds


def _install(
    database: MigratedDatabase, install_capture: bool, first_day: date | None, kinds: tuple[KindColumn, ...]
) -> bool:
    found = database.row(LOOK)
    if found.mapped:
        if first_day:
            database.rows(SET_SUBMIT_FROM, {"submit_from": first_day})
        return True
    if not found.has_table:
        database.rows(text_of("mapping", "company_table.sql"))
        first_day = first_day or date.min  # a new table has no old rows to protect
    elif not install_capture:
        return False
    elif first_day is None:
        raise ConfigurationError(
            "INSTALL_CAPTURE=true needs SUBMIT_FROM, the issue date of the first invoice to deposit (YYYY-MM-DD)"
        )
    else:
        database.rows(PATIENCE)
        database.rows(text_of("mapping", "missing_columns.sql"))
    # a new table has no rows that say nothing because they are older than the column
    database.rows(SET_FIRST_DAY, {"first_day": first_day, "old_rows_from": first_day if found.has_table else None})
    named, other = is_invoice(kinds), other_kind(kinds)
    mapping = template(
        "invoices.sql",
        **_types(database),
        search_path=str(database.row(SEARCH_PATH).path),
        kinds=f"\n                and {named}" if named else "",
        other_kind=OTHER_KIND.format(other) if other else "",
    )
    database.rows(mapping)
    if kinds:
        source = [{"what": "source", "table": TABLE, "key": "id", "kinds": kinds_as_remembered(kinds)}]
        database.rows(REMEMBER_KINDS, {"left_out": left_out(kinds), "added": json.dumps(source)})
    database.rows("select facteur.watch('invoicing.invoices', 'id')")
    return True


def grant_worker(database: MigratedDatabase, named: str | None) -> None:
    role = database.row(WORKER, {"role": named}).role
    if role is None:
        return
    if problem := database.row(WORKER_PROBLEM, {"role": role}).problem:
        raise ConfigurationError(f"WORKER_ROLE: {problem}")
    database.rows(GRANT_WORKER, {"role": role})


def _types(database: MigratedDatabase) -> dict[str, str]:
    found = {row.name: str(row.type) for row in database.rows(TYPES)}
    if "id" not in found:
        raise ConfigurationError(
            "invoicing.invoices has no column id: create facteur.invoice_source and facteur.write_back for your table yourself"
        )
    return {"key_type": found["id"], "status_type": found["technical_status"], "deposit_type": found["submission_id"]}


def as_date(text: str | None) -> date | None:
    """A first day to deposit from. Raises ConfigurationError where the text is no date."""
    if text is None:
        return None
    words = f"the first day (SUBMIT_FROM): {text} is no date: YYYY-MM-DD"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ConfigurationError(words)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(words) from None
