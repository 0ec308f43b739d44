"""SUPER PDP: the feed of events, how it can lie, and what a client adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.simulator.client import document
from tests.contract.simulator.superpdp_client import Pdp

AMOUNT = {
    "type_code": "MEN",
    "amount": "100.00",
    "currency_code": "EUR",
    "value_percent": "20.00",
    "date": "2026-09-27",
}
OLDER = {"type_code": "MEN", "net_amount": "100.00", "currency_code": "EUR", "vat_rate": "20.00"}


def ids(events: list[dict[str, Any]]) -> list[int]:
    return [each["id"] for each in events]


def test_numbers_go_up_over_all_invoices_and_both_directions(pdp: Pdp) -> None:
    pdp.deposited(document("F-1"))
    pdp.simulator.add_foreign_invoice("R-1", direction="INBOUND")
    pdp.simulator.advance(5)
    pdp.deposited(document("F-2"))

    events = pdp.events()

    assert ids(events) == sorted(set(ids(events)))
    assert {each["invoice_id"] for each in events} == {1, 2, 3}
    assert "api:received" in pdp.codes(2)


def test_a_page_begins_after_the_cursor_and_says_whether_there_is_more(pdp: Pdp) -> None:
    pdp.deposited()
    pdp.simulator.advance(5)
    everything = ids(pdp.events())

    first = pdp.get("invoice_events", limit=2).json()
    last = pdp.get("invoice_events", starting_after_id=everything[-3], limit=2).json()

    assert (ids(first["data"]), first["has_after"]) == (everything[:2], True)
    assert (ids(last["data"]), last["has_after"]) == (everything[-2:], False)
    assert set(first) == {"data", "has_after"}
    assert pdp.get("invoice_events", limit=1001).status_code == 400


def test_an_event_gets_its_number_when_it_happens(pdp: Pdp) -> None:
    pdp.deposited()
    seen = ids(pdp.events())[-1]
    pdp.simulator.add_status("1", "REFUSED", at_offset=-3600, reason="NON_CONFORME")

    later = pdp.events(starting_after_id=seen)

    assert [each["status_code"] for each in later] == ["fr:210"]


def test_a_buyers_decision_comes_with_its_reason(pdp: Pdp) -> None:
    number = pdp.deposited(document(buyer="210000005"))
    pdp.simulator.advance(100)

    last = pdp.events(invoice_id=number)[-1]

    assert (last["status_code"], last["data"]["reason"].partition(":")[0]) == ("fr:210", "NON_CONFORME")


def test_a_late_event_shows_after_higher_numbers(pdp: Pdp) -> None:
    pdp.simulator.configure(events_late=0.5, events_late_seconds=60)
    pdp.deposited()
    pdp.simulator.advance(5)
    before = ids(pdp.events())
    pdp.simulator.advance(60)

    late = set(ids(pdp.events())) - set(before)

    assert late
    assert min(late) < max(before)


def test_deleted_events_are_skipped_by_a_cursor_that_points_at_them(pdp: Pdp) -> None:
    pdp.deposited()
    pdp.simulator.advance(5)
    pdp.simulator.configure(events_gone=3)

    assert ids(pdp.events(starting_after_id=1)) == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("switches", "found"),
    [
        ({"event_ids": "text"}, ["1", "2", "3"]),
        ({"event_ids": "constant"}, [1, 1, 1]),
        ({"event_ids": "twice"}, [1, 1, 2]),
        ({"events_order": "reversed"}, [3, 2, 1]),
        ({"history_lag": 3600}, []),
        ({"cursor": "ignored"}, [1, 2, 3]),
        ({"search_cap": 1}, [1]),
    ],
)
def test_the_feed_lies_as_wanted(pdp: Pdp, switches: dict[str, Any], found: list[object]) -> None:
    pdp.deposited()
    pdp.simulator.advance(5)
    pdp.simulator.configure(**switches)

    assert [each["id"] for each in pdp.events(limit=3)] == found


def test_events_of_invoices_that_nobody_knows_stand_between_the_others(pdp: Pdp) -> None:
    pdp.simulator.configure(events_strange=2)
    pdp.deposited()

    strange = pdp.events()[1]["invoice_id"]

    assert [each["invoice_id"] == 1 for each in pdp.events()] == [True, False, False]
    assert pdp.get(f"invoices/{strange}").status_code == 404


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"lifecycle_twists": ["unknown_codes"]}, "api:teleported"),
        ({"lifecycle_twists": ["contradictory"]}, "fr:207"),
        ({"spellings": ["fr:203=FR-203"]}, "FR-203"),
    ],
)
def test_codes_can_be_odd(pdp: Pdp, switches: dict[str, Any], code: str) -> None:
    pdp.simulator.configure(**switches)
    number = pdp.deposited()
    pdp.simulator.advance(5)

    assert code in pdp.codes(number)


def test_a_code_can_come_twice_and_without_the_administrations(pdp: Pdp) -> None:
    pdp.simulator.configure(lifecycle_twists=["twice"], ppf_events=False)
    number = pdp.deposited()
    pdp.simulator.advance(5)

    assert pdp.codes(number)[:3] == ["api:uploaded", "fr:200", "fr:200"]
    assert not any(each.startswith("ppf:") for each in pdp.codes(number))


def test_any_code_can_be_added(pdp: Pdp) -> None:
    number = pdp.deposited()
    pdp.simulator.add_status(str(number), "fr:220")

    assert pdp.codes(number)[-1] == "fr:220"


def test_dates_and_fields_can_be_odd(pdp: Pdp) -> None:
    pdp.simulator.configure(status_dates=["api:uploaded@text"], event_omits=["status_text"])
    pdp.deposited()

    event = pdp.events()[0]

    assert (event["created_at"], "status_text" in event) == ("yesterday", False)


@pytest.mark.parametrize("quotes", ["statuses", "codes"])
def test_what_was_sent_can_be_quoted(pdp: Pdp, quotes: str) -> None:
    pdp.simulator.configure(quotes=[quotes])
    pdp.deposited()

    assert pdp.headers["Authorization"] in str(pdp.events())


@pytest.mark.parametrize("details", [[{"reported_data": [AMOUNT]}], [{"amounts": [OLDER]}], None])
def test_a_payment_is_taken_in_either_vocabulary_and_stands_in_the_feed(pdp: Pdp, details: Any) -> None:
    number = pdp.deposited()

    answer = pdp.send(number, "fr:212", **({"details": details} if details else {}))

    last = pdp.events()[-1]
    assert answer.status_code == 200
    assert (last["id"], last["status_code"], last.get("details")) == (answer.json()["id"], "fr:212", details)


def test_a_payment_sent_twice_is_there_twice(pdp: Pdp) -> None:
    number = pdp.deposited()

    first, second = (pdp.send(number, "fr:212").json()["id"] for _ in range(2))

    assert first != second
    assert pdp.codes(number).count("fr:212") == 2


@pytest.mark.parametrize(
    ("code", "more", "message"),
    [
        ("fr:213", {}, "must be one of"),
        ("fr:205", {}, "not yours to send"),
        ("fr:212", {"details": [{"reason": "X"}]}, "BR-FR-CDV-14"),
        ("fr:212", {"details": [{"reported_data": [{**AMOUNT, "amount": 100}]}]}, "amount must be strings"),
        ("fr:212", {"details": [{"reported_data": [{**AMOUNT, "type_code": "MPA"}]}]}, "BR-FR-CDV-14"),
        ("fr:212", {"details": "all"}, "a list of objects"),
    ],
)
def test_a_status_that_may_not_be_sent_is_400(pdp: Pdp, code: str, more: dict[str, Any], message: str) -> None:
    number = pdp.deposited()

    answer = pdp.send(number, code, **more)

    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert code not in pdp.codes(number)


def test_a_buyer_must_say_why(pdp: Pdp) -> None:
    pdp.simulator.add_foreign_invoice("R-1", direction="INBOUND")

    assert "BR-FR-CDV-15" in pdp.send(1, "fr:210").json()["message"]
    assert pdp.send(1, "fr:210", details=[{"reason": "NON_CONFORME"}]).status_code == 200
    assert pdp.events()[-1]["data"] == {"reason": "NON_CONFORME"}


def test_attachments_are_listed_by_name(pdp: Pdp) -> None:
    number = pdp.deposited()

    shown = pdp.send(number, "fr:209", attachments=[{"filename": "proof.pdf", "content": "eA=="}]).json()

    assert shown["attachments"] == [{"index": 0, "file_name": "proof.pdf"}]


@pytest.mark.parametrize("body", [[], {"status_code": "fr:212"}, {"invoice_id": "1", "status_code": "fr:212"}])
def test_a_body_that_is_no_status_is_400(pdp: Pdp, body: Any) -> None:
    url = f"{pdp.simulator.base_url}/v1.beta/invoice_events"

    assert pdp.session.post(url, headers=pdp.headers, json=body, timeout=10).status_code == 400
    assert pdp.session.post(url, headers=pdp.headers, data=b"{", timeout=10).status_code == 400
    assert pdp.send(99, "fr:212").json()["message"] == "no matching invoice found"
