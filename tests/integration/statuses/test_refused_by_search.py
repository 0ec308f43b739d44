"""A deposit that was rejected for what the search showed, and the buyer's word that a history brings later; and two readers at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from facteur.domain.decide_status import merged, rule, rule_unread
from facteur.domain.decision import Limits
from facteur.domain.submission import Due, StatusEvent
from facteur.platforms.iopole.capabilities import SEARCH
from facteur.poll_statuses.store import PostgresStatuses
from tests.rows import Rows

LIMITS = Limits(600, 86_400, 400 * 86_400)
AN_HOUR = 3700
ACT = json.dumps({"who": "somebody", "why": "asked them", "operation": "adopt"})


@pytest.fixture
def statuses(rows: Rows) -> PostgresStatuses:
    return PostgresStatuses(rows.database, requests_per_minute=6000, history_requests_per_minute=6000, paging=SEARCH)


def deposited(rows: Rows) -> str:
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-1")
    return invoice


def refused_by_search(rows: Rows, statuses: PostgresStatuses, *heard_before: str) -> str:
    """Its search has shown 213 for an hour, and no history does."""
    invoice = deposited(rows)
    seen: dict[str, Any] = {
        "id": rows.submission(invoice).id, "platform_id": "P-1", "code": "213", "at": None, "is_status": True, "created_at": None,
        "due_in": 60, "rank": 0, "wanted_every": None, "over": False, "state": None, "number": None,
    }  # fmt: skip
    rows.run("select * from facteur.record_sweep('default', %(seen)s::jsonb)", seen=json.dumps([seen]))
    (due,) = statuses.claim_histories(1)
    for code in heard_before:
        hear(rows, statuses, due, code)
    rows.advance(AN_HOUR)
    (due,) = statuses.unread_verdicts(10)
    ruling = rule_unread(due, LIMITS)
    assert ruling
    statuses.record_status_update(due, [], ruling, decided_on=len(due.known), asked_by="nobody", over=False)
    assert rows.states(invoice) == ["rejected"]
    return invoice


def event(rows: Rows, code: str) -> StatusEvent:
    at = datetime.fromisoformat(rows.value("select facteur.now()::text"))
    reason = "VALIDATION_FAILURE" if code == "213" else None
    return StatusEvent(f"P-1 {code}", "P-1", code, code, None, code, at, None, None, reason, None, {})


def hear(rows: Rows, statuses: PostgresStatuses, due: Due, *codes: str, asked_by: str = "sweep") -> Any:
    """One ruling, as a poll makes it."""
    events = merged(due, [event(rows, code) for code in codes])
    ruling = rule(due, events, False, LIMITS)
    new = events[len(due.known) :]
    return statuses.record_status_update(due, new, ruling, decided_on=len(events), asked_by=asked_by, over=False)


def wanted(rows: Rows, statuses: PostgresStatuses) -> Due:
    rows.advance(AN_HOUR)
    (due,) = statuses.claim_histories(1)
    return due


@pytest.mark.parametrize("code", ["205", "210"])
def test_a_buyers_word_that_comes_later_contradicts_it(rows: Rows, statuses: PostgresStatuses, code: str) -> None:
    """Its row said rejected: corrected, it would have been sent beside a deposit that the buyer takes."""
    invoice = refused_by_search(rows, statuses)

    hear(rows, statuses, wanted(rows, statuses), code)

    submission = rows.submission(invoice)
    assert (submission.state, submission.objection_code) == ("submitted", "contradictory_statuses")
    assert rows.invoice(invoice).technical_status == "error"
    found = json.dumps({"platform_id": "P-1"})
    rows.run("select facteur.adopt(%(id)s, %(found)s::jsonb, %(act)s::jsonb)", id=submission.id, found=found, act=ACT)
    rows.advance(AN_HOUR)
    assert (rows.invoice(invoice).technical_status, statuses.unread_verdicts(10)) == ("validated", [])


def test_one_that_was_pulled_meanwhile_is_found_in_the_next_history(rows: Rows, statuses: PostgresStatuses) -> None:
    invoice = refused_by_search(rows, statuses)
    rows.advance(1)
    pulled(rows, statuses, wanted(rows, statuses), "205")
    assert rows.states(invoice) == ["rejected"]

    hear(rows, statuses, wanted(rows, statuses), "205")

    assert rows.submission(invoice).objection_code == "contradictory_statuses"


@pytest.mark.parametrize("code", ["204", "203"])
def test_what_was_known_before_and_what_is_no_buyers_word_contradict_nothing(
    rows: Rows, statuses: PostgresStatuses, code: str
) -> None:
    invoice = refused_by_search(rows, statuses, "205")

    hear(rows, statuses, wanted(rows, statuses), "205", *(["203"] if code == "203" else []))

    submission = rows.submission(invoice)
    assert (submission.state, submission.last_error_code, submission.objection) == (
        "rejected",
        "reason_not_known",
        None,
    )


def test_a_corrected_invoice_that_was_opened_since_stops(rows: Rows, statuses: PostgresStatuses) -> None:
    invoice = refused_by_search(rows, statuses)
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert rows.states(invoice) == ["rejected", "pending"]

    hear(rows, statuses, wanted(rows, statuses), "205")

    assert rows.states(invoice) == ["rejected", "failed"]
    assert rows.submission(invoice).last_error_code == "predecessor_taken"


def pulled(rows: Rows, statuses: PostgresStatuses, due: Due, code: str) -> Any:
    """Stored by a reader who knew of nothing else."""
    nobody = Due(due.submission_id, due.account, due.platform_id, None, due.age_seconds, due.heard_at, due.deposited_at)
    return hear(rows, statuses, nobody, code, asked_by="pull")


def test_one_whose_buyers_word_was_pulled_before_it_was_opened_stops_too(
    rows: Rows, statuses: PostgresStatuses
) -> None:
    """The history that follows stores nothing: it is the first to know all. What a person settles then does not come up again."""
    invoice = refused_by_search(rows, statuses)
    due = wanted(rows, statuses)
    pulled(rows, statuses, due, "205")
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert rows.states(invoice) == ["rejected", "pending"]

    due = wanted(rows, statuses)
    hear(rows, statuses, due, "205")

    assert rows.states(invoice) == ["rejected", "failed"]
    rows.run("select facteur.retry(%(id)s, %(act)s::jsonb)", id=rows.submission(invoice).id, act=ACT)
    rows.look()
    hear(rows, statuses, due, "205")
    assert rows.states(invoice) == ["rejected", "failed", "pending"]


def refused_beside_a_slow_reader(rows: Rows, statuses: PostgresStatuses) -> tuple[str, Due]:
    """Another reader has heard 213 meanwhile; the invoice, and what the slow one was to read."""
    invoice = deposited(rows)
    rows.advance(10)
    (slow,) = statuses.claim_status_updates(1)
    rows.advance(130)
    (fast,) = statuses.claim_status_updates(1)
    hear(rows, statuses, fast, "213", asked_by="history")
    return invoice, slow


@pytest.mark.parametrize("sent", [False, True])
def test_a_slow_readers_second_ruling_stops_what_was_opened_meanwhile(
    rows: Rows, statuses: PostgresStatuses, sent: bool
) -> None:
    invoice, slow = refused_beside_a_slow_reader(rows, statuses)
    rows.update(invoice, technical_status="pending")
    rows.look()
    if sent:
        rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-2")

    stored = hear(rows, statuses, slow, "205", asked_by="history")
    hear(rows, statuses, replace(slow, known=stored.known), asked_by="history")

    submission = rows.submission(invoice)
    assert submission.objection_code == "predecessor_taken"
    assert (submission.state, rows.invoice(invoice).technical_status) == ("submitted" if sent else "failed", "error")


def test_a_slow_reader_rules_once_more_on_all_that_is_known(rows: Rows, statuses: PostgresStatuses) -> None:
    """He has heard 205, and another reader 213: his own ruling knew nothing of it, and the row stayed rejected."""
    invoice, slow = refused_beside_a_slow_reader(rows, statuses)
    assert rows.states(invoice) == ["rejected"]

    stored = hear(rows, statuses, slow, "205", asked_by="history")

    assert [each.code for each in stored.known] == ["213", "205"]
    hear(rows, statuses, replace(slow, known=stored.known), asked_by="history")
    assert (rows.submission(invoice).state, rows.submission(invoice).objection_code) == (
        "submitted",
        "contradictory_statuses",
    )
