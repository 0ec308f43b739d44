"""The schema facteur: what holds data is applied once, a numbered file at a time; what is computed is put in place at each deploy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Protocol

from facteur import __version__
from facteur.errors import ConfigurationError

FIRST = """
create schema if not exists facteur;
create table if not exists facteur.migrations (
    number integer primary key, name text not null, applied_at timestamptz not null default now()
)
"""
# Kept until the transaction ends, so that two migrators at once leave one result. The number is "facteur" in ASCII, folded.
LOCK = "select pg_advisory_xact_lock(7161837)"
# Who waits for the company's table makes all its writers wait behind him: rather give up, and be invoked again.
PATIENCE = "select set_config('lock_timeout', '3s', true)"
APPLIED = "select number from facteur.migrations"
# The files of sql/functions, views at the end: a view is built when it is created, a function when it is called.
CONCEPTS = (
    "changes", "capture", "source", "open", "accounts", "budget", "queue", "clock", "lease", "attempts", "record", "write_back",
    "transitions", "statuses", "numbers", "sweep", "pull", "feed", "acts", "backlog", "faults", "forget", "roles", "waiting", "health",
    "path",
)  # fmt: skip
ANY_ORDER = "select set_config('check_function_bodies', 'off', true)"
# Functions that no file has any more, and the release that drops them: the one after that which took them out, for handlers of the
# release before outlive a deploy, and come back by a rollback.
RETIRED: Mapping[str, str] = {}
INSTALLED = "select to_regclass('facteur.installation') is not null as there"
VERSION = "select version from facteur.installation"
# What runs the company's own code looks for names where it did when it was installed, wherever this session looks.
KEPT_PATH = r"""
select set_config('facteur.path', substr(setting, length('search_path=') + 1), true) from pg_proc p, pg_catalog.unnest(p.proconfig) setting
where p.oid = to_regprocedure('facteur.settle_constraints()') and setting like 'search\_path=%'
"""
# For path.sql: the functions of these files, beside which the company may have others in the schema.
FUNCTION = re.compile(r"^create (?:or replace )?function facteur\.(\w+)", re.MULTILINE)
OURS = "select set_config('facteur.functions', %(names)s, true)"
REMEMBER = "insert into facteur.migrations (number, name) values (%(number)s, %(name)s)"
# From here on in a transaction the owner's session looks for names in Postgres' own catalogue alone: whoever may create in a schema of
# its path could have his run as the owner. Remembered is where a write-back looks for names, as its owner does now, for triggers of the
# company's run with it; but nobody's temporary table comes first.
NARROW = """
select pg_catalog.set_config('facteur.path', pg_catalog.concat_ws(', '::text, 'pg_catalog'::text, (
           select pg_catalog.string_agg(pg_catalog.quote_ident(s::text), ', '::text)
           from pg_catalog.unnest(pg_catalog.current_schemas(false)) s), 'pg_temp'::text), true) as path,
       pg_catalog.set_config('facteur.search_path', pg_catalog.current_setting('search_path'::text), true) as before,
       pg_catalog.set_config('search_path'::text, 'pg_catalog'::text, true) as now
where coalesce(pg_catalog.current_setting('facteur.search_path'::text, true), ''::text) operator(pg_catalog.=) ''::text
"""


class MigratedDatabase(Protocol):
    """What a migration needs of a database; see postgres/database.py."""

    def rows(self, statement: str, parameters: Any = None) -> list[Any]: ...
    def row(self, statement: str, parameters: Any = None) -> Any: ...
    def transaction(self) -> Any: ...


def migrate_schema(database: MigratedDatabase) -> list[str]:
    """Bring the schema facteur up to this version, whole or not at all, and touch nothing else; the names of the files applied once.

    Raises:
        ConfigurationError: the database is of a newer version.
        DatabaseUnavailableError: the database refused, or somebody has locked what is replaced for three seconds.
    """
    with database.transaction():
        database.rows(NARROW)
        database.rows(LOCK)
        if newer := newer_version(database):
            raise ConfigurationError(
                f"the database is of version {newer}, this is {__version__}: use that version, or a newer one"
            )
        database.rows(PATIENCE)
        database.rows(FIRST)
        applied = [name for number, name in migrations() if _apply(database, number, name)]
        put_functions(database)
        drop_retired(database, RETIRED)
    return applied


def put_functions(database: MigratedDatabase) -> None:
    """Put all functions and views of sql/functions in place, in the caller's transaction."""
    texts = [text_of("sql/functions", f"{concept}.sql") for concept in CONCEPTS]
    database.rows(KEPT_PATH)
    database.rows(ANY_ORDER)
    data = [text_of("sql/schema", name) for _, name in migrations()]
    database.rows(OURS, {"names": ",".join(FUNCTION.findall("".join(data + texts)))})
    for text in texts:
        database.rows(text)


def drop_retired(database: MigratedDatabase, retired: Mapping[str, str]) -> None:
    """Drop the functions whose release has come, by their signatures."""
    for signature, release in retired.items():
        if as_version(release) <= as_version(__version__):
            database.rows(f"drop function if exists {signature}")


def newer_version(database: MigratedDatabase) -> str | None:
    """The version that a database was brought up to, if that is newer than this code's."""
    if not database.row(INSTALLED).there:
        return None
    found = database.row(VERSION).version
    return str(found) if found and as_version(found) > as_version(__version__) else None


def as_version(text: str) -> tuple[int, ...]:
    """A version of ours, to be compared: `0.10.0` is newer than `0.9.1`."""
    return tuple(int(part) for part in text.split("."))


def migrations() -> list[tuple[int, str]]:
    """Number and name of each, in order."""
    folder = files("facteur").joinpath("sql", "schema")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name.split("_")[0]), name) for name in names]


def _apply(database: MigratedDatabase, number: int, name: str) -> bool:
    if number in {row.number for row in database.rows(APPLIED)}:
        return False
    database.rows(REMEMBER, {"number": number, "name": name})
    database.rows(text_of("sql/schema", name))
    return True


def text_of(folder: str, name: str) -> str:
    """A SQL file of the package."""
    return files("facteur").joinpath(folder, name).read_text("utf-8")
