"""How a platform that is not quite right writes words and dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.simulator.core.clock import iso
from local.simulator.core.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
CREATE_DATE = "createDate"  # stands for a code in the switch status_dates
ABSENT = object()


def spelt(word: str, settings: Settings) -> str:
    """A state, a direction, a code or a destination, in the words of this platform."""
    given = dict(each.partition("=")[::2] for each in settings.spellings if "=" in each)
    found = given.get(word, word)
    return found.lower() if "lower" in settings.spellings else found


def dated(code: str, at: float, settings: Settings) -> Any:
    """A date as it is shown; ABSENT where it is left out."""
    rules = [each.rpartition("@")[::2] for each in settings.status_dates]
    how = next((how for wanted, how in rules if wanted == code or (not wanted and code != CREATE_DATE)), None)
    if how is None:
        return iso(at)
    fixed = {
        "null": None, "absent": ABSENT, "empty": "", "text": "yesterday", "epoch_ms": int(at * 1000),
        "year1": "0001-01-01T00:00:00.000Z", "year9999": "9999-12-31T23:59:59.999Z",
    }  # fmt: skip
    if how in fixed:
        return fixed[how]
    local = datetime.fromtimestamp(at, UTC).astimezone(PARIS).replace(tzinfo=UTC)
    return iso(local.timestamp() if how == "local" else at + float(how))


def with_date(shown: dict[str, Any], key: str, date: Any) -> None:
    """Put a date in, or leave it out."""
    shown.pop(key, None)
    if date is not ABSENT:
        shown[key] = date
