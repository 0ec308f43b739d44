"""When a sweep looks again, and what follows from how a search shows a deposit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from facteur.decide_news import NOT_PRESSING, URGENT, USUAL, next_look, seen, settled_before, urgency
from facteur.decision import Limits
from facteur.model import StatusEvent
from facteur.news import Open, Sighting

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LIMITS = Limits(3600, 259200, 400 * DAY)
AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (0, MINUTE), (5, MINUTE), (40 * MINUTE, MINUTE), (HOUR, 1.5 * MINUTE), (DAY, 36 * MINUTE), (5 * DAY, 3 * HOUR),
        (10 * DAY, 6 * HOUR), (60 * DAY, 6 * HOUR), (400 * DAY, 6 * HOUR),
    ],
)  # fmt: skip
def test_old_deposits_are_looked_at_less_often_and_every_one_four_times_a_day(age: float, seconds: float) -> None:
    assert next_look(age) == seconds


def test_a_deposit_is_looked_at_ever_more_rarely() -> None:
    waits = [next_look(hours * HOUR) for hours in range(2000)]

    assert waits == sorted(waits)


@pytest.mark.parametrize(
    ("code", "rank"),
    [
        ("213", URGENT), ("501", URGENT), ("210", URGENT), ("207", URGENT), ("state:WRONG_ROUTING", URGENT), ("state:DUPLICATED", URGENT),
        ("205", USUAL), ("203", USUAL), ("TELEPORTED", USUAL), ("state:DELIVERED", USUAL), (None, NOT_PRESSING),
    ],
)  # fmt: skip
def test_rejections_refusals_and_disputes_come_first(code: str | None, rank: int) -> None:
    assert urgency(code) == rank


def deposit(age: float = HOUR / 2) -> Open:
    return Open(1, "p-1", "F-1", AT, True, "203", age, AT)


@pytest.mark.parametrize(
    ("status", "state", "age", "code", "told", "wanted"),
    [
        ("205", "DELIVERED", 60, "205", True, False),
        ("205", None, 90 * DAY, "205", True, False),
        (None, "DELIVERED", 60, "state:DELIVERED", False, False),
        (None, "DELIVERED", 2 * HOUR, "state:DELIVERED", False, True),
        (None, "PENDING", 60, None, False, False),
        (None, None, 2 * HOUR, None, False, True),
    ],
)
def test_what_a_search_shows(
    status: str | None, state: str | None, age: float, code: str | None, told: bool, wanted: bool
) -> None:
    found = seen(deposit(age), Sighting("p-1", status, AT, state, AT), 60, LIMITS)

    assert (found.code, found.told, found.wanted) == (code, told, wanted)
    assert found.at == (AT if told else None)


def test_a_deposit_that_is_not_shown_says_nothing_while_it_is_young() -> None:
    assert seen(deposit(60), None, 60, LIMITS).wanted is False
    assert seen(deposit(2 * HOUR), None, 60, LIMITS).wanted is True


def test_a_deposit_that_was_followed_long_enough_is_over() -> None:
    assert seen(deposit(401 * DAY), None, 60, LIMITS).over
    assert not seen(deposit(399 * DAY), None, 60, LIMITS).over


def event(code: str, second: int) -> StatusEvent:
    at = AT.replace(second=second)
    return StatusEvent(f"{code}-{second}", "p-1", code, code, None, code, at, None, None, None, None, {})


def test_before_a_contradiction_the_status_before_it_held() -> None:
    before = settled_before([event("205", 9), event("203", 1), event("204", 3), event("210", 9)])

    assert before == event("204", 3)
    assert settled_before([event("205", 9)]) is None
    assert settled_before([]) is None
