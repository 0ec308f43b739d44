"""The oldest flows of a search in any order: nothing before their end is missing, in few questions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facteur.platforms.afnor.oldest import Oldest
from facteur.platforms.afnor.pages import Found, written
from facteur.platforms.afnor.reading import Flow, flow_in

BEGAN = datetime(2026, 10, 12, 8, tzinfo=UTC)
ORDERS = ("oldest", "newest", "shuffled")


class Search:
    """Flows in memory, as a platform shows them: in an order, so many on a page, with or without notice of where a page is to end."""

    def __init__(self, flows: Sequence[Flow], order: str, most: int, *, heeds_ends: bool = True) -> None:
        self._flows, self._most, self._heeds_ends, self.asked = flows, most, heeds_ends, 0
        dice = random.Random(4)  # noqa: S311  repeatable
        shuffled = {each.flow_id: rank for rank, each in enumerate(dice.sample(flows, len(flows)))}
        keys = {"oldest": at, "newest": lambda flow: BEGAN - at(flow), "shuffled": lambda flow: shuffled[flow.flow_id]}
        self._key: Any = keys[order]

    def ask(self, where: Mapping[str, Any]) -> Found:
        self.asked += 1
        after = datetime.fromisoformat(where["updatedAfter"])
        before = datetime.fromisoformat(where.get("updatedBefore", "9999-01-01T00:00:00Z"))
        shown = [each for each in self._flows if after < at(each) and (at(each) < before or not self._heeds_ends)]
        return Found(tuple(sorted(shown, key=self._key)[: self._most]), None, None)

    def first(self, oldest: Oldest, after: datetime = BEGAN) -> Found:
        where = {"updatedAfter": written(after)}
        return oldest.first(self.ask(where), where, after, lambda: True)[0]


def at(flow: Flow) -> datetime:
    assert flow.updated_at
    return flow.updated_at


def flows(seconds: Sequence[float]) -> list[Flow]:
    return [
        flow_in({"flowId": str(rank), "updatedAt": written(BEGAN + timedelta(seconds=each))})
        for rank, each in enumerate(seconds)
    ]


def spread(count: int) -> list[float]:
    """Crowds of a few seconds, and hours with nothing."""
    dice = random.Random(count)  # noqa: S311  repeatable
    return [dice.choice((1, 4000, 4001, 90_000)) + round(dice.random(), 3) for _ in range(count)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("most", [4, 20, 100])
@pytest.mark.parametrize("count", [1, 7, 60, 400])
def test_nothing_before_their_end_is_missing(order: str, most: int, count: int) -> None:
    everything = flows(spread(count))
    search = Search(everything, order, most)
    oldest, after, seen = Oldest(search.ask, lambda _: True), BEGAN, set[str | None]()

    while (found := search.first(oldest, after)).flows:
        after = max(map(at, found.flows))
        seen |= found.ids
        assert seen == {each.flow_id for each in everything if at(each) <= after}

    assert len(seen) == count


@pytest.mark.parametrize("order", ["newest", "shuffled"])
def test_the_oldest_of_very_many_are_few_questions_away(order: str) -> None:
    search = Search(flows([each * 8.0 for each in range(1, 10_001)]), order, 100)

    found = search.first(Oldest(search.ask, lambda _: True))

    assert "0" in found.ids
    assert search.asked < 15


@pytest.mark.parametrize("order", ORDERS)
def test_an_instant_with_more_flows_than_a_page_has_an_end(order: str) -> None:
    search = Search(flows([5.0] * 30 + [9.0] * 30), order, 20)

    found = search.first(Oldest(search.ask, lambda _: True))

    assert {at(each) for each in found.flows} == {BEGAN + timedelta(seconds=5)}
    assert search.asked < 10


def test_an_end_that_nobody_heeds_has_an_end() -> None:
    search = Search(flows(spread(30)), "newest", 100, heeds_ends=False)

    found = search.first(Oldest(search.ask, lambda _: True))

    assert len(found.flows) == 30
    assert search.asked < 10


def test_an_order_that_was_kept_costs_no_more_questions() -> None:
    search = Search(flows(spread(60)), "oldest", 20)
    oldest = Oldest(search.ask, lambda found: len(found.flows) >= 20)
    search.first(oldest)
    before = search.asked

    search.first(oldest)

    assert search.asked == before + 1
