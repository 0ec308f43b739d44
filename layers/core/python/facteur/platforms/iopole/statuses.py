"""Iopole's search and its unseen statuses as sources of statuses: queries, pages, and spellings that an account has refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from facteur.domain.status_updates import Page
from facteur.domain.submission import StatusEvent
from facteur.errors import PlatformBusyError
from facteur.platforms.answers import dated, expect, listed, problem
from facteur.platforms.foreign import identifier
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.capabilities import SEARCH
from facteur.platforms.iopole.reading import id_in, sighting, status_event, whole_number

WITH_STATUS = "lastStatusData"
WITH_NUMBERS = "businessData,lastStatusData"  # where a deposit's number is not known to be the one that was sent
MOST_UNSEEN = 100  # notSeen shows no more at once
LONGEST_QUERY = 7800  # as it travels; servers take 8 kB for a request's first line, mostly
TOO_LONG = frozenset({413, 414, 431})
OF_A_TIME = (  # accounts have been seen to refuse one or the other
    'invoice.createdDate:>="{since}" AND invoice.createdDate:<="{until}"',
    'createdDate:>="{since}" AND createdDate:<="{until}"',
)
BETWEEN = (f'invoice.direction:"OUTBOUND" AND {OF_A_TIME[0]}', *OF_A_TIME)
COUNTS = ("count", "total", "totalCount")  # in `meta`; whether of the page or of all is not documented
NUMBERED = ("invoice.invoiceId:{number}", "invoiceId:{number}")
Search = Callable[[dict[str, str]], HttpAnswer]


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of the search: its entries, how many numbers it was asked for, and what it says of itself."""

    entries: list[Any]
    numbers: int
    announced: int | None
    dated_at: datetime | None

    @property
    def ids(self) -> tuple[str | None, ...]:
        """For a Listing."""
        return tuple(map(id_in, self.entries))


class Searched:
    """Deposits as search shows them, in pages. What an account has refused once is tried last from then on."""

    def __init__(self, search: Search, expand: str, between: Sequence[str] = BETWEEN) -> None:
        """`expand`: what each entry is to show. `between`: spellings of a time."""
        self._search, self._expand = search, expand
        self._between, self._numbered = list(between), list(NUMBERED)
        self._longest = LONGEST_QUERY

    def between(self, since: datetime, until: datetime, offset: int, expand: str | None = None) -> Answered | None:
        """A page of what was deposited in a time; None where no spelling of it is allowed. `expand`: to be shown this time."""
        moments = {"since": _second(since), "until": _second(until + timedelta(seconds=1))}
        for spelling in list(self._between):
            answer = self._asked(spelling.format(**moments), offset, expand)
            if answer.status != 400:
                return _answered(answer, 0)
            self._between.append(self._between.pop(0))
        return None

    def under(self, numbers: Sequence[str], offset: int, expand: str | None = None) -> Answered:
        """A page of what bears one of these numbers, as many of them as go into one query."""
        for _ in range(4):
            for spelling in list(self._numbered):
                query, count = self._any_of(numbers, spelling)
                answer = self._asked(query, offset, expand)
                if answer.status not in {400, *TOO_LONG}:
                    return _answered(answer, count)
                self._numbered.append(self._numbered.pop(0))
            self._longest //= 4  # may be the length that it does not like
        raise PlatformBusyError(problem(answer, "search_refused", "the platform refuses to search by number"))

    def under_all(self, numbers: Sequence[str], offset: int) -> Answered | None:
        """A page of what bears any of these numbers; None where the account takes no query that names them all."""
        for spelling in list(self._numbered):
            query, count = self._any_of(numbers, spelling)
            if count < len(numbers):
                return None
            answer = self._asked(query, offset, None)
            if answer.status not in {400, *TOO_LONG}:
                return _answered(answer, count)
            self._numbered.append(self._numbered.pop(0))
        return None

    def _any_of(self, numbers: Sequence[str], spelling: str) -> tuple[str, int]:
        terms = [spelling.format(number=_quoted(number)) for number in numbers]
        ends = itertools.accumulate(len(quote_plus(term)) + len("+OR+") for term in terms)
        count = max(1, sum(end <= self._longest for end in ends))
        return " OR ".join(terms[:count]), count

    def _asked(self, query: str, offset: int, expand: str | None) -> HttpAnswer:
        return self._search(
            {"q": query, "expand": expand or self._expand, "offset": str(offset), "limit": str(SEARCH.page)}
        )


def page_of(answered: Answered) -> Page:
    """Deposits with where they stand."""
    found = tuple(each for each in map(sighting, answered.entries) if each)
    return Page(
        found,
        answered.numbers,
        len(answered.entries) - len(found),
        answered.ids,
        answered.announced,
    )


def unseen_statuses(answer: HttpAnswer) -> tuple[list[StatusEvent], bool]:
    """What notSeen shows: groups by invoice under either spelling, or statuses in a row; and whether it is all that it shows at once."""
    entries = _entries(answer)
    found = [event for entry in entries if isinstance(entry, dict) for event in _statuses(entry)]
    return found, max(len(found), len(entries)) >= MOST_UNSEEN


def _statuses(entry: dict[str, Any]) -> list[StatusEvent]:
    group = next((entry[name] for name in ("newstatus", "newStatus") if isinstance(entry.get(name), list)), None)
    invoice_id = identifier(entry.get("invoiceId")) or ""
    statuses = [entry] if group is None else [each for each in group if isinstance(each, dict)]
    return [status_event(each, invoice_id) for each in statuses]


def _answered(answer: HttpAnswer, numbers: int) -> Answered:
    body = expect(answer, (dict, list))
    meta = body.get("meta") if isinstance(body, dict) else None
    counts = [whole_number(meta.get(name)) for name in COUNTS] if isinstance(meta, dict) else []
    announced = max((count for count in counts if count is not None), default=None)
    return Answered(listed(body), numbers, announced, dated(answer))


def _entries(answer: HttpAnswer) -> list[Any]:
    return listed(expect(answer, (dict, list)))


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _quoted(number: str) -> str:
    escaped = number.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
