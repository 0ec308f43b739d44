"""Answers that come after their lease was lost, and after the invoice was sent again: what they add, and who learns of it."""

from __future__ import annotations

import json

import pytest

from tests.integration.submit.test_adversary_late import accepted, frozen, not_found
from tests.rows import Rows

OUTCOMES = "select outcome from facteur.attempts order by id"


def outcomes(rows: Rows) -> list[str]:
    return [row.outcome for row in rows.run(OUTCOMES)]


def refuse(rows: Rows, submission_id: int, platform_id: str) -> None:
    move = {"state": "rejected", "error_code": "213", "error_message": "no"}
    update = {"submission_id": submission_id, "platform_id": platform_id, "events": [], "decided_on": 0, "move": move}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))


@pytest.mark.parametrize("when", ["while the second is sent", "after it was accepted"])
def test_that_a_frozen_worker_does_not_know_adds_no_doubt_to_what_was_sent_again(rows: Rows, when: str) -> None:
    """With one, a refusal of P-2 would be nobody's: failed, its id gone, and the buyer's word of it would find no invoice."""
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    second = rows.claim(invoice)

    if when == "after it was accepted":
        accepted(rows, invoice, second, "P-2")
    rows.record(invoice, first, "in_doubt", "unknown", error_code="no_answer")
    if when != "after it was accepted":
        accepted(rows, invoice, second, "P-2")

    assert outcomes(rows) == ["not_found", "accepted"]
    refuse(rows, second.submission_id, "P-2")
    assert (rows.submission(invoice).state, rows.submission(invoice).platform_id) == ("rejected", "P-2")


def test_what_was_not_sent_again_yet_is_looked_up_once_more(rows: Rows) -> None:
    """A worker whose clock stood still might have sent just now: that costs only time."""
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)

    rows.record(invoice, first, "in_doubt", "unknown", error_code="no_answer")

    assert outcomes(rows) == ["unknown"]
    assert (rows.claim(invoice).verdict, rows.submission(invoice).state) == ("postponed", "in_doubt")


def test_a_late_201_counts_though_it_was_not_found(rows: Rows) -> None:
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)

    accepted(rows, invoice, first, "P-1")

    assert (rows.submission(invoice).state, rows.submission(invoice).platform_id) == ("submitted", "P-1")


def two_accepted(rows: Rows, when: str) -> str:
    """P-1 for the first attempt of an invoice and P-2 for the second; its key."""
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    second = rows.claim(invoice)
    if when == "the first answers last":
        accepted(rows, invoice, second, "P-2")
        assert accepted(rows, invoice, first, "P-1") == "late"
    else:
        accepted(rows, invoice, first, "P-1")
        accepted(rows, invoice, second, "P-2")
    return invoice


WHEN = {"the first answers last": "P-2", "the second answers last": "P-1"}  # -> the deposit that the invoice has


@pytest.mark.parametrize("when", list(WHEN))
def test_two_deposits_of_one_invoice_are_a_persons(rows: Rows, when: str) -> None:
    invoice = two_accepted(rows, when)

    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection_code) == ("submitted", WHEN[when], "two_deposits")
    assert "P-1" in after.mismatch
    assert "P-2" in after.mismatch
    assert rows.invoice(invoice).technical_status == "error"
    assert rows.value("select facteur.failed_invoices()") == 1


def test_what_a_status_says_of_one_of_two_deposits_does_not_settle_it(rows: Rows) -> None:
    invoice = two_accepted(rows, "the first answers last")

    update = {"submission_id": rows.submission(invoice).id, "platform_id": "P-2", "events": [], "decided_on": 0}
    update |= {"move": {"state": "submitted"}, "asked_by": "history"}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))
    rows.update(invoice, total=120)
    rows.look()
    rows.write_back()

    assert rows.invoice(invoice).technical_status == "error"


def test_a_look_up_that_finds_two_is_a_persons(rows: Rows) -> None:
    """Both attempts were stored, and a platform that promised not to take a number twice took it twice."""
    invoice = rows.noted()
    frozen(rows, invoice)
    not_found(rows, invoice)
    rows.record(invoice, rows.claim(invoice), "in_doubt", "unknown", error_code="no_answer")
    look_up = rows.claim(invoice)
    made = [row.id for row in rows.run("select id from facteur.attempts order by id")]
    found = [{"attempt_id": made[0], "platform_id": "P-1"}, {"attempt_id": made[1], "platform_id": "P-2"}]
    outcome = {"submission_id": look_up.submission_id, "account": "default", "lease_token": look_up.lease_token}
    outcome |= {"move": {"state": "submitted", "platform_id": "P-1"}, "found": found}

    rows.run("select facteur.record(%(outcome)s::jsonb)", outcome=json.dumps(outcome))

    assert rows.submission(invoice).objection_code == "two_deposits"


def test_the_same_id_for_two_attempts_is_one_deposit(rows: Rows) -> None:
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-1")

    accepted(rows, invoice, first, "P-1")

    assert (rows.submission(invoice).objection, rows.invoice(invoice).technical_status) == (None, "validated")
