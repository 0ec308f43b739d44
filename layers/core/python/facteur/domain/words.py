"""Sentences for people: counts in the right number, and instants that whoever shows them puts into local time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

ONE_OR_MANY = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")


def counted(sentence: str, count: int) -> str:
    """`# [row is|rows are] ready` with the number for # and the words that go with it."""
    chosen = ONE_OR_MANY.sub(lambda words: words[1] if count == 1 else words[2], sentence)
    return chosen.replace("#", f"{count:,}", 1)


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second: what a terminal finds in any sentence, and shows in its own time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
