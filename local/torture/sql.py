"""Changes to a run's database: a function's text, a table more."""

from __future__ import annotations

import re

from facteur.postgres.database import Database


def replace_in(database: Database, function: str, pattern: str, replacement: str) -> None:
    """Change a function's text.

    Raises:
        LookupError: the text is not there any more: whoever changed the function must look here.
    """
    text = database.row("select pg_get_functiondef(%(f)s::regproc) as text", {"f": function}).text
    changed, times = re.subn(pattern, replacement, text)
    if not times:
        raise LookupError(f"{function} does not contain {pattern!r}")
    database.rows(changed)


def add_table(database: Database, name: str, query: str) -> None:
    """A table in schema torture that each run begins with as it is now."""
    database.rows(f"create table torture.{name} as {query}")
    database.rows(f"create table torture_saved.torture_{name} as table torture.{name}")
