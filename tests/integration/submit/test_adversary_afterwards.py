"""What comes after an answer, a verdict, a person's decision, a failover: each of these was a hole (an adversary's, on 870082a)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from facteur.domain.decide_look_up import (
    decided,
)
from local.invoices import UNKNOWN_BUYER, render, sample_invoice
from local.invoices.samples import company
from local.sam import ROOT
from local.world.levers import World, platform_secret
from tests.operator import Operator
from tests.rows import Rows

HOUR, DAY = 3600.0, 86400.0
# A replica that never had the last seconds takes over.
PROMOTED = """
delete from facteur.status_events where id not in (select id from public.status_events);
update facteur.submissions s set state = b.state, due_at = b.due_at, finalized_at = b.finalized_at, lifecycle_code = b.lifecycle_code,
    last_error_code = b.last_error_code, written_status = b.written_status, write_back_due_at = b.write_back_due_at
from public.submissions b where b.id = s.id;
update invoicing.invoices i set technical_status = b.technical_status, submission_id = b.submission_id
from public.invoices b where b.id = i.id
"""
RESTORE = (ROOT / "docs" / "restore.md").read_text()
SWEEP, PULL, HISTORY = ({"STATUS_SOURCE": source} for source in ("sweep", "pull", "history"))
ALL = pytest.mark.parametrize("settings", [SWEEP, PULL, HISTORY])


def polled(world: World, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        world.advance(seconds)
        world.relay()
        world.poll()
        world.poll()


def settle(world: World, rounds: int = 12) -> None:
    for _ in range(rounds):
        world.deposit()
        world.advance(100)
        world.poll()


def failed(world: World) -> int:
    return int(world.database.row("select facteur.failed_invoices() as n").n)


def production(world: World) -> None:
    world.put_secret("default", platform_secret(world.simulator) | {"sandbox": False})


def deposited(world: World) -> str:
    production(world)
    world.add(1)
    world.deposit()
    polled(world, 10)
    return str(world.row(1).submission_id)


def with_document(world: World, number: str, content: bytes) -> None:
    path = world.folder / f"{number}.xml"
    path.write_bytes(content)
    world.update(1, invoice_number=number, document_uri=path.as_uri(), technical_status="pending")


def uploaded_by_hand(world: World, document: bytes) -> str:
    simulator = world.simulator
    form = {
        "grant_type": "client_credentials",
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
    }
    path = "/realms/iopole/protocol/openid-connect/token"
    token = requests.post(simulator.auth_url + path, data=form, timeout=10).json()["access_token"]
    answer = requests.post(
        f"{simulator.base_url}/v1/invoice", files={"file": ("by-hand.xml", document, "application/xml")},
        headers={"Authorization": f"Bearer {token}", "customer-id": simulator.customer_id}, timeout=10,
    )  # fmt: skip
    return str(answer.json()["id"])


# --- 1. a refused deposit of the same bytes is taken at the first look-up, before ours can be shown----------------------------


def _by_hand(world: World, document: bytes) -> None:
    uploaded_by_hand(world, document)
    world.advance(400)
    world.add(1, content=document)


def _before_a_restore(world: World, document: bytes) -> None:
    world.add(1, content=document)
    world.deposit()
    polled(world, 10)
    polled(world, 400)
    assert world.row(1).technical_status == "rejected"
    key = {"id": str(world.ids[1])}
    of_it = "(select id from facteur.submissions where invoice_id = %(id)s)"
    world.database.rows(f"delete from facteur.status_events where submission_id in {of_it}", key)
    world.database.rows("delete from facteur.attempts where invoice_id = %(id)s", key)
    world.database.rows("delete from facteur.submissions where invoice_id = %(id)s", key)
    world.update(1, technical_status="pending", submission_id=None)


@pytest.mark.parametrize("made", [_by_hand, _before_a_restore])
def test_a_refused_deposit_of_the_same_bytes_is_not_taken_before_ours_can_be_shown(
    world: World, made: Callable[[World, bytes], None]
) -> None:
    production(world)
    world.witness()
    invoice = replace(sample_invoice(1), buyer=UNKNOWN_BUYER)
    made(world, render(invoice, "cii"))  # refused: the buyer is not in the directory
    world.simulator.add_company(UNKNOWN_BUYER.siren)  # by now it is
    world.simulator.configure(search_lag=200)  # of the 600 that are assumed
    world.simulator.script(invoice.number, ["lost_answer"])
    settle(world, 8)

    (good,) = [each["id"] for each in world.deposits(1) if each["verdict"] == "accepted"]
    wrong = (world.row(1).technical_status, world.row(1).submission_id) != ("validated", good)
    if wrong:  # what a rejected row asks for: correct it under a number of its own
        number = f"{invoice.number}-B"
        with_document(world, number, render(replace(invoice, number=number), "cii"))
        settle(world)
    stored = [each for each in world.simulator.ledger() if each["number"].startswith(invoice.number)]
    assert len([each for each in stored if each["verdict"] == "accepted"]) == 1, "two deposits of one invoice stand"
    assert not wrong


@pytest.mark.parametrize("minutes_before", [0, 5])
def test_a_persons_deposit_that_stands_is_taken_and_not_ours_that_was_its_duplicate(
    world: World, minutes_before: int
) -> None:
    """The history of ours says no reason, so it would count as the invoice's refusal."""
    production(world)
    world.witness()
    document = render(sample_invoice(1), "cii")
    by_hand = uploaded_by_hand(world, document)
    world.advance(60 * minutes_before)
    world.simulator.configure(history_twists=["nulls"])
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, content=document)
    settle(world, 8)

    assert [each["verdict"] for each in world.deposits(1)] == ["accepted", "duplicate"]
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", by_hand)


# --- 2. sweep: a refusal dated before the status that search shows last --------------------------------------------------------


@ALL
def test_a_refusal_that_is_dated_before_what_was_shown_last_is_heard(world: World) -> None:
    production(world)
    world.simulator.configure(delay_available=7200.0)
    world.add(1)
    world.deposit()
    polled(world, 10)
    polled(world, 7300, 3)
    assert (world.row(1).technical_status, world.submission(1).lifecycle_code) == ("validated", "203")
    deposit = str(world.row(1).submission_id)
    # an hour after the deposit, and so an hour before 203: a clock that is behind, or reported late
    world.simulator.add_status(
        deposit, "REJECTED", reason="EINVOICING_ADDRESS_INCORRECT", author="PLATFORM", at_offset=-18300
    )

    polled(world, DAY, 20)

    unread = world.database.row("select facteur.oldest_unread_seconds() as n").n
    assert world.row(1).technical_status == "rejected" or failed(world) or unread


# --- 3. what a person has settled is deaf for ever ------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("later", ["UNACCEPTABLE", "REJECTED"])
def test_a_refusal_that_comes_after_a_person_settled_a_contradiction_is_heard(world: World, later: str) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "IN_HAND", author="BUYER", at_offset=40)
    polled(world, 100, 2)
    assert world.row(1).technical_status == "error"
    act = {"who": "Ann", "why": "the platform says that it stands", "operation": "adopt"}
    world.database.rows(
        "select facteur.adopt(%(id)s, %(found)s::jsonb, %(act)s::jsonb)",
        {"id": world.submission(1).id, "found": json.dumps({"platform_id": deposit}), "act": json.dumps(act)},
    )
    polled(world, HOUR, 2)
    assert world.row(1).technical_status == "validated"

    world.simulator.add_status(deposit, later, reason="SEMANTIC_ERROR", message="refused for good", author="PLATFORM")
    polled(world, HOUR, 4)
    polled(world, DAY, 4)

    assert world.row(1).technical_status != "validated" or failed(world)


@ALL
def test_a_contradiction_after_a_mix_up_was_settled_is_heard(world: World) -> None:
    deposit = deposited(world)
    world.database.rows(  # as facteur adopt leaves it
        "update facteur.submissions set objection_code = 'shown_as_another', objection = null where id = %(id)s",
        {"id": world.submission(1).id},
    )
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "APPROVED", author="BUYER", at_offset=40)

    polled(world, 100, 3)
    polled(world, HOUR, 3)

    assert world.row(1).technical_status == "error" or failed(world)


# --- 4. the refused predecessor is taken after all, beside its successor --------------------------------------------------------


@pytest.mark.parametrize("settings", [PULL])
def test_a_buyer_who_takes_the_refused_deposit_after_its_successor_was_sent_is_heard(world: World) -> None:
    first = deposited(world)
    world.simulator.add_status(first, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, 30)
    assert world.row(1).technical_status == "rejected"
    number = "F-2026-00001-B"
    with_document(world, number, render(replace(sample_invoice(1), number=number), "cii"))
    for _ in range(3):
        world.deposit()
        polled(world, 60)
    assert (world.submission(1).state, world.submission(1).platform_id != first) == ("submitted", True)

    world.simulator.add_status(first, "APPROVED", author="BUYER", message="approved, we pay")
    polled(world, 100, 2)
    polled(world, HOUR, 3)

    stored = world.database.rows(
        "select code, written_at from facteur.status_events where platform_id = %(p)s", {"p": first}
    )
    assert "205" in [event.code for event in stored]
    assert failed(world) or world.row(1).technical_status == "error"


# --- 5. pull: what was acknowledged before a failover that lost it --------------------------------------------------------------


@pytest.mark.parametrize("settings", [PULL])
def test_a_refusal_that_was_acknowledged_before_a_failover_lost_it_is_heard(world: World) -> None:
    deposit = deposited(world)
    world.add(2)
    world.deposit()
    other = str(world.row(2).submission_id)

    def a_day() -> None:
        world.simulator.add_status(other, "PAYMENT_RECEIVED", author="SELLER")  # an account with a new status every day
        polled(world, DAY / 2, 2)

    for _ in range(5):
        a_day()
    remember = "create table public.{0} as select * from {1}.{0}"
    for schema, table in (("facteur", "status_events"), ("facteur", "submissions"), ("invoicing", "invoices")):
        world.database.rows(remember.format(table, schema))
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    world.poll()
    assert world.row(1).technical_status == "rejected"
    world.database.rows(PROMOTED)

    (step,) = re.findall(r"^update facteur.submissions set history_due_at.*;$", RESTORE, re.MULTILINE)
    world.database.rows(step)
    a_day()

    assert world.row(1).technical_status == "rejected"


# --- 6. a deposit that a duplicate's look-up found is in no attempt --------------------------------------------------------------


def found_after_a_duplicates_verdict(world: World) -> bytes:
    production(world)
    world.witness()
    document = render(sample_invoice(1), "cii")
    by_hand = uploaded_by_hand(world, document)
    world.add(1, content=document)
    settle(world)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", by_hand)
    assert [attempt.outcome for attempt in world.attempts(1)] == ["duplicate", "accepted"]
    return document


def test_the_bytes_of_a_deposit_that_was_found_after_a_duplicates_verdict_are_not_sent_for_another_row(
    world: World,
) -> None:
    document = found_after_a_duplicates_verdict(world)
    posted = len(world.deposits(1))

    world.add(1, content=document)  # a copy of the row
    settle(world)

    assert len(world.deposits(1)) == posted


def test_who_lets_go_of_a_deposit_that_a_duplicates_look_up_found_sends_nothing_blindly(
    world: World, operator: Operator
) -> None:
    found_after_a_duplicates_verdict(world)
    posted = len(world.deposits(1))
    world.database.rows("select facteur.stop_one(%(id)s, 'shown under another number')", {"id": world.submission(1).id})
    world.relay()
    assert operator.run("reject", f"id:{world.ids[1]}", "--why", "not ours", "--yes").code == 0

    world.update(1, technical_status="pending")
    settle(world)

    assert len(world.deposits(1)) == posted


# --- 7. a person's reject of a contradiction ---------------------------------------------------------------------------------------


@ALL
def test_who_rejects_a_contradiction_by_mistake_can_take_it_back(world: World, operator: Operator) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "APPROVED", author="BUYER", at_offset=40)
    polled(world, 100, 3)
    assert operator.run("reject", f"id:{world.ids[1]}", "--why", "it does not stand", "--yes").code == 0

    result = operator.run("adopt", f"id:{world.ids[1]}", deposit, "--unverified", "--why", "it does stand", "--yes")
    world.update(1, technical_status="pending")
    settle(world, 6)

    assert (result.code, len(world.deposits(1))) == (0, 1), result.err


@pytest.mark.parametrize("settings", [PULL])
def test_a_persons_rejection_is_not_undone_by_the_next_status(world: World, operator: Operator) -> None:
    production(world)
    world.witness()
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "APPROVED", author="BUYER", at_offset=40)
    polled(world, 100, 3)
    assert operator.run("reject", f"id:{world.ids[1]}", "--why", "it does not stand", "--yes").code == 0

    world.simulator.add_status(deposit, "PAYMENT_SENT", author="BUYER")
    polled(world, 100, 3)

    assert world.row(1).technical_status == "rejected"


# --- 8. what the message of a conflicting deposit says a person should do ------------------------------------------------------------


def test_an_invoice_whose_number_another_deposit_has_is_deposited_as_a_row_of_its_own(world: World) -> None:
    production(world)
    world.witness()
    invoice = sample_invoice(1)
    world.simulator.add_foreign_invoice(invoice.number, seller=invoice.seller.siren)
    world.simulator.script(invoice.number, ["503"])  # not stored
    world.add(1)
    settle(world)
    assert "enter this invoice as a row of its own, with a number of its own" in world.submission(1).last_error_message

    world.add(2)
    settle(world)

    assert len(world.deposits(2)) == 1
    assert [each["direction"] for each in world.deposits(1)].count("OUTBOUND") <= 1


def test_an_answer_that_outlives_a_failover_closes_no_later_attempt_of_the_same_invoice(rows: Rows) -> None:
    invoice = rows.noted()
    old = rows.claim(invoice)  # under way
    rows.run("truncate facteur.attempts, facteur.submissions, facteur.status_events restart identity")
    rows.update(invoice, total=121)
    rows.look()
    new = rows.claim(invoice)
    assert (old.submission_id, old.attempt_id) == (new.submission_id, new.attempt_id)

    rows.record(invoice, old, "pending", "not_deposited", error_code="too_many_requests", error_message="slow down")
    rows.record(invoice, new, "in_doubt", "unknown", error_code="no_answer", error_message="no answer")

    assert not decided(rows.submissions.doubt(rows.submission(invoice).id)), "it is sent again without a look-up"


# --- 10. a late 201 revives an older submission than the last (a deposit hidden for longer than is assumed) ---------------------------


def test_a_row_whose_older_submission_lives_is_not_given_the_newer_ones_verdict(rows: Rows) -> None:
    invoice = rows.noted()
    first = rows.claim(invoice)
    rows.advance(61)
    rows.relay.end_expired_leases()
    rows.record(invoice, rows.claim(invoice), "failed", error_code="given_up", error_message="nobody answers")
    rows.update(invoice, technical_status="pending")
    rows.look()
    rows.record(invoice, rows.claim(invoice), "pending")
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-second")
    event = {
        "status_id": "s", "code": "213", "platform_code": "213", "label": "213", "occurred_at": "2026-10-01T10:00:00Z", "raw": {},
    }  # fmt: skip
    update = {
        "submission_id": rows.submission(invoice).id, "platform_id": "P-second", "events": [event], "decided_on": 1,
        "move": {"state": "rejected", "error_code": "213", "error_message": "no"},
    }  # fmt: skip
    rows.run("select * from facteur.record_status_update(%(n)s::jsonb)", n=json.dumps(update))
    rows.record(invoice, first, "submitted", "accepted", platform_id="P-first")
    assert rows.states(invoice) == ["submitted", "rejected"]
    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-first")

    rows.update(invoice, total=122)  # anybody touches the row
    rows.look()
    rows.write_back()

    assert (rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == ("validated", "P-first")


# --- 9. what lies beside ours under the number: another row's, and our own that was refused --------------------------------------


def of_the_neighbour(rank: int, number: str) -> tuple[bytes, str]:
    """A document under the number of another seller's, and its seller."""
    seller = company("Sœur de Vauban SARL", "130", 7)
    return render(replace(sample_invoice(rank, seller=seller), number=number), "cii"), seller.siren


def test_what_a_person_uploads_of_a_neighbours_document_stops_nobody_else(world: World) -> None:
    """Two sellers, one number, one amount; one of them was deposited, and then by hand as well."""
    production(world)
    number, document = sample_invoice(1).number, render(sample_invoice(1), "cii")
    theirs, siren = of_the_neighbour(1, number)
    witness, _ = of_the_neighbour(3, sample_invoice(3).number)
    world.add(1, content=document)
    world.add(3, content=witness, siren=siren)
    world.deposit()
    world.simulator.script(number, ["503"])
    world.add(2, number=number, content=theirs, siren=siren, total=sample_invoice(1).total)
    world.deposit()
    assert world.submission(2).state == "in_doubt"
    uploaded_by_hand(world, document)

    settle(world, 24)

    assert (world.row(1).technical_status, world.row(2).technical_status) == ("validated", "validated")


def test_a_first_deposit_that_was_refused_and_never_answered_is_named_to_a_person(
    world: World, operator: Operator
) -> None:
    """Its account has no witness, and the search shows this very document as refused: the message says which, and what records it."""
    production(world)
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, content=render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii"))
    world.deposit()
    (deposit,) = world.deposits(1)
    world.database.rows("update facteur.submissions set doubt_since = doubt_since - interval '4 days'")
    for _ in range(3):
        world.advance(3700)
        world.deposit()
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "no_witness")
    advice = re.search(r"facteur (adopt id:\S+ \S+ --unverified)", world.submission(1).last_error_message)
    assert advice
    assert deposit["id"] in advice[1]

    assert operator.run(*advice[1].split(), "--why", "nothing else there", "--yes").code == 0
    polled(world, 10)

    assert (world.row(1).technical_status, world.row(1).submission_id) == ("rejected", deposit["id"])
