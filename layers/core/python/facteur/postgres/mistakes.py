"""Mistakes in a text that a person wrote, in Postgres' own words: it names an identifier, a type or a place in it, never a row."""

from __future__ import annotations

import psycopg2

OF_THE_TEXT = frozenset(
    {"42601", "42703", "42P01", "42883", "42804", "42702", "42803", "42P20", "42846", "42704", "0A000"}
)
OF_A_SCRIPT = frozenset({"42601", "42703", "42P01", "42883"})  # syntax; no such column, table, function


def mistake(error: BaseException | None, text: str = "", codes: frozenset[str] = OF_THE_TEXT) -> str | None:
    """What it says, and the line of the text where it says one; None for any other error, which may quote a row."""
    if not isinstance(error, psycopg2.Error) or error.pgcode not in codes:
        return None
    words, position = str(error.diag.message_primary), error.diag.statement_position
    return f"line {text.count(chr(10), 0, int(position) - 1) + 1}: {words}" if text and position else words
