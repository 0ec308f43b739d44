"""Whether what was installed still fits the company's table: one function in the database says so, to doctor, init and deploy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

FAULTS = "select code, grave, what, fix from facteur.installation_faults(true)"
TRY = "select problems, tried from facteur.try_write_backs(%(thorough)s)"
READY = """
select to_regprocedure('facteur.write_back(text, text, text, text)') is not null
       and to_regclass('facteur.invoice_source') is not null as mapped
"""
MOST_NAMED = 3


class AskedDatabase(Protocol):
    """What is needed of a database; see postgres/database.py."""

    def rows(self, statement: str, parameters: Any = None) -> list[Any]: ...
    def row(self, statement: str, parameters: Any = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One that is `grave` keeps invoices waiting, or may. `fix` is what puts it right, a statement where there is one."""

    code: str
    grave: bool
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What write-backs to real rows came to, every one of them rolled back."""

    problems: Sequence[str]
    rows: int


def installation_faults(database: AskedDatabase) -> list[Fault]:
    """The gravest first."""
    return [Fault(row.code, row.grave, row.what, row.fix) for row in database.rows(FAULTS)]


def try_write_backs(database: AskedDatabase, *, thorough: bool) -> Tried:
    """Give a few real rows each status, so that the company's own triggers and checks run, and put everything back.

    Args:
        thorough: look for a row that is ready as well, which may read the whole table.
    """
    if not database.row(READY).mapped:
        return Tried((), 0)
    row = database.row(TRY, {"thorough": thorough})
    return Tried(tuple(row.problems), row.tried)


def grave_words(faults: Sequence[Fault], tried: Tried) -> list[str]:
    """In a sentence each: what must not be there when something is installed."""
    words = [f"{each.what} ({each.fix})" for each in faults if each.grave]
    return words + [f"a real row cannot be written back, {each}" for each in tried.problems[:MOST_NAMED]]
