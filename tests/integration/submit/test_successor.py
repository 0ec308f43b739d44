"""A refusal that does not hold any more, while what was opened after it is just being sent: nobody can call that back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rows import Rows

LEASE_OVER = 61
WAYS = ["taken back", "taken by the buyer"]
ENDS = {  # how the call of the successor ends -> what its row says of it
    "unknown": "its outcome is unknown",
    "refused": "the platform refused it",
    "not sent": "was not deposited",
    "worker died": "its outcome is unknown",
}


def being_sent(rows: Rows) -> tuple[str, Any]:
    """An invoice whose first deposit was rejected, and whose second is on its way; its key, and the claim."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-1")
    status_update(rows, invoice, "213", {"state": "rejected", "error_code": "213", "error_message": "no"})
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert rows.states(invoice) == ["rejected", "pending"]
    return invoice, rows.claim(invoice)


def status_update(rows: Rows, invoice: str, code: str, move: dict[str, Any], of: str = "P-1", **more: Any) -> None:
    statement = "select * from facteur.submissions where invoice_id = %(id)s order by id"
    submission = rows.run(statement, id=invoice)[0 if of == "P-1" else 1]
    named = {"status_id": f"{of} {code}", "code": code, "platform_code": code, "label": code}
    event = named | {"occurred_at": "2026-10-01T10:00:00Z", "raw": {}}
    known = {
        row.status_id
        for row in rows.run("select status_id from facteur.status_events where platform_id = %(of)s", of=of)
    }
    update = {"submission_id": submission.id, "platform_id": of, "events": [event], "move": move} | {
        "decided_on": len(known | {event["status_id"]})
    }
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update | more))


def take_back(rows: Rows, invoice: str, way: str) -> None:
    if way == "taken back":
        shown = json.dumps([{"platform_id": "P-1", "number": "another-77"}])
        rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=shown)
    else:
        objection = {"code": "contradictory_statuses", "text": "rejected, and approved. Ask which one holds."}
        status_update(rows, invoice, "205", {"state": "submitted"}, objection=objection)


def end(rows: Rows, invoice: str, claim: Any, how: str) -> None:
    if how == "unknown":
        rows.record(invoice, claim, "in_doubt", "unknown", due_in_seconds=15, error_code="no_answer")
    elif how == "refused":
        rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")
    elif how == "not sent":
        rows.record(invoice, claim, "pending", "not_deposited", due_in_seconds=60)
    else:
        rows.advance(LEASE_OVER)
        assert rows.relay.end_expired_leases() == 1
        rows.write_back()


def rings(rows: Rows, invoice: str) -> bool:
    """Whether its row shows an error and the alarm for such rows counts it."""
    return bool(
        rows.invoice(invoice).technical_status == "error" and rows.value("select facteur.failed_invoices()") == 1
    )


@pytest.mark.parametrize("way", WAYS)
def test_what_is_accepted_beside_a_first_deposit_that_may_stand_is_a_persons(rows: Rows, way: str) -> None:
    invoice, claim = being_sent(rows)

    take_back(rows, invoice, way)
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")

    second = rows.submission(invoice)
    assert (second.state, second.platform_id, second.objection_code) == ("submitted", "P-2", "predecessor_taken")
    assert "Its predecessor" in second.mismatch
    assert rings(rows, invoice)
    raised = rows.run("select detail from facteur.transitions where subject = 'objection' and to_state = 'raised'")
    assert [row.detail for row in raised] == [second.mismatch]


@pytest.mark.parametrize("how", list(ENDS))
@pytest.mark.parametrize("way", WAYS)
def test_what_ends_otherwise_is_not_sent_again_by_itself(rows: Rows, way: str, how: str) -> None:
    invoice, claim = being_sent(rows)

    take_back(rows, invoice, way)
    end(rows, invoice, claim, how)

    second = rows.submission(invoice)
    assert (second.state, second.last_error_code) == ("failed", "predecessor_taken")
    assert "Its predecessor" in second.last_error_message
    assert ENDS[how] in second.last_error_message
    assert rings(rows, invoice)
    rows.update(invoice, total=120)
    rows.look()
    rows.advance(86_400)
    rows.relay.end_expired_leases()
    assert rows.states(invoice) == ["rejected", "failed"]


@pytest.mark.parametrize("way", WAYS)
def test_one_that_was_refused_itself_is_a_persons(rows: Rows, way: str) -> None:
    """Its row said rejected, while the deposit before it may be valid: whoever corrects it would bill twice."""
    invoice, claim = being_sent(rows)
    end(rows, invoice, claim, "refused")

    take_back(rows, invoice, way)

    second = rows.submission(invoice)
    assert (second.state, second.last_error_code) == ("failed", "predecessor_taken")
    assert "Its predecessor" in second.last_error_message
    assert rings(rows, invoice)


@pytest.mark.parametrize("way", WAYS)
def test_one_that_had_failed_for_a_cause_of_its_own_says_both(rows: Rows, way: str) -> None:
    """Its row named a cause to be removed, and nothing of the deposit before it: then both would stand."""
    invoice, claim = being_sent(rows)
    rows.record(invoice, claim, "failed", "not_deposited", error_code="document_too_large", error_message="too large")

    take_back(rows, invoice, way)
    take_back(rows, invoice, way)

    second = rows.submission(invoice)
    assert (second.state, second.last_error_code) == ("failed", "predecessor_taken")
    assert second.last_error_message.startswith("Its predecessor")
    assert second.last_error_message.count("This one: too large") == 1
    assert rings(rows, invoice)


@pytest.mark.parametrize("way", WAYS)
def test_the_last_one_stops_and_no_other(rows: Rows, way: str) -> None:
    invoice, claim = being_sent(rows)
    end(rows, invoice, claim, "refused")
    rows.update(invoice, technical_status="pending")
    rows.look()
    rows.record(invoice, rows.claim(invoice), "failed", "not_deposited", error_code="own", error_message="own")

    take_back(rows, invoice, way)

    assert rows.states(invoice) == ["rejected", "rejected", "failed"]
    assert rows.submission(invoice).last_error_code == "predecessor_taken"


@pytest.mark.parametrize(("code", "move"), [("213", "rejected"), ("213", "in_doubt"), ("501", "rejected")])
@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_of_it_does_not_make_its_predecessor_forgotten(rows: Rows, way: str, code: str, move: str) -> None:
    """Its row would say rejected, and what is corrected then would be sent beside the first deposit."""
    invoice, claim = being_sent(rows)
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")
    take_back(rows, invoice, way)

    refused = {"state": move, "error_code": code, "error_message": "no"}
    status_update(rows, invoice, code, refused, of="P-2")

    second = rows.submission(invoice)
    assert (second.state, second.objection_code) == ("submitted", "predecessor_taken")
    assert rings(rows, invoice)
    stored = rows.run("select code from facteur.status_events where platform_id = 'P-2'")
    assert [row.code for row in stored] == [code]


@pytest.mark.parametrize("way", WAYS)
def test_one_that_a_person_rejected_is_asked_again(rows: Rows, way: str) -> None:
    """He rejected it before anybody knew that the deposit before it may be valid."""
    invoice, claim = being_sent(rows)
    end(rows, invoice, claim, "unknown")
    act = json.dumps({"who": "somebody", "why": "it was entered anew", "operation": "reject"})
    rows.run("select facteur.reject(%(id)s, %(act)s::jsonb)", id=rows.submission(invoice).id, act=act)

    take_back(rows, invoice, way)

    assert rows.states(invoice) == ["rejected", "failed"]
    assert rows.submission(invoice).last_error_message.endswith("This one: somebody: it was entered anew")
    assert rings(rows, invoice)


@pytest.mark.parametrize("sent", [True, False])
def test_a_201_that_comes_after_it_was_stopped_is_a_persons_too(rows: Rows, sent: bool) -> None:
    """Its worker froze until its lease was over: before the refusal was taken back, or afterwards."""
    invoice, claim = being_sent(rows)
    if sent:
        take_back(rows, invoice, "taken back")
        end(rows, invoice, claim, "worker died")
    else:
        end(rows, invoice, claim, "worker died")
        assert rows.submission(invoice).state == "in_doubt"
        take_back(rows, invoice, "taken back")
    assert rows.states(invoice) == ["rejected", "failed"]

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")

    second = rows.submission(invoice)
    assert (second.state, second.platform_id, second.objection_code) == ("submitted", "P-2", "predecessor_taken")
    assert rings(rows, invoice)


def test_an_id_of_another_row_leads_to_no_look_up_that_would_send_it_again(rows: Rows) -> None:
    other = rows.noted()
    rows.record(other, rows.claim(other), "submitted", "accepted", platform_id="P-9")
    invoice, claim = being_sent(rows)
    take_back(rows, invoice, "taken back")

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-9")

    assert (rows.submission(invoice).state, rows.submission(invoice).last_error_code) == ("failed", "predecessor_taken")


def test_what_a_person_adopts_is_settled(rows: Rows) -> None:
    invoice, claim = being_sent(rows)
    take_back(rows, invoice, "taken back")
    end(rows, invoice, claim, "unknown")

    found, act = (
        json.dumps({"platform_id": "P-2"}),
        json.dumps({"who": "somebody", "why": "it holds", "operation": "adopt"}),
    )
    statement = "select facteur.adopt(%(id)s, %(found)s::jsonb, %(act)s::jsonb)"
    rows.run(statement, id=rows.submission(invoice).id, found=found, act=act)

    second = rows.submission(invoice)
    assert (second.state, second.objection, second.mismatch) == ("submitted", None, None)
    assert rows.invoice(invoice).technical_status == "validated"


@pytest.mark.parametrize("how", list(ENDS))
def test_what_a_person_sends_again_is_looked_up_first(rows: Rows, how: str) -> None:
    """The first deposit may stand, whatever became of the second."""
    invoice, claim = being_sent(rows)
    take_back(rows, invoice, "taken back")
    end(rows, invoice, claim, how)

    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.states(invoice) == ["rejected", "failed", "in_doubt"]
    assert rows.submission(invoice).objection is None
