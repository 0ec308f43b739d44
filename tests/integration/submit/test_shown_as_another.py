"""A deposit is shown under another invoice's number: that other one may have it, whatever it is doing just then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.submit.test_successor import end
from tests.rows import Rows


def mixed_up(rows: Rows, other: str) -> None:
    """The platform shows P-1, which somebody else has, under the other invoice's number."""
    shown = [{"platform_id": "P-1", "number": rows.submission(other).invoice_number}]
    rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=json.dumps(shown))


def deposited(rows: Rows, platform_id: str) -> str:
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id=platform_id)
    return invoice


def refused(rows: Rows) -> str:
    """An invoice whose deposit P-2 was rejected, and never shown with a number."""
    invoice = deposited(rows, "P-2")
    move: dict[str, Any] = {"state": "rejected", "error_code": "213", "error_message": "no"}
    event = {"status_id": "P-2 213", "code": "213", "platform_code": "213", "label": "213", "raw": {}}
    update = {"submission_id": rows.submission(invoice).id, "platform_id": "P-2", "move": move, "decided_on": 1}
    update["events"] = [event | {"occurred_at": "2026-10-01T10:00:00Z"}]
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))
    assert rows.states(invoice) == ["rejected"]
    return invoice


@pytest.mark.parametrize("how", ["unknown", "refused", "not sent", "worker died"])
def test_one_that_is_being_sent_is_a_persons_however_its_call_ends(rows: Rows, how: str) -> None:
    """Its first deposit is perhaps the one that is shown: what is being sent is the second."""
    deposited(rows, "P-1")
    other = rows.noted()
    claim = rows.claim(other)

    mixed_up(rows, other)
    end(rows, other, claim, how)

    assert (rows.submission(other).state, rows.submission(other).last_error_code) == ("failed", "shown_as_another")
    assert rows.invoice(other).technical_status == "error"


def test_one_that_was_being_sent_and_is_accepted_says_so(rows: Rows) -> None:
    deposited(rows, "P-1")
    other = rows.noted()
    claim = rows.claim(other)
    mixed_up(rows, other)

    rows.record(other, claim, "submitted", "accepted", platform_id="P-3")

    assert (rows.submission(other).state, rows.submission(other).objection_code) == ("submitted", "shown_as_another")
    assert rows.submission(other).mismatch
    assert rows.invoice(other).technical_status == "error"


def test_one_whose_rejected_deposit_was_never_shown_is_a_persons(rows: Rows) -> None:
    """What was rejected may be the other one's, and its own the one that is shown: corrected, it would be sent beside it."""
    deposited(rows, "P-1")
    other = refused(rows)

    mixed_up(rows, other)

    assert (rows.submission(other).state, rows.submission(other).last_error_code) == ("failed", "shown_as_another")
    assert rows.invoice(other).technical_status == "error"


def test_one_whose_rejected_deposit_is_its_own_stays_rejected(rows: Rows) -> None:
    deposited(rows, "P-1")
    other = refused(rows)
    shown = json.dumps([{"platform_id": "P-2", "number": rows.submission(other).invoice_number}])
    rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=shown)

    mixed_up(rows, other)

    assert rows.states(other) == ["rejected"]


def test_the_last_one_of_an_invoice_stops(rows: Rows) -> None:
    deposited(rows, "P-1")
    other = refused(rows)
    rows.update(other, technical_status="pending")
    rows.look()

    mixed_up(rows, other)

    assert rows.states(other) == ["rejected", "failed"]
