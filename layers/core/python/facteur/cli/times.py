"""Times as a person reads them: one format, by the terminal's own clock, and how far off they are where they are still to come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from facteur.domain.visible import WITH_LINES

INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z| UTC|[+-]\d\d:\d\d)")
AS_WRITTEN = WITH_LINES | {
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
UNITS = ((86_400, 3600, "d"), (3600, 60, "h"), (60, 1, "min"))  # each beside the next smaller one, to which it is rounded


def localised(answer: Any, now: datetime) -> Any:
    """An answer with each instant in its texts in local time; SQL, keys, numbers and addresses stay as they are written."""
    if isinstance(answer, str):
        return INSTANT.sub(lambda found: _shown(found, now), answer)
    if isinstance(answer, Mapping):
        return {name: value if name in AS_WRITTEN else localised(value, now) for name, value in answer.items()}
    return [localised(each, now) for each in answer] if isinstance(answer, list | tuple) else answer


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
        return _local(found[1] + _OFFSET.get(found[3], found[3]), now)
    except (ValueError, OverflowError):
        return found[0]


def _local(instant: str, now: datetime) -> str:
    moment = datetime.fromisoformat(instant)
    ahead = (moment - now).total_seconds()
    return f"{moment.astimezone():{FORMAT}}" + (f" (in {lasting(ahead)})" if ahead > 0 else "")
