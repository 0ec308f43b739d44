"""An invoice with two deposits, or with one that may stand beside it: what a person has to say, and what follows from his word."""

from __future__ import annotations

import json

import pytest

from tests.integration.operate.test_adopt_refused import adopt, bought
from tests.integration.submit.test_adversary_late import accepted, frozen, not_found
from tests.integration.submit.test_late_answers import two_accepted
from tests.integration.submit.test_successor import being_sent, rings, status_update, take_back
from tests.operator import Operator
from tests.rows import Rows

REFUSAL: dict[str, str] = {"error_code": "213", "error_message": "no"}
VERDICTS = {"rejected": "213", "in_doubt": "213", "failed": "501"}  # what its platform may come to say of a deposit


def verdict(rows: Rows, invoice: str, state: str, of: str, **more: object) -> None:
    """The platform refuses a deposit of an invoice, by a history."""
    holder = "select id, platform_id from facteur.submissions where invoice_id = %(i)s and platform_id = %(of)s"
    (submission,) = rows.run(holder, i=invoice, of=of)
    known = "select count(*) from facteur.status_events where submission_id = %(id)s and platform_id = %(of)s"
    code = VERDICTS[state]
    event: dict[str, object] = {"status_id": f"{of} {code}", "code": code, "platform_code": code, "label": code}
    event |= {"occurred_at": "2026-10-01T10:00:00Z", "raw": {}}
    update = {"submission_id": submission.id, "platform_id": of, "events": [event], "asked_by": "history"}
    update |= {"move": {"state": state, **REFUSAL}, "decided_on": rows.value(known, id=submission.id, of=of) + 1}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update | more))


def corrected(rows: Rows, invoice: str) -> list[str]:
    rows.update(invoice, technical_status="pending")
    rows.look()
    return rows.states(invoice)


def a_persons(rows: Rows, invoice: str, platform_id: str) -> bool:
    after = rows.submission(invoice)
    found = (after.state, after.platform_id, after.objection_code) == ("submitted", platform_id, "two_deposits")
    return found and rings(rows, invoice)


@pytest.mark.parametrize("state", ["rejected", "failed"])
@pytest.mark.parametrize("when", ["the first answers last", "the second answers last"])
def test_a_refusal_of_one_of_two_deposits_is_a_persons(rows: Rows, when: str, state: str) -> None:
    """With `rejected` its row would be corrected and sent once more beside the one that stands."""
    invoice = two_accepted(rows, when)
    has = rows.submission(invoice).platform_id

    verdict(rows, invoice, state, has)

    assert a_persons(rows, invoice, has)


@pytest.mark.parametrize(("when", "first"), [("the first answers last", "P-1"), ("the second answers last", "P-2")])
def test_one_that_is_called_a_duplicate_gives_way_to_the_other(rows: Rows, when: str, first: str) -> None:
    """The platform says itself which of both stands."""
    invoice = two_accepted(rows, when)

    verdict(rows, invoice, "in_doubt", rows.submission(invoice).platform_id)
    assert rows.submission(invoice).state == "in_doubt"
    rows.record(invoice, rows.claim(invoice), "submitted", platform_id=first)

    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection) == ("submitted", first, None)
    assert rows.invoice(invoice).technical_status == "validated"


def test_but_not_one_that_has_reached_a_state(rows: Rows) -> None:
    invoice = two_accepted(rows, "the first answers last")

    verdict(rows, invoice, "in_doubt", "P-2", otherwise={"state": "submitted"})

    assert a_persons(rows, invoice, "P-2")


@pytest.mark.parametrize("over", [False, True])
def test_that_refusal_is_ruled_on_once_the_person_has_decided(rows: Rows, operator: Operator, over: bool) -> None:
    invoice = two_accepted(rows, "the first answers last")
    verdict(rows, invoice, "rejected", "P-2", over=over)
    assert rows.submission(invoice).state == ("closed" if over else "submitted")

    assert adopt(operator, invoice, "P-2").code == 0

    after = rows.submission(invoice)
    assert (after.state, after.due_at <= rows.value("select facteur.now()")) == ("submitted", True)
    assert [row.id for row in rows.run("select id from facteur.claim_histories(9, 60)")] == [after.id]
    verdict(rows, invoice, "rejected", "P-2", decided_on=1)
    assert rows.invoice(invoice).technical_status == "rejected"


def test_one_that_nothing_was_withheld_from_stays_closed(rows: Rows, operator: Operator) -> None:
    invoice = two_accepted(rows, "the first answers last")
    rows.run("select facteur.close_followed(%(id)s)", id=rows.submission(invoice).id)

    assert adopt(operator, invoice, "P-2").code == 0

    assert rows.submission(invoice).state == "closed"


def test_a_verdict_that_only_the_search_shows_counts_once_its_objection_is_settled(rows: Rows) -> None:
    """The code of an objection stays where its words are settled, lest it come up by itself."""
    invoice = two_accepted(rows, "the first answers last")
    rows.run(
        "update facteur.submissions set swept_id = platform_id, swept_code = '213', unread_since = facteur.now() where id = %(id)s",
        id=rows.submission(invoice).id,
    )
    rows.advance(3601)
    unread = "select id from facteur.unread_verdicts(9)"
    assert rows.run(unread) == []

    rows.run("update facteur.submissions set objection_code = 'shown_as_another', objection = null")

    assert [row.id for row in rows.run(unread)] == [rows.submission(invoice).id]


@pytest.mark.parametrize(("chosen", "other"), [("P-1", "P-2"), ("P-2", "P-1")])
def test_the_deposit_that_a_person_decided_against_is_not_adopted_later(
    rows: Rows, operator: Operator, chosen: str, other: str
) -> None:
    """He has had it cancelled; with it the corrected invoice would never be sent, and its row would say that it was."""
    invoice = two_accepted(rows, "the first answers last")
    assert adopt(operator, invoice, chosen).code == 0

    verdict(rows, invoice, "rejected", chosen)

    assert corrected(rows, invoice) == ["rejected", "pending"]
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-3")
    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection_code) == ("submitted", "P-3", None)
    assert rows.value("select facteur.taken_elsewhere(%(i)s, array[%(o)s])", i=invoice, o=other) == [other]


def test_nor_is_a_successor_whose_predecessor_he_adopted(rows: Rows, operator: Operator) -> None:
    invoice = bought(rows, "accepted")
    assert adopt(operator, invoice, "P-1").code == 0

    verdict(rows, invoice, "rejected", "P-1", decided_on=2, events=[])

    assert rows.submission(invoice).state == "rejected"
    assert corrected(rows, invoice) == ["rejected", "rejected", "pending"]


def test_he_may_think_again(rows: Rows, operator: Operator) -> None:
    invoice = two_accepted(rows, "the first answers last")
    assert adopt(operator, invoice, "P-2").code == 0
    verdict(rows, invoice, "rejected", "P-2")

    said = adopt(operator, invoice, "P-1")

    assert said.code == 0, said.err
    assert rows.invoice(invoice).submission_id == "P-1"


@pytest.mark.parametrize("way", ["taken back", "taken by the buyer"])
def test_a_successor_that_a_status_refused_is_not_adopted_after_it_was_stopped(rows: Rows, way: str) -> None:
    """Its row would say validated, with a deposit that the platform has refused."""
    invoice, claim = being_sent(rows)
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")
    status_update(rows, invoice, "213", {"state": "rejected", **REFUSAL}, of="P-2")
    take_back(rows, invoice, way)
    stopped = rows.submission(invoice)
    assert (stopped.state, stopped.last_error_code) == ("failed", "predecessor_taken")

    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.submission(invoice).platform_id is None
    assert "P-2" in rows.value("select facteur.taken_elsewhere(%(i)s, array['P-2'])", i=invoice)
    outcomes = "select outcome from facteur.attempts where platform_id = 'P-2'"
    assert [row.outcome for row in rows.run(outcomes)] == ["rejected"]


def answered_after_its_successor_was_opened(rows: Rows) -> str:
    """P-1 was sent by an earlier submission, and named only after that one had failed and another was opened; the invoice's key."""
    invoice = rows.noted()
    claim = frozen(rows, invoice)
    rows.record(invoice, rows.claim(invoice), "failed", error_code="search_too_wide", error_message="too wide")
    assert corrected(rows, invoice) == ["failed", "in_doubt"]
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1")
    assert (rows.submission(invoice).state, rows.submission(invoice).platform_id) == ("submitted", "P-1")
    return invoice


def test_what_is_called_a_duplicate_says_what_to_search_for_whichever_submission_sent_it(rows: Rows) -> None:
    invoice = answered_after_its_successor_was_opened(rows)

    verdict(rows, invoice, "in_doubt", "P-1")

    statement = "select attempts from facteur.read_doubt(%(id)s)"
    (sent,) = rows.value(statement, id=rows.submission(invoice).id)
    assert (sent["platform_id"], sent["outcome"]) == ("P-1", "duplicate")
    assert sent["invoice_number"]


def test_so_does_the_deposit_that_is_found_of_it(rows: Rows) -> None:
    invoice = answered_after_its_successor_was_opened(rows)
    verdict(rows, invoice, "in_doubt", "P-1")

    rows.record(invoice, rows.claim(invoice), "submitted", platform_id="P-0")

    found = "select invoice_number, outcome from facteur.attempts where platform_id = 'P-0'"
    assert [tuple(each) for each in rows.run(found)] == [(rows.submission(invoice).invoice_number, "accepted")]


def test_a_refusal_while_an_earlier_submissions_outcome_is_unknown_is_no_verdict(rows: Rows) -> None:
    invoice = answered_after_its_successor_was_opened(rows)
    rows.run("update facteur.attempts set outcome = 'unknown', platform_id = null where submission_id = 1")
    rows.run(
        """insert into facteur.attempts (submission_id, invoice_id, account, lease_token, outcome, platform_id, document_sha256)
        select id, invoice_id, account, gen_random_uuid(), 'accepted', platform_id, 'x'
        from facteur.submissions where state = 'submitted'"""
    )

    verdict(rows, invoice, "rejected", "P-1")

    assert rows.submission(invoice).state == "failed"
    assert rows.invoice(invoice).technical_status == "error"


@pytest.mark.parametrize("corrected_by_then", [False, True])
def test_a_late_201_beside_a_deposit_that_was_refused_meanwhile_is_heard_of(
    rows: Rows, operator: Operator, corrected_by_then: bool
) -> None:
    """Its row said rejected, and the company wrote another invoice in its place: with P-1 that makes two bills."""
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-2")
    verdict(rows, invoice, "rejected", "P-2")
    if corrected_by_then:
        corrected(rows, invoice)

    accepted(rows, invoice, first, "P-1")

    after = rows.submission(invoice)
    if corrected_by_then:
        assert (after.state, after.platform_id) == ("submitted", "P-1")
        return
    assert (after.state, after.last_error_code) == ("failed", "two_deposits")
    assert "P-1" in after.last_error_message
    assert rings(rows, invoice)
    assert adopt(operator, invoice, "P-1").code == 0
    assert rows.invoice(invoice).submission_id == "P-1"
