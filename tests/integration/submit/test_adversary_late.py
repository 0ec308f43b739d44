"""What an adversary found: answers that come after their lease was lost, and the statuses of a deposit that was one too many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facteur.domain.decide_look_up import (
    after_look_up,
    lasted,
)
from facteur.domain.decision import Limits
from facteur.domain.evidence import (
    Evidence,
)
from facteur.domain.submission import State
from tests.rows import Rows

LEASE_OVER = 61
LIMITS = Limits(resend_after_seconds=600, give_up_after_seconds=259200, follow_up_seconds=34560000)
HISTORY = """
create table public.written (code text);
create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz)
    returns void language sql security definer as 'insert into public.written values ($2)'
"""


def noted(rows: Rows) -> str:
    """An invoice with a pending submission; its key."""
    invoice = rows.finish()
    rows.look()
    return invoice


def frozen(rows: Rows, invoice: str) -> Any:
    """The claim of a worker that froze with its deposit under way, until its lease was over."""
    claim = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    return claim


def not_found(rows: Rows, invoice: str) -> None:
    """Looked up often enough: it is sent again."""
    rows.record(invoice, rows.claim(invoice), "pending")


def refused(rows: Rows, invoice: str, claim: Any) -> str:
    return rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")


def accepted(rows: Rows, invoice: str, claim: Any, platform_id: str) -> str:
    return rows.record(invoice, claim, "submitted", "accepted", platform_id=platform_id)


def status(code: str, reason: str | None = None, platform_id: str = "P-second") -> dict[str, Any]:
    return {
        "status_id": f"{platform_id} {code}", "code": code, "platform_code": code, "label": code, "reason": reason,
        "occurred_at": f"2026-10-01T10:00:{int(code) % 60:02}Z", "raw": {},
    }  # fmt: skip


def said(rows: Rows, invoice: str, events: list[dict[str, Any]], move: dict[str, Any]) -> None:
    """The platform shows the history of the submission's deposit."""
    submission = rows.submission(invoice)
    newest = {"code": events[-1]["code"], "at": events[-1]["occurred_at"]}
    update = {"submission_id": submission.id, "platform_id": submission.platform_id, "events": events}
    rows.run(
        "select facteur.record_status_update(%(n)s::jsonb)", n=json.dumps(update | {"newest": newest, "move": move})
    )


def test_a_late_201_outweighs_the_refusal_of_what_was_sent_after_it(rows: Rows) -> None:
    invoice = noted(rows)
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    refused(rows, invoice, rows.claim(invoice))
    assert rows.invoice(invoice).technical_status == "rejected"

    accepted(rows, invoice, first, "P-first")

    assert rows.states(invoice) == ["submitted"]
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-first")


def test_a_late_201_of_an_earlier_submission_outweighs_a_later_ones_refusal(rows: Rows) -> None:
    invoice = noted(rows)
    first = frozen(rows, invoice)
    rows.record(invoice, rows.claim(invoice), "failed", error_code="given_up", error_message="nobody answers")
    rows.update(invoice, technical_status="pending")
    rows.look()
    not_found(rows, invoice)
    second = rows.claim(invoice)

    accepted(rows, invoice, first, "P-first")
    refused(rows, invoice, second)

    assert rows.states(invoice) == ["failed", "submitted"]
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-first")


def test_a_late_201_wakes_no_submission_that_the_platform_itself_rejected_later(rows: Rows) -> None:
    """It is a person's: which of both holds is not known, and its reason stays."""
    invoice = noted(rows)
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-second")
    rejection = status("213", "CALCULATION_ERROR")
    said(rows, invoice, [rejection], {"state": "rejected", "error_code": "213", "error_message": "no"})

    accepted(rows, invoice, first, "P-first")

    after = rows.submission(invoice)
    assert (rows.states(invoice), after.platform_id, after.last_error_code) == (["failed"], None, "two_deposits")
    assert after.last_error_message.endswith("This one: no")


def test_a_duplicate_verdict_gives_way_to_the_first_deposit_whose_201_came_late(rows: Rows) -> None:
    invoice = noted(rows)
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-second")
    assert accepted(rows, invoice, first, "P-first") == "late"

    verdict = status("213", "DUPLICATED_INVOICE")
    said(rows, invoice, [verdict], {"state": "in_doubt", "duplicate_verdict": True, "due_in_seconds": 0})
    look_up = rows.claim(invoice)
    doubt = rows.submissions.doubt(look_up.submission_id)
    found = after_look_up(doubt, Evidence(), lasted(doubt, None, LIMITS), LIMITS)
    assert (found.state, found.platform_id) == (State.SUBMITTED, "P-first")

    rows.record(invoice, look_up, "submitted", platform_id="P-first")
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-first")
    assert rows.submission(invoice).lifecycle_code is None


def test_the_statuses_of_a_duplicate_stay_out_of_the_companys_history(rows: Rows) -> None:
    rows.run(HISTORY)
    invoice = noted(rows)
    first = rows.claim(invoice)
    rows.record(invoice, first, "in_doubt", "unknown")
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-second")

    verdict = status("213", "DUPLICATED_INVOICE")
    said(rows, invoice, [verdict], {"state": "in_doubt", "duplicate_verdict": True, "due_in_seconds": 0})
    look_up = rows.claim(invoice)
    rows.record(invoice, look_up, "submitted", platform_id="P-first")
    said(rows, invoice, [status("200", platform_id="P-first")], {"state": "submitted", "due_in_seconds": 60})

    assert [row.code for row in rows.run("select code from public.written")] == ["200"]
    assert rows.value("select count(*) from facteur.status_events") == 2


@pytest.mark.parametrize("hours", [2, 30 * 24])
def test_a_clock_that_is_set_back_keeps_no_dead_workers_invoice(rows: Rows, hours: int) -> None:
    """By that clock its lease ends in the far future; its worker may live."""
    invoice = noted(rows)
    claim = rows.claim(invoice)
    ahead = f"interval '{hours} hours'"
    rows.run(f"update facteur.submissions set due_at = due_at + {ahead}, lease_until = lease_until + {ahead}")

    assert rows.relay.end_expired_leases() == 1

    submission = rows.submission(invoice)
    assert (submission.state, submission.doubt_since <= submission.updated_at) == ("in_doubt", True)
    accepted(rows, invoice, claim, "P-first")
    assert (rows.states(invoice), rows.submission(invoice).platform_id) == (["submitted"], "P-first")


def test_a_lease_that_is_not_over_is_left_alone(rows: Rows) -> None:
    invoice = noted(rows)
    rows.claim(invoice)

    assert rows.relay.end_expired_leases() == 0
    assert rows.states(invoice) == ["sending"]
