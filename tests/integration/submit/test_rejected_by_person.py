"""What a person rejects may stand at the platform all the same: neither its bytes nor its number are free, and its id stays its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.submit.test_successor import status_update
from tests.rows import Rows

REJECTED = {"state": "rejected", "error_code": "213", "error_message": "no"}


def rejected_though_it_may_stand(rows: Rows) -> str:
    """P-1 was refused by the platform and taken by the buyer, and a person rejected it; the invoice's key."""
    invoice = deposited(rows)
    objection = {"code": "contradictory_statuses", "text": "rejected, and approved. Ask which one holds."}
    status_update(rows, invoice, "213", {"state": "submitted"})
    status_update(rows, invoice, "205", {"state": "submitted"}, objection=objection)
    act_on(rows, invoice, "reject")
    assert rows.states(invoice) == ["rejected"]
    return invoice


def deposited(rows: Rows) -> str:
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-1")
    return invoice


def act_on(rows: Rows, invoice: str, operation: str) -> str:
    act = json.dumps({"who": "somebody", "why": "we cancel it", "operation": operation})
    statement = f"select facteur.{operation}(%(id)s, %(act)s::jsonb)"
    return str(rows.value(statement, id=rows.submission(invoice).id, act=act))


def claim_as_sent_for(rows: Rows, invoice: str, other: str, **differs: Any) -> Any:
    """Claim a row with the document and the number that were sent for another one; its submission afterwards."""
    submission, sent = (
        rows.submission(invoice),
        rows.run("select * from facteur.attempts where invoice_id = %(i)s", i=other)[0],
    )
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    item = {"id": submission.id, "tries": submission.tries, "invoice_id": invoice, "sha256": sent.document_sha256}
    item |= {"invoice_number": sent.invoice_number, "seller_siren": sent.seller_siren, **differs}
    rows.claim_items([item])
    return rows.submission(invoice)


@pytest.mark.parametrize(
    ("differs", "code"),
    [({}, "sent_already"), ({"invoice_number": "F-9"}, "sent_already"), ({"sha256": "9"}, "number_sent_already")],
)
def test_its_bytes_and_its_number_are_not_sent_for_a_copy_of_its_row(
    rows: Rows, differs: dict[str, str], code: str
) -> None:
    one, two = rejected_though_it_may_stand(rows), rows.noted()

    after = claim_as_sent_for(rows, two, one, **differs)

    assert (after.state, after.last_error_code) == ("failed", code)
    assert f"row id:{one} (deposit P-1)" in after.last_error_message


def test_its_bytes_are_not_sent_to_another_platform_under_another_key(rows: Rows) -> None:
    one = rejected_though_it_may_stand(rows)
    rows.run(
        "insert into facteur.routes (account, since, credentials) values ('default', facteur.now() - interval '1 minute', 'new')"
    )
    rows.run("update invoicing.invoices set id = 77, technical_status = 'pending' where id = %(i)s", i=one)
    rows.look()
    assert rows.submission("77").account == "new"

    after = claim_as_sent_for(rows, "77", one)

    assert (after.state, after.last_error_code) == ("failed", "sent_already")


def test_what_the_platform_refused_frees_both(rows: Rows) -> None:
    one = deposited(rows)
    status_update(rows, one, "213", REJECTED)

    assert claim_as_sent_for(rows, rows.noted(), one).state == "sending"


def test_what_was_certainly_never_deposited_frees_both(rows: Rows) -> None:
    """The way out that the runbook names: a person rejects it, and enters it anew as a row of its own."""
    one = rows.noted()
    rows.record(one, rows.claim(one), "failed", "not_deposited", error_code="given_up", error_message="no")
    act_on(rows, one, "reject")

    assert claim_as_sent_for(rows, rows.noted(), one).state == "sending"


def corrected(rows: Rows) -> tuple[str, Any]:
    """The same, and its corrected document is on its way under the same number; the invoice's key, and the claim."""
    invoice = rejected_though_it_may_stand(rows)
    rows.update(invoice, technical_status="pending")
    rows.look()
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    item = {"id": submission.id, "tries": submission.tries, "invoice_id": invoice, "sha256": "corrected"}
    item |= {"invoice_number": submission.invoice_number, "seller_siren": submission.seller_siren}
    (claim,) = rows.claim_items([item])
    assert claim.verdict == "claimed"
    return invoice, claim


def found(rows: Rows, invoice: str, claim: Any, attempt: str) -> None:
    """The call of the corrected one ended so, and its look-up then finds P-1."""
    rows.record(invoice, claim, "in_doubt", attempt, error_code="x", duplicate_verdict=attempt == "duplicate")
    rows.record(invoice, rows.claim(invoice), "submitted", platform_id="P-1")


def adopt(rows: Rows, invoice: str, platform_id: str) -> str:
    act = json.dumps({"who": "somebody", "why": "it stands", "operation": "adopt"})
    statement = "select facteur.adopt(%(id)s, %(found)s::jsonb, %(act)s::jsonb)"
    named = json.dumps({"platform_id": platform_id})
    return str(rows.value(statement, id=rows.submission(invoice).id, found=named, act=act))


@pytest.mark.parametrize("attempt", ["duplicate", "unknown"])
def test_a_look_up_that_finds_it_for_the_corrected_one_leaves_it_to_a_person(rows: Rows, attempt: str) -> None:
    invoice, claim = corrected(rows)

    found(rows, invoice, claim, attempt)

    after = rows.submission(invoice)
    assert (after.state, after.last_error_code) == ("failed", "rejected_document")
    assert f"facteur adopt id:{invoice} P-1" in after.last_error_message
    assert rows.invoice(invoice).technical_status == "error"


def test_an_answer_that_names_it_again_leaves_it_to_a_person_too(rows: Rows) -> None:
    invoice, claim = corrected(rows)

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1")
    assert rows.submission(invoice).state == "in_doubt"
    rows.advance(20)
    rows.record(invoice, rows.claim(invoice), "submitted", platform_id="P-1")

    assert (rows.submission(invoice).state, rows.submission(invoice).last_error_code) == ("failed", "rejected_document")


def test_what_the_person_then_adopts_is_the_invoices_and_what_was_known_of_it_is_settled(rows: Rows) -> None:
    invoice, claim = corrected(rows)
    found(rows, invoice, claim, "duplicate")

    adopt(rows, invoice, "P-1")

    known = rows.run(
        "select code, settled from facteur.status_events where submission_id = %(id)s order by id",
        id=rows.submission(invoice).id,
    )
    assert [tuple(each) for each in known] == [("213", True), ("205", False)]
    holders = rows.run("select state, platform_id from facteur.submissions order by id")
    assert [tuple(each) for each in holders] == [("rejected", None), ("submitted", "P-1")]
    assert rows.invoice(invoice).technical_status == "validated"


def test_what_was_not_sent_again_for_it_can_be_adopted_as_its_row_says(rows: Rows) -> None:
    invoice = rejected_though_it_may_stand(rows)
    rows.update(invoice, technical_status="pending")
    rows.look()
    after = claim_as_sent_for(rows, invoice, invoice)
    assert (after.state, after.last_error_code) == ("failed", "rejected_document")

    adopt(rows, invoice, "P-1")

    assert (rows.submission(invoice).state, rows.submission(invoice).platform_id) == ("submitted", "P-1")
