"""What a person is asked about an invoice's deposits stays asked until he has answered, beside whatever else he is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.operate.test_adopt_refused import adopt
from tests.integration.operate.test_two_deposits import REFUSAL, corrected, verdict
from tests.integration.submit.test_adversary_late import LEASE_OVER, accepted, frozen, not_found
from tests.integration.submit.test_late_answers import two_accepted
from tests.integration.submit.test_rejected_by_person import act_on
from tests.integration.submit.test_successor import being_sent, end, rings, status_update, take_back
from tests.operator import Operator
from tests.rows import Rows

BOUGHT = "taken by the buyer"
QUESTIONS = ["predecessor_taken", "two_deposits"]


def sent_twice(rows: Rows) -> tuple[str, Any]:
    """P-1 was rejected; its corrected document was sent, not found, and sent again as P-2; the invoice's key, and the first claim."""
    invoice = rows.noted()
    accepted(rows, invoice, rows.claim(invoice), "P-1")
    status_update(rows, invoice, "213", {"state": "rejected", **REFUSAL})
    corrected(rows, invoice)
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-2")
    return invoice, first


def both_asked(rows: Rows, order: list[str]) -> str:
    """The buyer takes P-1, and P-3 turns out to be accepted beside P-2; the invoice's key."""
    invoice, first = sent_twice(rows)
    for question in order:
        if question == "predecessor_taken":
            take_back(rows, invoice, BOUGHT)
        else:
            assert accepted(rows, invoice, first, "P-3") == "late"
    return invoice


def show_as(rows: Rows, platform_id: str, number: str) -> None:
    """The platform's search shows a deposit under a number."""
    shown = json.dumps([{"platform_id": platform_id, "number": number}])
    rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=shown)


@pytest.mark.parametrize("order", [QUESTIONS, QUESTIONS[::-1]])
def test_of_a_predecessor_that_was_taken_and_a_second_deposit_both_are_named(rows: Rows, order: list[str]) -> None:
    invoice = both_asked(rows, order)

    after = rows.submission(invoice)
    assert (after.state, after.platform_id) == ("submitted", "P-2")
    assert after.mismatch.count("Its predecessor, deposit P-1,") == 1
    assert after.mismatch.count("accepted this invoice as P-2 and as P-3") == 1
    assert after.mismatch == after.objection
    raised = rows.run("select detail from facteur.transitions where subject = 'objection' and to_state = 'raised'")
    assert raised[-1].detail == after.mismatch
    assert rings(rows, invoice)


@pytest.mark.parametrize("chosen", ["P-1", "P-2", "P-3"])
@pytest.mark.parametrize("order", [QUESTIONS, QUESTIONS[::-1]])
def test_any_of_those_that_are_named_is_adopted_and_answers_both(
    rows: Rows, operator: Operator, order: list[str], chosen: str
) -> None:
    invoice = both_asked(rows, order)

    said = adopt(operator, invoice, chosen)

    assert said.code == 0, said.err
    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection, after.mismatch) == ("submitted", chosen, None, None)
    assert rows.invoice(invoice).technical_status == "validated"


def test_what_is_said_again_is_not_asked_twice(rows: Rows) -> None:
    invoice = both_asked(rows, QUESTIONS)
    before = rows.submission(invoice).mismatch

    take_back(rows, invoice, BOUGHT)
    rows.run("select facteur.object_to_another(%(i)s)", i=invoice)

    assert rows.submission(invoice).mismatch == before


def test_that_one_of_two_is_shown_under_another_number_is_asked_too(rows: Rows, operator: Operator) -> None:
    invoice = two_accepted(rows, "the first answers last")

    show_as(rows, "P-2", "another-77")

    after = rows.submission(invoice)
    assert "accepted this invoice as P-2 and as P-1" in after.mismatch
    assert "shows deposit P-2 as invoice another-77" in after.mismatch
    assert adopt(operator, invoice, "P-1").code == 0
    assert (rows.submission(invoice).platform_id, rows.submission(invoice).mismatch) == ("P-1", None)


def test_one_that_may_be_another_invoices_is_let_go_to_it_from_beside_a_second_one(
    rows: Rows, operator: Operator
) -> None:
    """It is no second deposit of the invoice that had it, which another one could not take."""
    invoice, other = two_accepted(rows, "the first answers last"), rows.noted()
    rows.record(other, rows.claim(other), "in_doubt", "unknown", error_code="no_answer")
    show_as(rows, "P-2", rows.submission(other).invoice_number)

    assert adopt(operator, invoice, "P-1").code == 0

    assert rows.submission(other).last_error_code == "shown_as_another"
    said = adopt(operator, other, "P-2")
    assert said.code == 0, said.err
    assert (rows.submission(invoice).platform_id, rows.submission(other).platform_id) == ("P-1", "P-2")


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("chosen", ["P-1", "P-3"])
def test_a_third_deposit_is_named_too(rows: Rows, operator: Operator, refused: bool, chosen: str) -> None:
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    second = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-2")
    if refused:
        verdict(rows, invoice, "rejected", "P-2")

    accepted(rows, invoice, first, "P-1")
    accepted(rows, invoice, second, "P-3")

    after = rows.submission(invoice)
    assert all(each in after.mismatch for each in ("P-1", "P-2", "P-3"))
    assert rings(rows, invoice)
    said = adopt(operator, invoice, chosen)
    assert said.code == 0, said.err
    assert rows.invoice(invoice).submission_id == chosen


def test_what_a_look_up_found_that_lost_its_lease_is_asked_too(rows: Rows) -> None:
    """Its deposit was adopted from another look-up's answer, which showed the other one."""
    invoice = rows.noted()
    frozen(rows, invoice)
    not_found(rows, invoice)
    rows.record(invoice, rows.claim(invoice), "in_doubt", "unknown", error_code="no_answer")
    lost = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    one, two = (row.id for row in rows.run("select id from facteur.attempts order by id"))

    look_up(rows, rows.claim(invoice), two, "P-2")
    look_up(rows, lost, one, "P-1")

    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection_code) == ("submitted", "P-2", "two_deposits")
    assert rings(rows, invoice)


def look_up(rows: Rows, claim: Any, attempt: int, platform_id: str) -> None:
    found = [{"attempt_id": attempt, "platform_id": platform_id}]
    outcome = {"submission_id": claim.submission_id, "account": "default", "lease_token": claim.lease_token}
    outcome |= {"move": {"state": "submitted", "platform_id": platform_id}, "found": found}
    rows.run("select facteur.record(%(outcome)s::jsonb)", outcome=json.dumps(outcome))


@pytest.mark.parametrize("first", ["its predecessor", "its number"])
def test_what_is_being_sent_keeps_both_whichever_came_first(rows: Rows, first: str) -> None:
    invoice, claim = being_sent(rows)
    other = rows.noted()
    accepted(rows, other, rows.claim(other), "P-9")
    number = rows.submission(invoice).invoice_number
    if first == "its predecessor":
        take_back(rows, invoice, BOUGHT)
    show_as(rows, "P-9", number)
    if first == "its number":
        take_back(rows, invoice, BOUGHT)

    end(rows, invoice, claim, "unknown")

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "shown_as_another")
    assert "Its predecessor, deposit P-1," in after.last_error_message
    assert "the deposit of another invoice, P-9, under this number" in after.last_error_message


def test_a_question_about_one_that_had_failed_over_another_one_keeps_both(rows: Rows) -> None:
    """P-2 was refused, and P-3 accepted beside it; then the buyer takes P-1."""
    invoice, first = sent_twice(rows)
    status_update(rows, invoice, "213", {"state": "rejected", **REFUSAL}, of="P-2")
    accepted(rows, invoice, first, "P-3")
    assert rows.submission(invoice).last_error_code == "two_deposits"

    take_back(rows, invoice, BOUGHT)

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "predecessor_taken")
    assert "P-3" in after.last_error_message
    assert after.last_error_message.count("Its predecessor, deposit P-1,") == 1
    assert after.last_error_message.endswith("This one: no")


def test_the_buyers_word_on_a_predecessor_is_heard_where_a_person_rejected_what_came_after_it(rows: Rows) -> None:
    """Its row said rejected, no alarm rang, and a later correction would have been sent beside it."""
    invoice, claim = being_sent(rows)
    rows.record(invoice, claim, "failed", "not_deposited", error_code="given_up", error_message="x")
    act_on(rows, invoice, "reject")

    take_back(rows, invoice, BOUGHT)

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "predecessor_taken")
    assert after.last_error_message.startswith("Its predecessor, deposit P-1,")
    assert after.last_error_message.endswith("This one: somebody: we cancel it")
    assert rings(rows, invoice)


@pytest.mark.parametrize("answer", ["P-1", "P-2"])
def test_a_late_201_beside_a_deposit_that_a_person_rejected_is_asked(
    rows: Rows, operator: Operator, answer: str
) -> None:
    invoice = rows.noted()
    first = frozen(rows, invoice)
    not_found(rows, invoice)
    accepted(rows, invoice, rows.claim(invoice), "P-2")
    objection = {"code": "contradictory_statuses", "text": "rejected, and approved."}
    verdict(rows, invoice, "rejected", "P-2", move={"state": "submitted"}, objection=objection)
    act_on(rows, invoice, "reject")

    accepted(rows, invoice, first, "P-1")

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "two_deposits")
    assert "P-1" in after.last_error_message
    assert after.last_error_message.endswith("This one: somebody: we cancel it")
    assert rings(rows, invoice)
    said = adopt(operator, invoice, answer)
    assert said.code == 0, said.err
    assert rows.invoice(invoice).submission_id == answer
    if answer == "P-1":
        assert rows.value("select facteur.taken_elsewhere(%(i)s, array['P-2'])", i=invoice) == ["P-2"]


def test_a_late_look_up_brings_back_nothing_that_a_person_decided_against(rows: Rows, operator: Operator) -> None:
    invoice = two_accepted(rows, "the first answers last")
    first = rows.value("select min(id) from facteur.attempts")
    assert adopt(operator, invoice, "P-2").code == 0

    late = {"submission_id": rows.submission(invoice).id, "account": "default"}
    late |= {
        "lease_token": "00000000-0000-0000-0000-000000000000",
        "move": {"state": "submitted", "platform_id": "P-1"},
    }
    late |= {"found": [{"attempt_id": first, "platform_id": "P-1"}]}
    rows.run("select facteur.record(%(outcome)s::jsonb)", outcome=json.dumps(late))

    assert (rows.submission(invoice).platform_id, rows.submission(invoice).objection) == ("P-2", None)
    assert rows.invoice(invoice).technical_status == "validated"


def test_what_was_withheld_until_he_had_answered_is_ruled_on_before_follow_up_ends(
    rows: Rows, operator: Operator
) -> None:
    """Its row said validated, and nobody learnt of the refusal that was stored."""
    invoice = two_accepted(rows, "the first answers last")
    verdict(rows, invoice, "rejected", "P-2", over=True)
    assert adopt(operator, invoice, "P-2").code == 0

    rows.run("select facteur.close_followed(%(id)s)", id=rows.submission(invoice).id)

    after = rows.submission(invoice)
    assert after.state == "submitted"
    assert [row.id for row in rows.run("select id from facteur.claim_histories(9, 60)")] == [after.id]
    verdict(rows, invoice, "rejected", "P-2", decided_on=1)
    assert rows.invoice(invoice).technical_status == "rejected"
