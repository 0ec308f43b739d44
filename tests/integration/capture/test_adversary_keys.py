"""What an adversary found about keys: they change, are used again, are copied; and what stands in the row is not in the document."""

from __future__ import annotations

import pytest

from facteur.errors import DatabaseUnavailableError, EnvironmentMismatchError
from local.invoices import render, sample_invoice
from local.world.levers import World

RESEND_AFTER = 600
LEASE = 160


def until_settled(world: World) -> None:
    for _ in range(12):
        world.deposit()
        world.advance(LEASE)


def test_a_row_whose_key_changes_while_its_deposit_is_in_doubt_is_not_sent_again(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    key = world.add(1)
    world.deposit()

    world.ids[1] = key + 1000
    world.database.rows(
        "update invoicing.invoices set id = %(new)s where id = %(key)s", {"new": key + 1000, "key": key}
    )
    until_settled(world)

    (deposit,) = world.deposits(1)
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "sent_already")
    assert f"row id:{key} (deposit {deposit['id']})" in world.submission(1).last_error_message


def test_a_copied_row_waits_while_the_same_document_is_in_doubt_and_may_go_once_that_is_refused(world: World) -> None:
    world.witness()
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    first = world.add(1)
    world.deposit()
    second = world.add(1)

    world.deposit()
    (deposit,) = world.deposits(1)
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "sent_already")

    world.simulator.add_status(deposit["id"], "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    until_settled(world)
    world.poll()
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "sent_already")
    world.update(1, technical_status="pending")
    until_settled(world)

    states = world.database.rows("select invoice_id, state from facteur.submissions order by id")[
        1:
    ]  # after the witness
    assert [(row.invoice_id, row.state) for row in states] == [
        (str(first), "rejected"),
        (str(second), "failed"),
        (str(second), "submitted"),
    ]
    assert len(world.deposits(1)) == 2


def test_two_rows_with_one_document_in_one_batch_make_one_deposit(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add(1)
    world.add(1)

    until_settled(world)

    assert capsys.readouterr().out.count('"Failures":[1.0]') == 1  # what the alarm watches
    assert len(world.simulator.calls("deposit")) == 1
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "sent_already")


def test_a_row_under_a_used_key_is_not_shown_the_old_ones_verdict(world: World) -> None:
    key = world.add(1)
    world.deposit()
    world.database.rows("delete from invoicing.invoices")
    world.add(2)
    world.database.rows("update invoicing.invoices set id = %(key)s", {"key": key})
    world.ids[2] = key

    world.deposit()
    world.deposit()

    assert world.row(2).technical_status == "error"
    assert sample_invoice(2).number in world.submission(2).mismatch
    (said,) = world.database.rows("select detail from facteur.story where what = 'now submitted'")
    assert "Give another invoice a row of its own" in said.detail
    assert world.database.row("select mismatched from facteur.health").mismatched == 1

    world.advance(100)
    world.poll()  # statuses of the old deposit change nothing in that
    assert world.row(2).technical_status == "error"

    world.update(2, invoice_number=sample_invoice(1).number, technical_status="pending")
    world.deposit()
    world.deposit()
    assert (world.row(2).technical_status, world.submission(2).mismatch) == ("validated", None)


def test_a_number_changed_while_in_doubt_goes_to_a_person_once_the_deposit_is_found(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.deposit()

    world.update(1, invoice_number="F-OTHER")
    until_settled(world)

    (deposit,) = world.deposits(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit["id"])
    assert "F-OTHER" in world.submission(1).mismatch


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_an_xml_document_that_has_not_the_rows_number_is_not_sent(world: World, syntax: str) -> None:
    world.add(1, syntax, number="F-OTHER")

    world.deposit()
    world.deposit()

    assert world.simulator.calls("deposit") == []
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "number_differs")
    message = world.submission(1).last_error_message
    assert f"the document's number is '{sample_invoice(1).number}', the row's is 'F-OTHER'" in message
    assert "Correct the invoice's number or its document" in message


@pytest.mark.parametrize(("letter", "shown"), [("\u2011", "\\u2011"), ("\u00a0", "\\xa0"), ("\u0421", "\\u0421")])
def test_two_numbers_that_look_alike_are_kept_apart_in_the_message(world: World, letter: str, shown: str) -> None:
    number = sample_invoice(1).number
    world.add(1, number=number[:3] + letter + number[3:], content=render(sample_invoice(1), "cii"))

    world.deposit()

    assert f"'{number[:3]}{shown}{number[3:]}'" in world.submission(1).last_error_message


def test_a_number_that_xml_escapes_is_found_in_its_document(world: World) -> None:
    escaped = render(sample_invoice(1), "cii").replace(sample_invoice(1).number.encode(), b"F&amp;1")
    world.add(1, number="F&1", content=escaped)

    world.deposit()

    assert [deposit["number"] for deposit in world.simulator.ledger()] == ["F&1"]


def test_a_worker_that_dies_after_a_lost_answer_leaves_the_clients_pin(world: World) -> None:
    world.add(1)
    world.relay()
    world.database.rows(
        "create function public.away() returns trigger language plpgsql as $$ begin raise 'gone'; end $$"
    )
    world.database.rows(
        "create trigger away before update of outcome on facteur.attempts for each row execute function public.away()"
    )
    with pytest.raises(DatabaseUnavailableError):
        world.submit()  # deposited, and nothing could be recorded
    world.database.rows("drop trigger away on facteur.attempts")
    world.simulator.add_account("other@example.org", "s", "customer-2")
    world.put_secret("default", {"client_id": "other@example.org", "client_secret": "s", "customer_id": "customer-2"})
    world.new_container()

    world.advance(LEASE)
    world.relay()
    with pytest.raises(EnvironmentMismatchError, match="pinned to another platform or client"):
        world.submit()

    assert len(world.deposits(1)) == 1
    assert world.submission(1).state == "in_doubt"


def test_an_invoice_that_a_firewall_always_refuses_does_not_stop_its_account(world: World) -> None:
    world.simulator.script(sample_invoice(0).number, ["403_html"] * 50)
    world.add(0)
    world.deposit()
    for rank in range(1, 6):
        world.add(rank)

    for _ in range(3):
        world.advance(301)
        world.deposit()

    assert [len(world.deposits(rank)) for rank in range(6)] == [0, 1, 1, 1, 1, 1]


def test_credentials_that_are_refused_are_asked_for_once_or_twice_and_not_by_every_thread(world: World) -> None:
    world.put_secret("default", {"client_id": world.simulator.client_id, "client_secret": "wrong"})
    for rank in range(10):
        world.add(rank)

    world.deposit()

    assert len(world.simulator.calls("token")) == 2  # with the secret as cached, and read again
    assert world.simulator.calls("deposit") == []


def test_a_mismatch_of_a_refused_deposit_does_not_bring_its_verdict_back_over_the_next_one(world: World) -> None:
    world.witness()
    world.simulator.add_company(sample_invoice(1).buyer.siren, behaviour="213")
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, "ubl")
    world.deposit()
    world.update(1, invoice_number="F-OTHER")
    for _ in range(8):
        world.deposit()
        world.advance(LEASE)
        world.poll()
    assert (world.submission(1).state, world.row(1).technical_status) == ("rejected", "rejected")
    assert world.submission(1).mismatch

    world.update(1, technical_status="pending")
    world.relay()
    world.relay()

    assert (world.submission(1).state, world.row(1).technical_status) == ("pending", "pending")
