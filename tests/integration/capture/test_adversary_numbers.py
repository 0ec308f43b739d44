"""What an adversary found about numbers: rows that change theirs at the wrong moment, and numbers that look alike."""

from __future__ import annotations

import json

import pytest

from facteur.domain.submission import Intent
from local.invoices import render, sample_invoice
from local.world.levers import World
from tests.rows import CLAIM, Rows

LEASE = 160
LEASE_OVER = 61
PLATFORM = {"provider": "iopole", "base_url": "https://x", "client": "c"}


def test_a_number_changed_between_read_and_claim_is_not_shown_as_deposited(rows: Rows) -> None:
    invoice = rows.noted()
    stale = rows.queued(invoice)  # now the document is fetched, which takes seconds
    rows.update(invoice, invoice_number="F-OTHER", document_uri="s3://bucket/other.pdf")
    rows.look()  # the relay watches meanwhile
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=stale.submission_id)

    claims = rows.submissions.claim([Intent(stale, "ab" * 32, PLATFORM)])
    for claim in claims:
        rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1")

    assert claims == [] or rows.invoice(invoice).technical_status == "error"


def test_a_number_corrected_after_giving_up_is_not_shown_as_deposited_when_the_old_one_is_found(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "failed")  # an attempt of unknown outcome
    rows.update(invoice, invoice_number="F-OTHER", technical_status="pending")
    rows.look()
    attempt = rows.value("select id from facteur.attempts")

    claim = rows.claim(invoice)
    found = {"submission_id": claim.submission_id, "account": "default", "lease_token": claim.lease_token}
    found |= {
        "move": {"state": "submitted", "platform_id": "P-1"},
        "found": [{"attempt_id": attempt, "platform_id": "P-1"}],
    }
    rows.run("select facteur.record(%(o)s::jsonb)", o=json.dumps(found))

    assert rows.invoice(invoice).technical_status == "error"


def test_a_row_without_a_number_under_a_used_key_is_not_shown_the_old_ones_verdict(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.run("delete from invoicing.invoices")
    rows.run(
        "insert into invoicing.invoices (id, issue_date, document_uri, status) values (%(id)s, '2026-09-02', 's3://b/2.pdf', 'final')",
        id=invoice,
    )
    rows.look()
    rows.write_back()

    assert rows.invoice(invoice).technical_status == "error"


@pytest.mark.parametrize("end", ["rejected", "failed"])
def test_an_old_verdict_is_not_written_over_a_row_that_asks_again(rows: Rows, end: str) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "in_doubt")
    rows.update(invoice, invoice_number="F-OTHER")
    rows.look()
    rows.write_back()
    assert rows.submission(invoice).mismatch
    rows.record(invoice, rows.claim(invoice), end, error_code="conflict", error_message="differs")
    assert rows.invoice(invoice).technical_status in ("rejected", "error")

    rows.update(invoice, technical_status="pending")
    rows.look()
    rows.write_back()

    assert (rows.submission(invoice).state, rows.invoice(invoice).technical_status) == ("in_doubt", "pending")


def test_a_number_that_is_only_a_part_of_the_documents_is_not_its_number(world: World) -> None:
    short = sample_invoice(1).number[-3:]
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, number=short)
    for _ in range(12):
        world.deposit()
        world.advance(LEASE)

    assert len(world.simulator.calls("deposit")) <= 1


@pytest.mark.parametrize(
    ("number", "written"), [("F/1", b"F&#47;1"), ("F'1", b"F&apos;1"), ('F"1', b"F&quot;1"), ("F>1&2", b"F>1&amp;2")]
)
def test_a_number_that_a_serializer_escapes_otherwise_is_found(world: World, number: str, written: bytes) -> None:
    world.add(
        1, number=number, content=render(sample_invoice(1), "cii").replace(sample_invoice(1).number.encode(), written)
    )
    world.deposit()
    world.deposit()
    assert world.row(1).technical_status == "validated", world.submission(1).last_error_message


def test_a_late_201_does_not_validate_a_row_whose_number_was_changed_since(rows: Rows) -> None:
    invoice = rows.noted()
    late = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    rows.record(invoice, rows.claim(invoice), "pending")  # not found
    rows.update(invoice, invoice_number="F-OTHER")
    rows.look()

    rows.record(invoice, late, "submitted", "accepted", platform_id="P-1")

    assert rows.invoice(invoice).technical_status == "error"


def test_statuses_do_not_touch_a_mismatched_row_that_was_already_written(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.update(invoice, invoice_number="F-OTHER", technical_status="pending")
    rows.look()
    rows.write_back()
    said = rows.invoice(invoice).last_technical_update
    s = rows.submission(invoice)
    update = {
        "submission_id": s.id,
        "platform_id": s.platform_id,
        "events": [],
        "newest": {},
        "move": {"state": "submitted", "due_in_seconds": 60},
    }
    rows.run("select * from facteur.record_status_update(%(n)s::jsonb)", n=json.dumps(update))
    assert rows.invoice(invoice).last_technical_update == said


def test_a_document_replaced_between_read_and_claim_is_read_again(rows: Rows) -> None:
    invoice = rows.noted()
    stale = rows.queued(invoice)
    assert stale.invoice
    rows.update(invoice, document_uri="s3://bucket/other.pdf", total=77)
    rows.look()
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=stale.submission_id)
    item = {
        "id": stale.submission_id,
        "tries": stale.tries,
        "sha256": "ab" * 32,
        "invoice_number": stale.invoice.invoice_number,
        "seller_siren": "732829320",
    }
    assert [row.verdict for row in rows.run(CLAIM, items=json.dumps([item]))] == ["stale"]


def test_a_row_that_somebody_always_sets_back_to_pending_is_sent_ever_more_rarely(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["400"] * 100)
    world.add(1)

    for _ in range(60):
        world.deposit()
        if world.row(1).technical_status == "rejected":
            world.update(1, technical_status="pending")
        world.advance(30)

    assert 5 <= len(world.simulator.calls("deposit")) <= 10
