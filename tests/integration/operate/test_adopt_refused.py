"""Deposits that their platform refused, and that a person knows to hold all the same: the advised command works."""

from __future__ import annotations

import pytest

from tests.integration.submit.test_late_answers import two_accepted
from tests.integration.submit.test_successor import ENDS, being_sent, end, status_update, take_back
from tests.operator import Operator, Printed
from tests.rows import Rows

DUPLICATE = {"error_code": "duplicate", "error_message": "called a duplicate"}


def adopt(operator: Operator, invoice: str, platform_id: str) -> Printed:
    return operator.run("adopt", f"id:{invoice}", platform_id, "--unverified", "--why", "the bank called", "--yes")


def called_a_duplicate(rows: Rows) -> str:
    """P-1 was called a duplicate by its first status, and no other deposit was found; the invoice's key."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-1")
    status_update(rows, invoice, "213", {"state": "in_doubt", **DUPLICATE})
    rows.record(invoice, rows.claim(invoice), "failed", **DUPLICATE)
    return invoice


def test_a_deposit_that_was_called_a_duplicate_by_mistake_is_adopted_and_followed(
    rows: Rows, operator: Operator
) -> None:
    invoice = called_a_duplicate(rows)

    said = adopt(operator, invoice, "P-1")

    assert said.code == 0, said.err
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-1")
    assert [row.outcome for row in rows.run("select outcome from facteur.attempts")] == ["accepted"]
    known = "select code, settled from facteur.status_events where submission_id = %(id)s order by id"
    assert [tuple(each) for each in rows.run(known, id=rows.submission(invoice).id)] == [("213", True)]
    status_update(rows, invoice, "205", {"state": "submitted"})
    assert rows.invoice(invoice).technical_status == "validated"


def test_so_is_one_that_a_person_has_rejected_meanwhile_and_no_look_up_takes_it_away(
    rows: Rows, operator: Operator
) -> None:
    invoice = called_a_duplicate(rows)
    assert operator.run("reject", f"id:{invoice}", "--why", "x", "--yes").code == 0

    said = adopt(operator, invoice, "P-1")

    assert said.code == 0, said.err
    assert rows.states(invoice) == ["rejected", "submitted"]
    assert rows.value("select facteur.taken_elsewhere(%(i)s, array['P-1'])", i=invoice) == []


def test_one_whose_other_deposit_is_another_invoices_is_not_adopted(rows: Rows, operator: Operator) -> None:
    """The answer had named P-1 by mistake: that another row has it counts before what was said of it."""
    invoice, other = called_a_duplicate(rows), rows.noted()
    rows.run(
        "update facteur.submissions set state = 'submitted', platform_id = 'P-1', submitted_at = facteur.now() where invoice_id = %(i)s",
        i=other,
    )

    said = adopt(operator, invoice, "P-1")

    assert said.code == 2
    assert f"id:{other} holds it" in said.err
    assert rows.submission(invoice).state == "failed"


def bought(rows: Rows, how: str) -> str:
    """The buyer takes P-1, which was rejected, while its successor is being sent, which ends so; the invoice's key."""
    invoice, claim = being_sent(rows)
    if how == "refused":
        end(rows, invoice, claim, how)
    take_back(rows, invoice, "taken by the buyer")
    if how == "accepted":
        rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")
    elif how != "refused":
        end(rows, invoice, claim, how)
    return invoice


@pytest.mark.parametrize("how", [*ENDS, "accepted"])
def test_a_deposit_that_its_buyer_took_after_its_rejection_is_adopted_in_its_successors_place(
    rows: Rows, operator: Operator, how: str
) -> None:
    invoice = bought(rows, how)

    said = adopt(operator, invoice, "P-1")

    assert said.code == 0, said.err
    words = " ".join(said.out.split())
    assert ("Deposit P-2 may stand as well: have it cancelled" in words) is (how == "accepted")
    assert ("may stand as well" in words) is (how == "accepted")
    holders = rows.run("select state, platform_id, mismatch from facteur.submissions order by id")
    assert [tuple(each) for each in holders] == [("rejected", None, None), ("submitted", "P-1", None)]
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-1")
    known = "select code, settled from facteur.status_events where submission_id = %(id)s order by id"
    assert [tuple(each) for each in rows.run(known, id=rows.submission(invoice).id)] == [("213", True), ("205", False)]


@pytest.mark.parametrize("chosen", ["P-1", "P-2"])
def test_either_of_two_deposits_is_adopted_and_the_one_that_was_shown_is_named(
    rows: Rows, operator: Operator, chosen: str
) -> None:
    invoice = two_accepted(rows, "the first answers last")

    said = adopt(operator, invoice, chosen)

    assert said.code == 0, said.err
    assert ("Deposit P-2 may stand as well" in " ".join(said.out.split())) is (chosen == "P-1")
    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection) == ("submitted", chosen, None)
    assert rows.invoice(invoice).technical_status == "validated"


def test_what_the_buyer_did_not_take_is_not_adopted_beside_its_successor(rows: Rows, operator: Operator) -> None:
    invoice, claim = being_sent(rows)
    end(rows, invoice, claim, "not sent")

    said = adopt(operator, invoice, "P-1")

    assert said.code == 2
    assert "or one that the platform refused" in said.err
