"""Where an invoice's document lies, as an SQL expression."""

from __future__ import annotations

import re
from collections.abc import Sequence

from facteur.errors import OperatorError
from facteur.install.model import Table

PATTERN = re.compile(r"(s3://[^/{]+/|file:///).*\{\w+\}.*")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def op(sign: str) -> str:
    """Postgres' own operator, whatever others have put into a schema on the path: it binds more closely than a bare sign."""
    return f"operator(pg_catalog.{sign})"


def one_of(expression: str, values: Sequence[str]) -> str:
    """Whether an expression is one of these texts."""
    alike = [f"{expression} {op('=')} {literal(each)}" for each in values]
    return alike[0] if len(alike) == 1 else f"({' or '.join(alike)})"


def literal(text: str) -> str:
    """A string in SQL, for a mapping that a person reads before it is run."""
    return "'" + text.replace("'", "''") + "'"


def address(table: Table, pattern: str) -> str:
    """`s3://bucket/{column}.xml` with the columns' values filled in. The cast takes the padding of char(n) away.

    Raises:
        OperatorError: it is no such pattern, or the table has no such column.
    """
    if not PATTERN.fullmatch(pattern):
        raise OperatorError("--documents must be like s3://bucket/path/{id}.xml, with a column's name in braces")
    pieces = PLACEHOLDER.split(pattern)
    columns = [table.column(name) for name in pieces[1::2]]
    missing = [name for name, column in zip(pieces[1::2], columns, strict=True) if column is None]
    if missing:
        raise OperatorError(f"{table.name} has no column {', '.join(missing)} (--documents)")
    filled = [f"i.{column.quoted}::text" for column in columns if column]
    texts = [literal(each) for each in pieces[0::2]]
    joined = [texts[0], *(part for pair in zip(filled, texts[1:], strict=True) for part in pair)]
    return " || ".join(each for each in joined if each != "''")
