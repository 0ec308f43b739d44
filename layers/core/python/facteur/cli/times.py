"""Times as a person reads them: one format, by the terminal's own clock, and how far off they are where they are still to come."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TypeVar

from facteur.domain.visible import KEY, WITH_LINES, with_texts

Answer = TypeVar("Answer")
INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z| UTC|[+-]\d\d:\d\d)")
AS_WRITTEN = WITH_LINES | {
    KEY,
    "document",
    "invoice_id",
    "invoice_number",
    "submission_id",
    "platform_id",
    "table",
    "file_name",
}
FORMAT = "%Y-%m-%d %H:%M:%S"
_OFFSET = {"Z": "+00:00", " UTC": "+00:00"}
# Each beside the next smaller unit, to which it is rounded.
UNITS = ((86_400, 3600, "d"), (3600, 60, "h"), (60, 1, "min"))


def localised(answer: Answer, now: datetime) -> Answer:
    """An answer with each instant in its sentences in local time; SQL, keys, numbers and addresses stay as they are written."""
    return with_texts(
        answer,
        lambda text, name: text if name in AS_WRITTEN else INSTANT.sub(lambda found: _shown(found, now), text),
    )


def local(moment: datetime | None, now: datetime | None = None) -> str | None:
    """An instant in local time, one to come with how far off it is; None is none."""
    try:
        return _local(moment, now or datetime.now(UTC)) if moment else None
    except OverflowError:
        return str(moment)


def lasting(seconds: float) -> str:
    """`4 min`, rounded, in the largest unit of which there are two, or in seconds."""
    for length, smaller, unit in UNITS:
        if round(seconds / smaller) * smaller >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def zone(now: datetime) -> str:
    """What this terminal calls its time."""
    return now.astimezone().tzname() or "local time"


def _shown(found: re.Match[str], now: datetime) -> str:
    """What looks like an instant and is none stays as it is."""
    try:
        return _local(datetime.fromisoformat(found[1] + _OFFSET.get(found[3], found[3])), now)
    except (ValueError, OverflowError):
        return found[0]


def _local(moment: datetime, now: datetime) -> str:
    ahead = (moment - now).total_seconds()
    return f"{moment.astimezone():{FORMAT}}" + (f" (in {lasting(ahead)})" if ahead > 0 else "")
