"""Acts that ask the platform or SQS: a deposit is adopted on the platform's word, dead letters go back, a pin is compared."""

from __future__ import annotations

import json

import boto3
import pytest

from facteur.postgres.database import Database
from local.invoices import sample_invoice
from local.world.levers import World
from tests.operator import Operator, Printed
from tests.rows import Rows

SIGNED = ("--why", "restored to Monday", "--who", "jane@desk", "--yes")
FORGET = """
truncate facteur.attempts, facteur.status_events, facteur.submissions;
update invoicing.invoices set technical_status = 'pending', submission_id = null
"""

MIX_UP = """
with moved as (update facteur.attempts set platform_id = %(then)s where platform_id = %(was)s)
update facteur.submissions set platform_id = %(then)s where platform_id = %(was)s
"""


@pytest.fixture
def restored(world: World) -> World:
    """The platform has a deposit, and the database was restored to a moment before it; deposits wait."""
    world.add(1)
    world.deposit()
    world.database.rows(FORGET)
    world.relay()
    return world


def adopt(operator: Operator, world: World, platform_id: str, *more: str) -> Printed:
    return operator.run("adopt", f"id:{world.ids[1]}", platform_id, *SIGNED, *more)


def test_a_deposit_that_a_restore_forgot_is_adopted_and_never_sent_again(restored: World, operator: Operator) -> None:
    (deposit,) = restored.deposits(1)

    result = adopt(operator, restored, deposit["id"])
    restored.submit()  # the message was on the queue already
    restored.advance(60)
    restored.poll()

    assert result.code == 0, result.err
    assert len(restored.deposits(1)) == 1
    assert (restored.row(1).technical_status, restored.row(1).submission_id) == ("validated", deposit["id"])
    assert restored.submission(1).lifecycle_code == "203"
    (attempt,) = restored.attempts(1)
    assert (attempt.outcome, attempt.document_sha256) == ("accepted", deposit["sha256"])
    assert attempt.platform["client"]


def test_a_deposit_whose_answer_was_lost_is_adopted_on_its_attempt(world: World, operator: Operator) -> None:
    world.add(1)
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.deposit()
    assert world.submission(1).state == "in_doubt"
    (deposit,) = world.deposits(1)

    result = adopt(operator, world, deposit["id"])

    assert result.code == 0, result.err
    assert [(each.outcome, each.platform_id) for each in world.attempts(1)] == [("accepted", deposit["id"])]


def test_an_id_that_the_platform_does_not_show_under_the_number_is_refused(restored: World, operator: Operator) -> None:
    stranger = restored.simulator.add_foreign_invoice("F-STRANGER")

    for platform_id in (stranger, "no-such-id"):
        result = adopt(operator, restored, platform_id)

        assert result.code == 2
        assert f"shows no deposit {platform_id} under {sample_invoice(1).number}" in result.err
    assert restored.submission(1).state == "pending"


def test_another_document_under_the_same_number_is_refused(restored: World, operator: Operator) -> None:
    siren = sample_invoice(1).seller.siren
    stranger = restored.simulator.add_foreign_invoice(sample_invoice(1).number, seller=siren)

    result = adopt(operator, restored, stranger)

    assert result.code == 2
    assert "another document than the invoice's" in result.err
    assert adopt(operator, restored, stranger, "--unverified").code == 0


def test_a_deposit_of_another_seller_or_one_that_the_platform_refused_is_refused(
    restored: World, operator: Operator
) -> None:
    number, siren = sample_invoice(1).number, sample_invoice(1).seller.siren
    stranger = restored.simulator.add_foreign_invoice(number)
    refused = restored.simulator.add_foreign_invoice(number, seller=siren, statuses=["SUBMITTED", "REJECTED"])

    assert "and this invoice another's" in adopt(operator, restored, stranger).err
    assert f"the platform refused deposit {refused}" in adopt(operator, restored, refused).err
    assert restored.submission(1).state == "pending"


def test_a_platform_that_does_not_answer_adopts_nothing(restored: World, operator: Operator) -> None:
    (deposit,) = restored.deposits(1)
    restored.simulator.outage(600, "503")

    result = adopt(operator, restored, deposit["id"])

    assert result.code == 2
    assert "the platform could not be asked" in result.err
    assert restored.submission(1).state == "pending"


def test_adoption_works_while_the_account_is_paused_and_is_paid_for(restored: World, operator: Operator) -> None:
    operator.run("pause", "default", *SIGNED)
    (deposit,) = restored.deposits(1)
    tokens = "select tokens from facteur.budgets where key = 'address'"
    before = restored.database.row(tokens).tokens

    result = adopt(operator, restored, deposit["id"])

    assert result.code == 0, result.err
    assert before is None or restored.database.row(tokens).tokens == before - 3


def test_dead_letters_go_back_onto_the_queue_and_are_worked_off(world: World, operator: Operator) -> None:
    world.add(1)
    world.relay()
    dead = dead_letters(world)
    (message,) = world.messages()
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=dead, MessageBody=message["body"])
    sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=message["receiptHandle"])

    dry = operator.run("redrive", *SIGNED, "--dry-run")
    result = operator.run("redrive", *SIGNED)
    world.submit()

    assert "1 dead letter would go back" in dry.out
    assert "1 dead letter goes back" in result.out
    assert len(world.deposits(1)) == 1
    assert operator.ask("status")["dead_letters"] == 0
    assert world.database.row("select operation, who, detail from facteur.operations") == (
        "redrive", "jane@desk", {"dead_letters": 1},
    )  # fmt: skip


def test_an_empty_dead_letter_queue_is_reported_and_not_recorded(world: World, operator: Operator) -> None:
    dead_letters(world)

    result = operator.run("redrive", *SIGNED)

    assert (result.code, "There are no dead letters" in result.out) == (0, True)
    assert world.database.row("select count(*) as n from facteur.operations").n == 0


def test_a_redrive_that_sqs_refuses_leaves_no_record(world: World, operator: Operator) -> None:
    result = operator.run("redrive", *SIGNED)

    assert result.code == 2
    assert "has no dead-letter queue" in result.err
    assert world.database.row("select count(*) as n from facteur.operations").n == 0


def test_repin_shows_what_the_secret_says_now_and_the_account_goes_on(
    world: World, operator: Operator, rows: Rows, database: Database
) -> None:
    world.add(1)
    world.deposit()
    database.rows("update facteur.accounts set pin = jsonb_set(pin, '{client}', '\"old\"')")

    answer = operator.ask("repin", "default", *SIGNED)
    world.add(2)
    world.new_container()
    world.deposit()

    assert answer["was"]["client"] == "old"
    assert answer["secret_names"]["base_url"] == world.simulator.base_url
    assert json.dumps(world.simulator.client_secret) not in json.dumps(answer)
    assert world.row(2).technical_status == "validated"


def dead_letters(world: World) -> str:
    """A dead-letter queue behind the world's queue; its URL."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"{world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
    sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy})
    return url


def test_two_invoices_that_hold_each_others_deposit_are_put_right_by_one_adoption(
    world: World, operator: Operator
) -> None:
    for rank in (1, 2):
        world.add(rank)
    world.deposit()
    mine, others = (world.deposits(rank)[0]["id"] for rank in (1, 2))
    for was, then in ((mine, "aside"), (others, mine), ("aside", others)):
        world.database.rows(MIX_UP, {"was": was, "then": then})
    for _ in range(4):
        world.advance(120)
        world.poll()
    assert {world.submission(rank).objection_code for rank in (1, 2)} == {"shown_as_another"}

    unasked = adopt(operator, world, mine, "--unverified")
    result = adopt(operator, world, mine)
    for _ in range(3):
        world.advance(60)
        world.deposit()
        world.poll()

    assert (unasked.code, result.code) == (2, 0), result.err
    assert [world.row(rank).submission_id for rank in (1, 2)] == [mine, others]
    assert [world.row(rank).technical_status for rank in (1, 2)] == ["validated"] * 2
    assert [len(world.deposits(rank)) for rank in (1, 2)] == [1, 1]
