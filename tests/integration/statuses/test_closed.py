"""What is heard of a deposit after its follow-up has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facteur.domain.decide_status import merged, rule
from facteur.domain.decision import Limits
from facteur.domain.submission import StatusEvent
from facteur.platforms.iopole.capabilities import CAPABILITIES
from facteur.poll_statuses.store import PostgresStatuses
from tests.rows import Rows

LIMITS = Limits(resend_after_seconds=600, give_up_after_seconds=86400, follow_up_seconds=400 * 86400)


def store(rows: Rows) -> PostgresStatuses:
    paging = CAPABILITIES.search
    assert paging is not None
    return PostgresStatuses(rows.database, requests_per_minute=6000, history_requests_per_minute=6000, paging=paging)


def closed(rows: Rows) -> tuple[str, Any]:
    """An invoice whose deposit was closed while somebody still read its history; its key, and what he reads."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-1")
    rows.advance(10)
    (due,) = store(rows).claim_status_updates(1)
    rows.run("select facteur.close_followed(%(id)s)", id=due.submission_id)
    return invoice, due


def heard(rows: Rows, due: Any, *said: tuple[str, str | None]) -> None:
    events = merged(
        due,
        [
            StatusEvent(
                code, "P-1", code, code, None, code, due.heard_at + timedelta(seconds=n), None, None, reason, None, {}
            )
            for n, (code, reason) in enumerate(said)
        ],
    )
    ruling = rule(due, events, False, LIMITS)
    store(rows).record_status_update(due, events, ruling, decided_on=len(events), asked_by="history", over=False)


def test_a_closed_deposit_that_is_called_a_duplicate_is_looked_up(rows: Rows) -> None:
    invoice, due = closed(rows)

    heard(rows, due, ("213", "DUPLICATED_INVOICE"))

    submission = rows.submission(invoice)
    assert (submission.state, submission.duplicate_verdict) == ("in_doubt", True)
    assert rows.invoice(invoice).technical_status == "pending"
    rows.advance(3600)
    assert rows.claim(invoice).verdict == "claimed"
    assert rows.value("select outcome from facteur.attempts") == "duplicate"


@pytest.mark.parametrize("reason", ["VALIDATION_FAILURE", None])
def test_a_closed_deposit_that_is_refused_is_rejected(rows: Rows, reason: str | None) -> None:
    invoice, due = closed(rows)

    heard(rows, due, ("213", reason))

    assert (rows.states(invoice), rows.invoice(invoice).technical_status) == (["rejected"], "rejected")


def test_a_closed_deposit_that_had_reached_a_status_keeps_it_and_shows_an_error(rows: Rows) -> None:
    invoice, due = closed(rows)

    heard(rows, due, ("202", None), ("213", "DUPLICATED_INVOICE"))

    assert rows.submission(invoice).objection_code == "duplicate"
    assert rows.invoice(invoice).technical_status == "error"
