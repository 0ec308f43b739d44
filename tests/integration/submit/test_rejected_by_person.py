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
