"""Dates of lifecycle messages. Read by what they look like, as the format that is named beside them is not always theirs.

A time without a zone is that of Paris: the administration has decided so (pyfrctc 0.25 of November 2026 follows it). Platforms that write
UTC all the same are read as an hour or two too early, and never as something that is still to come.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from facteur.platforms import foreign

DIGITS = re.compile(
    r"(\d{8})(?:(\d{4})(\d{2})?)?(?:Z|([+-])(\d\d):?(\d\d))?", re.ASCII
)  # 102, 203, 204; 205 and 208 with a zone
YEAR = re.compile(r"\d{4}(?!\d)", re.ASCII)
ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.ASCII)
WINTER, SUMMER = timedelta(hours=1), timedelta(hours=2)


def instant_in(text: str | None) -> datetime | None:
    """`20260716111054`, with or without seconds or a zone, `20260716`, or ISO 8601; None where it is no instant of these centuries."""
    found = DIGITS.fullmatch((text or "").strip())
    try:
        if found is None:
            return _iso(text)
        day, minutes, seconds, sign, hours_off, minutes_off = found.groups()
        at = datetime.strptime(day + (minutes or "0000") + (seconds or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007  below
        if not found[0].endswith("Z") and sign is None:
            return _bounded(_in_paris(at))
        offset = timedelta(hours=int(hours_off or 0), minutes=int(minutes_off or 0))
        return _bounded(at.replace(tzinfo=timezone(-offset if sign == "-" else offset)))
    except (ValueError, OverflowError):
        return None


def day_in(text: str | None) -> date | None:
    """The calendar day that is written, whatever the hour beside it."""
    digits = "".join(filter(str.isdigit, (text or "").strip()[:10]))[:8]
    try:
        found = datetime.strptime(digits, "%Y%m%d").date() if digits.isascii() and len(digits) == 8 else None  # noqa: DTZ007
    except ValueError:
        return None
    return found if found and foreign.FIRST_YEAR <= found.year <= foreign.LAST_YEAR else None


def year_in(text: str | None) -> int | None:
    """Of a day, or where no more than the year can be read."""
    day, begins = day_in(text), YEAR.match((text or "").strip())
    year = day.year if day else int(begins[0]) if begins else None
    return year if year and foreign.FIRST_YEAR <= year <= foreign.LAST_YEAR else None


def _iso(text: str | None) -> datetime | None:
    at = foreign.moment(text)
    if at is None or ZONED.search((text or "").strip()):
        return at
    return _bounded(_in_paris(at.replace(tzinfo=None)))


def _in_paris(at: datetime) -> datetime:
    """An instant by the clocks of Paris; of the hour that comes twice in October the first. Needs no time zone database.

    Summer time is from the last Sunday of March to that of October, 01:00 UTC.
    """
    begins, ends = (_last_sunday(at.year, month) for month in (3, 10))
    summer = begins + timedelta(hours=2) <= at < ends + timedelta(hours=3)
    return at.replace(tzinfo=timezone(SUMMER if summer else WINTER))


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31)  # noqa: DTZ001  both months have 31 days
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _bounded(at: datetime) -> datetime | None:
    found = at.astimezone(UTC)
    return found if foreign.FIRST_YEAR <= found.year <= foreign.LAST_YEAR else None
