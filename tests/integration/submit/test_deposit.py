"""A row becomes a deposit, and its verdict comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from facteur.domain.ports import Document, Documents
from facteur.domain.submission import Invoice
from facteur.observability import PowertoolsJournal
from facteur.submit_invoices.run import submit_invoices
from facteur.submit_invoices.wiring import submit_services
from local.invoices import sample_invoice
from local.world.levers import World


@pytest.mark.parametrize("syntax", ["cii", "ubl", "facturx"])
def test_a_finished_invoice_is_deposited_once_and_followed(world: World, syntax: str) -> None:
    world.add(1, syntax)

    world.deposit()
    world.deposit()

    (deposit,) = world.deposits(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", deposit["id"])
    assert world.submission(1).state == "submitted"

    world.advance(10)
    world.poll()

    assert world.submission(1).lifecycle_code == "203"
    codes = [row.code for row in world.database.rows("select code from facteur.status_events order by occurred_at, id")]
    assert codes == ["200", "200", "201", "202", "203"]


def test_a_draft_is_left_alone(world: World) -> None:
    world.add(1)
    world.update(1, status="draft")

    world.deposit()

    assert world.deposits(1) == []
    assert world.database.rows("select id from facteur.submissions") == []


def test_a_refusal_by_the_platform_comes_back_with_its_words(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["400"])
    world.add(1)

    world.deposit()

    assert world.row(1).technical_status == "rejected"
    assert "HTTP 400" in world.submission(1).last_error_message
    assert world.attempts(1)[0].outcome == "rejected"
    assert world.deposits(1) == []


def test_a_lost_answer_is_looked_up_and_adopted(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)

    world.deposit()
    assert world.submission(1).state == "in_doubt"
    world.advance(20)
    world.deposit()

    (deposit,) = world.deposits(1)
    assert world.row(1).submission_id == deposit["id"]
    assert [attempt.platform_id for attempt in world.attempts(1)] == [deposit["id"]]


def test_a_503_is_sent_again_only_after_the_platform_has_been_asked_often_enough(world: World) -> None:
    world.witness()
    world.simulator.script(sample_invoice(1).number, ["503"])
    world.add(1)

    world.deposit()
    looked = 0
    while world.submission(1).state == "in_doubt":
        assert len(world.deposits(1)) == 0
        world.advance(160)
        world.deposit()
        looked += 1
    world.deposit()

    assert looked == 5  # the platform's clock is first read at the first look-up
    assert len(world.deposits(1)) == 1
    assert world.row(1).technical_status == "validated"
    assert [attempt.outcome for attempt in world.attempts(1)] == ["not_found", "accepted"]


@dataclass
class SlowDocuments:
    """Documents that take so long that another copy of the message is worked off meanwhile."""

    documents: Documents
    world: World

    def far(self, invoice: Invoice) -> bool:
        return self.documents.far(invoice)

    def fetch(self, invoice: Invoice, hold_bytes: int | None, longest_bytes: int) -> Document | None:
        self.world.submit()
        self.world.advance(20)
        self.world.relay()
        return self.documents.fetch(invoice, hold_bytes, longest_bytes)


def test_a_row_that_was_read_before_its_answer_was_lost_is_not_sent_again(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.relay()
    services = submit_services(PowertoolsJournal("test"))

    submit_invoices([1], replace(services, documents=SlowDocuments(services.documents, world)))
    world.submit()
    world.deposit()

    assert len(world.simulator.calls("deposit")) == 1
    assert len(world.attempts(1)) == 1
    assert world.row(1).submission_id == world.deposits(1)[0]["id"]
