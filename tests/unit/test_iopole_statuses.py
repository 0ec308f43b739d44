"""How Iopole's search is asked for many deposits at once, and what its answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from facteur.errors import PlatformBusyError
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.capabilities import SEARCH
from facteur.platforms.iopole.statuses import WITH_STATUS, Searched, page_of, unseen_statuses

AT = datetime(2026, 10, 12, 8, 15, 30, 412000, tzinfo=UTC)
ENTRY = {
    "metadata": {"invoiceId": "p-1", "state": "DELIVERED", "date": "2026-10-10T09:00:00.000Z"},
    "lastStatusData": {"code": "MADE_AVAILABLE", "state": "DELIVERED", "date": "2026-10-12T08:15:30.412Z"},
}


def answer(status: int, body: Any = None) -> HttpAnswer:
    return HttpAnswer(status, {}, json.dumps({"data": []} if body is None else body).encode())


class Account:
    """An account that refuses queries in which one of these words occurs, or that are too long."""

    def __init__(self, *refused: str, longest: int = 10_000, entries: list[Any] | None = None) -> None:
        self.refused, self.longest, self.entries = refused, longest, entries or []
        self.asked: list[str] = []

    def __call__(self, params: dict[str, str]) -> HttpAnswer:
        self.asked.append(params["q"])
        bad = any(word in params["q"] for word in self.refused) or len(params["q"]) > self.longest
        return answer(400 if bad else 200, {"data": self.entries})


def test_a_time_is_asked_for_in_whole_seconds_that_hold_it() -> None:
    account = Account()

    Searched(account, WITH_STATUS).between(AT, AT, 0)

    assert account.asked == [
        'invoice.direction:"OUTBOUND" AND invoice.createdDate:>="2026-10-12 08:15:30" AND invoice.createdDate:<="2026-10-12 08:15:31"'
    ]


def test_what_an_account_refuses_is_not_asked_again() -> None:
    account = Account("direction", "invoice.")
    searched = Searched(account, WITH_STATUS)

    first, second = searched.between(AT, AT, 0), searched.between(AT, AT, 0)

    assert first == second
    assert first is not None
    assert len(account.asked) == 4


def test_an_account_without_dates_says_so() -> None:
    assert Searched(Account("reatedDate"), WITH_STATUS).between(AT, AT, 0) is None


def test_as_many_numbers_are_asked_for_as_a_query_holds() -> None:
    account = Account()

    page = Searched(account, WITH_STATUS).under([f"F-2026-{n:05}" for n in range(500)], 0)

    assert 167 <= page.numbers < 500
    assert account.asked[0].count(" OR ") == page.numbers - 1


def test_one_number_is_asked_for_however_long_it_is() -> None:
    assert Searched(Account(), WITH_STATUS).under(["é" * 5000, "F-2"], 0).numbers == 1


def test_a_server_that_takes_only_short_queries_gets_short_ones() -> None:
    account = Account(longest=1000)
    searched = Searched(account, WITH_STATUS)

    assert 1 < searched.under([f"F-{n}" for n in range(400)], 0).numbers < 60
    asked = len(account.asked)
    searched.under([f"F-{n}" for n in range(400)], 0)
    assert len(account.asked) == asked + 1


def test_quotes_and_backslashes_in_a_number_stay_within_it() -> None:
    account = Account()

    Searched(account, WITH_STATUS).under(['F"1', "F\\2"], 0)

    assert account.asked == ['invoice.invoiceId:"F\\"1" OR invoice.invoiceId:"F\\\\2"']


def test_a_search_that_is_refused_in_every_way_is_no_empty_one() -> None:
    with pytest.raises(PlatformBusyError, match="refuses to search by number"):
        Searched(Account(":"), WITH_STATUS).under(["F-1"], 0)


@pytest.mark.parametrize("body", [{"data": [ENTRY] * SEARCH.page}, [ENTRY] * SEARCH.page])
def test_a_page_is_read_whole_whatever_holds_it(body: Any) -> None:
    answered = Searched(lambda params: answer(200, body), WITH_STATUS).between(AT, AT, 0)

    assert answered is not None
    page = page_of(answered)
    assert len(page.sightings) == len(page.ids) == SEARCH.page
    first = page.sightings[0]
    assert (first.platform_id, first.code, first.at, first.state) == ("p-1", "203", AT, "DELIVERED")
    assert first.created_at == datetime(2026, 10, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry", [None, 7, {}, {"metadata": None}, {"metadata": {"invoiceId": ""}}, {"metadata": [], "lastStatusData": 3}]
)
def test_an_entry_that_names_no_deposit_is_left_out(entry: Any) -> None:
    account = Account(entries=[entry, {"metadata": {"invoiceId": "p-2"}, "lastStatusData": "odd"}])
    page = page_of(Searched(account, WITH_STATUS).under(["F"], 0))

    assert [(each.platform_id, each.code) for each in page.sightings] == [("p-2", None)]


STATUS = {"statusId": "s-1", "invoiceId": None, "date": "2026-10-12T08:15:30.412Z", "status": {"code": "REFUSED"}}


@pytest.mark.parametrize(
    "body",
    [
        [{"invoiceId": "p-1", "newstatus": [STATUS]}],
        [{"invoiceId": "p-1", "newStatus": [STATUS]}],
        [STATUS | {"invoiceId": "p-1"}],
        {"data": [None, {"invoiceId": "p-1", "newstatus": [STATUS, None, 5]}]},
    ],
)
def test_unseen_statuses_come_in_three_shapes(body: Any) -> None:
    (event,), full = unseen_statuses(answer(200, body))

    assert not full
    assert (event.status_id, event.platform_id, event.code) == ("s-1", "p-1", "210")
