"""Rules that Python and SQL both need, each in its own words: they are equal."""

from __future__ import annotations

import pytest

from facteur.domain.identity import plain
from facteur.domain.lifecycle import ENDING, LABELS, REJECTING
from tests.rows import Rows

SPELLINGS = ["F-2026-1", " f-2026-1 ", "F\t2026\n1", "É-1", "é-1", "", "F\u00a01", "ß-1", "İ-1", "\u200bF-1"]


@pytest.mark.parametrize(("function", "codes"), [("rejects", REJECTING), ("ends", ENDING)])
def test_codes_mean_the_same_in_both(rows: Rows, function: str, codes: frozenset[str]) -> None:
    statement = f"select array_agg(code) as said from unnest(%(known)s) code where facteur.{function}(code)"
    known = [*LABELS, "TELEPORTED", ""]

    assert set(rows.database.row(statement, {"known": known}).said) == codes
    assert rows.database.row(f"select facteur.{function}(null) as said").said is None


@pytest.mark.parametrize("number", SPELLINGS)
def test_a_number_has_one_plain_spelling_in_both(rows: Rows, number: str) -> None:
    """What Postgres does not fold as Python does, makes two numbers of one at most: a person compares."""
    ours, theirs = plain(number), rows.database.row("select facteur.plain(%(n)s) as said", {"n": number}).said

    assert ours == (theirs or "") or not number.isascii()
