"""An invoice with two deposits of which a person finds that neither stands: he rejects it, and neither is its deposit any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.operate.test_adopt_refused import adopt
from tests.integration.operate.test_two_deposits import corrected, verdict
from tests.integration.submit.test_adversary_late import accepted, frozen, not_found
from tests.integration.submit.test_late_answers import WHEN, two_accepted
from tests.integration.submit.test_rejected_by_person import act_on, claim_as_sent_for
from tests.operator import Operator
from tests.rows import Rows

REFUSED = "the one that it had was refused"
WAYS = [*WHEN, REFUSED]


def rejected_with_two(rows: Rows, way: str) -> str:
    """P-1 and P-2 were accepted for it, and a person rejected it; the invoice's key."""
    if way == REFUSED:
        invoice = rows.noted()
        first = frozen(rows, invoice)
        not_found(rows, invoice)
        accepted(rows, invoice, rows.claim(invoice), "P-2")
        verdict(rows, invoice, "rejected", "P-2")
        accepted(rows, invoice, first, "P-1")
    else:
        invoice = two_accepted(rows, way)
    act_on(rows, invoice, "reject")
    assert rows.states(invoice) == ["rejected"]
    return invoice


def claim_with(rows: Rows, invoice: str, sha256: str) -> Any:
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    item = {"id": submission.id, "tries": submission.tries, "sha256": sha256}
    item |= {"invoice_number": submission.invoice_number, "seller_siren": submission.seller_siren}
    return rows.claim_items([item])[0]


@pytest.mark.parametrize("way", WAYS)
def test_its_corrected_document_is_sent_and_becomes_its_deposit(rows: Rows, way: str) -> None:
    """It was opened in doubt, took the other deposit for its own, and was never sent: its row said validated."""
    invoice = rejected_with_two(rows, way)

    assert corrected(rows, invoice) == ["rejected", "pending"]
    accepted(rows, invoice, claim_with(rows, invoice, "corrected"), "P-3")

    after = rows.submission(invoice)
    assert (after.state, after.platform_id, after.objection) == ("submitted", "P-3", None)
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-3")


@pytest.mark.parametrize("way", WAYS)
def test_its_very_document_is_not_sent_again(rows: Rows, way: str) -> None:
    """He has both cancelled, or means to: a platform takes nothing back for what is written here."""
    invoice = rejected_with_two(rows, way)
    corrected(rows, invoice)

    assert rows.claim(invoice).verdict == "failed"

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "rejected_document")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("differs", "code"), [({}, "sent_already"), ({"sha256": "9"}, "number_sent_already")])
def test_nor_is_it_or_its_number_for_another_row(rows: Rows, way: str, differs: dict[str, str], code: str) -> None:
    invoice = rejected_with_two(rows, way)

    after = claim_as_sent_for(rows, rows.noted(), invoice, **differs)

    assert (after.state, after.last_error_code) == ("failed", code)


@pytest.mark.parametrize("chosen", ["P-1", "P-2"])
@pytest.mark.parametrize("way", list(WHEN))
def test_he_may_think_again_of_either(rows: Rows, operator: Operator, way: str, chosen: str) -> None:
    invoice = rejected_with_two(rows, way)

    said = adopt(operator, invoice, chosen)

    assert said.code == 0, said.err
    after = rows.submission(invoice)
    assert (rows.states(invoice), after.platform_id, after.objection) == (["rejected", "submitted"], chosen, None)
    assert rows.invoice(invoice).submission_id == chosen
    corrected(rows, invoice)
    assert rows.states(invoice) == ["rejected", "submitted"]
