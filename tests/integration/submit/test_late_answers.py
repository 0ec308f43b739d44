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
