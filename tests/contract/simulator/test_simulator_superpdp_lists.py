"""SUPER PDP: the list of invoices, its cursors, and how it can lie."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.simulator.client import document
from tests.contract.simulator.superpdp_client import Pdp


def filled(pdp: Pdp, count: int = 5) -> Pdp:
    for rank in range(1, count + 1):
        pdp.deposited(document(f"F-{rank}"), key=f"Key-{rank}")
    return pdp


@pytest.mark.parametrize(
    ("asked", "ids", "before", "after"),
    [
        ({}, [1, 2, 3, 4, 5], False, False),
        ({"limit": 2}, [1, 2], False, True),
        ({"limit": 2, "order": "desc"}, [5, 4], True, False),
        ({"limit": 2, "order": "desc", "ending_before_id": 4}, [3, 2], True, True),
        ({"limit": 2, "starting_after_id": 3}, [4, 5], True, False),
        ({"ending_before_id": 1}, [], False, False),
    ],
)
def test_pages_go_by_cursor(pdp: Pdp, asked: dict[str, Any], ids: list[int], before: bool, after: bool) -> None:
    shown = filled(pdp).listed(**asked)

    assert [each["id"] for each in shown["data"]] == ids
    assert (shown["count"], shown["has_before"], shown["has_after"]) == (5, before, after)


def test_an_external_id_is_listed_and_no_filter(pdp: Pdp) -> None:
    shown = filled(pdp, 2).listed(external_id="Key-1")

    assert [each["external_id"] for each in shown["data"]] == ["Key-1", "Key-2"]


@pytest.mark.parametrize(
    ("asked", "present"),
    [
        ({}, set()),
        ({"expand[]": "events"}, {"events"}),
        ({"expand[]": ["en_invoice", "events"]}, {"events", "en_invoice"}),
    ],
)
def test_what_is_long_is_listed_only_where_it_is_asked_for(pdp: Pdp, asked: dict[str, Any], present: set[str]) -> None:
    shown = filled(pdp, 1).listed(**asked)["data"][0]

    assert set(shown) & {"events", "en_invoice"} == present


def test_parts_of_a_document_are_shown_where_they_are_asked_for(pdp: Pdp) -> None:
    shown = filled(pdp, 1).listed(**{"expand[]": ["en_invoice", "en_invoice.buyer"]})["data"][0]["en_invoice"]

    assert set(shown) & {"seller", "buyer", "lines"} == {"buyer"}


def test_both_directions_are_listed_unless_one_is_named(pdp: Pdp) -> None:
    filled(pdp, 1)
    pdp.simulator.add_foreign_invoice("R-1", direction="INBOUND")

    assert (pdp.ids(), pdp.ids(direction="out"), pdp.ids(direction="in")) == ([1, 2], [1], [2])


def test_a_period_narrows_the_list(pdp: Pdp) -> None:
    created = filled(pdp, 1).listed()["data"][0]["created_at"]

    assert [pdp.ids(date=each) for each in (created[:4], created[:7], created[:10], "1999")] == [[1], [1], [1], []]


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"order": "up"}, {"direction": "both"}, {"date": "May"},
        {"starting_after_id": "x"}, {"starting_after_id": 1, "ending_before_id": 3},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_400(pdp: Pdp, asked: dict[str, Any]) -> None:
    answer = filled(pdp, 1).get("invoices", **asked)

    assert (answer.status_code, answer.json()["http_status_code"]) == (400, 400)


def test_a_fresh_deposit_is_listed_after_the_lag(pdp: Pdp) -> None:
    pdp.simulator.configure(search_lag=60)
    filled(pdp, 1)

    young = pdp.ids()
    pdp.simulator.advance(61)

    assert (young, pdp.ids()) == ([], [1])
    assert pdp.get("invoices/1").status_code == 200


@pytest.mark.parametrize(
    ("how", "shown"),
    [("absent", "-"), ("null", None), ("empty", ""), ("upper", "KEY-1"), ("lower", "key-1"), ("spaces", " Key-1 ")],
)
def test_an_external_id_is_shown_as_badly_as_wanted(pdp: Pdp, how: str, shown: object) -> None:
    pdp.simulator.configure(external_id_shown=how)
    filled(pdp, 1)

    assert pdp.listed()["data"][0].get("external_id", "-") == shown
    assert pdp.get("invoices/1").json().get("external_id", "-") == shown


def test_an_external_id_can_be_cut(pdp: Pdp) -> None:
    pdp.simulator.configure(external_id_shown="truncated")
    pdp.deposited(key="0198c0de-0000-7000-8000-00000000beef")

    assert pdp.listed()["data"][0]["external_id"] == "0198c0de-0"


@pytest.mark.parametrize(
    ("switches", "ids"),
    [
        ({"search_shift": 1}, [2, 1]),
        ({"search_shift": -1}, [4, 3, 2]),
        ({"search_cap": 1}, [3]),
        ({"search_most": 3}, [3]),
        ({"cursor": "ignored"}, [5, 4, 3]),
        ({"cursor": "inclusive"}, [4, 3, 2]),
        ({"list_order": "asc"}, [1, 2, 3]),
        ({"search_hides": ["number:F-2"]}, [3, 1]),
        ({"search_hides": ["all"]}, []),
    ],
)
def test_a_list_lies_as_wanted(pdp: Pdp, switches: dict[str, Any], ids: list[int]) -> None:
    filled(pdp).simulator.configure(**switches)

    assert pdp.ids(order="desc", limit=3, ending_before_id=4) == ids


def test_a_cursor_can_be_refused(pdp: Pdp) -> None:
    filled(pdp).simulator.configure(cursor="refused")

    assert pdp.get("invoices", starting_after_id=1).status_code == 400
    assert pdp.get("invoice_events", starting_after_id=1).status_code == 400
    assert len(pdp.ids()) == 5


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ("right", (False, True)),
        ("never", (False, False)),
        ("always", (True, True)),
        ("absent", ()),
        ("text", ("false", "true")),
    ],
)
def test_what_is_said_of_further_pages_can_lie(pdp: Pdp, how: str, shown: tuple[object, ...]) -> None:
    filled(pdp).simulator.configure(has_more=how)

    answer = pdp.listed(limit=2)

    assert tuple(answer[key] for key in ("has_before", "has_after") if key in answer) == shown


@pytest.mark.parametrize(
    ("kind", "count"),
    [("total", 5), ("page", 2), ("zero", 0), ("short", 4), ("long", 12), ("text", "5"), ("none", "-")],
)
def test_the_count_can_lie(pdp: Pdp, kind: str, count: object) -> None:
    filled(pdp).simulator.configure(search_count=kind)

    assert pdp.listed(limit=2).get("count", "-") == count


def test_words_dates_and_fields_can_be_odd(pdp: Pdp) -> None:
    filled(pdp, 1).simulator.configure(
        spellings=["out=OUT"], status_dates=["createDate@null"], list_omits=["company_id"]
    )

    shown = pdp.listed()["data"][0]

    assert (shown["direction"], shown["created_at"], "company_id" in shown) == ("OUT", None, False)


@pytest.mark.parametrize(("code", "status"), [(404, 404), (400, 400), (403, 403)])
def test_an_unknown_id_is_refused_with_a_code_that_can_be_chosen(pdp: Pdp, code: int, status: int) -> None:
    pdp.simulator.configure(unknown_id=code)

    assert [pdp.get(f"invoices/{each}").status_code for each in ("7", "7/download", "x")] == [status] * 3


def test_one_request_can_lie_alone(pdp: Pdp) -> None:
    filled(pdp).simulator.script_endpoint("invoices", ["search_hides=all+has_more=never"])

    assert (pdp.ids(), pdp.ids()) == ([], [1, 2, 3, 4, 5])
