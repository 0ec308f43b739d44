"""Another document than the one whose outcome nobody knows: not sent after a retry either, but after a verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.invoices import render, sample_invoice
from local.world.levers import World, platform_secret
from tests.operator import Operator
from tests.rows import Rows


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "history"}


def looked_up_after(rows: Rows, verdict: str) -> str:
    """An attempt of unknown outcome, a verdict on its submission, and a new one that was looked up; the invoice's key."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "in_doubt", "unknown", error_code="no_answer", error_message="x")
    if verdict == "refused":
        rows.record(invoice, rows.claim(invoice), "pending")
        rows.record(invoice, rows.claim(invoice), "rejected", "rejected", error_code="HTTP_400", error_message="no")
    else:
        rows.record(invoice, rows.claim(invoice), "failed", error_code="given_up", error_message="x")
    if verdict == "rejected by a person":
        act = json.dumps({"who": "somebody", "why": "another document", "operation": "reject"})
        rows.run("select facteur.reject(%(id)s, %(act)s::jsonb)", id=rows.submission(invoice).id, act=act)
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert rows.submission(invoice).state == "in_doubt"
    rows.record(invoice, rows.claim(invoice), "pending")
    return invoice


def test_what_was_retried_is_bound_to_the_document_that_was_sent(rows: Rows) -> None:
    invoice = looked_up_after(rows, "failed")

    (sent,) = rows.run("select document_sha256 from facteur.attempts")
    assert rows.queued(invoice).doubtful_sha256 == (sent.document_sha256,)


@pytest.mark.parametrize("verdict", ["refused", "rejected by a person"])
def test_after_a_verdict_it_may_be_corrected(rows: Rows, verdict: str) -> None:
    invoice = looked_up_after(rows, verdict)

    assert rows.queued(invoice).doubtful_sha256 == ()


def test_a_document_that_was_changed_under_a_hidden_deposit_is_not_sent_however_often_it_is_retried(
    world: World, operator: Operator
) -> None:
    number = sample_invoice(1).number
    world.put_secret("default", platform_secret(world.simulator) | {"sandbox": False})
    world.witness()
    world.simulator.configure(search_hides=[f"number:{number}"])
    world.simulator.script(number, ["lost_answer"])
    world.add(1)
    world.deposit()
    other = replace(sample_invoice(1), number=f"{number}-B")
    path = world.folder / "other.xml"
    path.write_bytes(render(other, "cii"))
    world.update(1, invoice_number=other.number, document_uri=path.as_uri(), technical_status="pending")

    for _ in range(2):
        waited(world)
        assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "document_changed")
        assert operator.run("retry", f"id:{world.ids[1]}", "--why", "again", "--yes").code == 0

    assert [each["number"] for each in world.simulator.ledger()].count(other.number) == 0


def waited(world: World) -> None:
    """Until a doubt was looked up often enough, and what follows is done."""
    for _ in range(9):
        world.advance(160)
        world.relay()
        world.submit()
