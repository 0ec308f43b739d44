"""Answers of the search: the flows on a page, as far as their dates can be true, and where the next one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from facteur.errors import PlatformBusyError, Problem
from facteur.platforms import foreign
from facteur.platforms.afnor.capabilities import MOST_FLOWS
from facteur.platforms.afnor.reading import Flow, flow_in
from facteur.platforms.answers import dated, expect
from facteur.platforms.blanking import HIDDEN
from facteur.platforms.http import HttpAnswer

AHEAD = timedelta(minutes=5)  # a date that is later than the platform's own says nothing
AHEAD_OF_US = timedelta(days=1)
LONGEST_CURSOR = 2000
NO_LIST = Problem("unreadable_answer", "the platform answered something else than a list", 200)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer of the search. `cursor`: where 1.3 goes on; None: nowhere, or it is another version."""

    flows: tuple[Flow, ...]
    cursor: str | None
    dated_at: datetime | None

    @property
    def ids(self) -> set[str | None]:
        return {each.flow_id for each in self.flows}

    @property
    def is_full(self) -> bool:
        return len(self.flows) >= MOST_FLOWS

    def times(self) -> list[datetime]:
        """When they changed, as far as that can be true."""
        latest = self.dated_at + AHEAD if self.dated_at else datetime.now(UTC) + AHEAD_OF_US
        return [each.updated_at for each in self.flows if each.updated_at and each.updated_at <= latest]

    @property
    def ascends(self) -> bool:
        times = self.times()
        return times == sorted(times)


def found_in(answer: HttpAnswer) -> Found:
    """What has no list in this place is no empty one."""
    body = expect(answer, dict)
    if not isinstance(body.get("results"), list):
        raise PlatformBusyError(NO_LIST)
    return Found(tuple(map(flow_in, body["results"])), _cursor(body.get("nextCursor")), dated(answer))


def _cursor(value: Any) -> str | None:
    """To the letter, or not at all."""
    shown = foreign.word(value, LONGEST_CURSOR) if isinstance(value, str) else None
    return shown if shown is not None and shown == value and HIDDEN not in shown else None


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
