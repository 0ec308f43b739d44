"""Queue, secrets, documents, dead letters, redrive and the handlers' whole way, through LocalStack's services."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest

from local.invoices import render, sample_invoice
from local.world.levers import World
from local.world.stack import create_bucket
from tests.operator import Operator

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300)]
SIGNED = ("--who", "jane@desk", "--why", "the cause is removed", "--yes")
DELIVERIES = 3
FAULTS: dict[str, tuple[str, ...]] = {"good": (), "busy": ("503",), "lost": ("lost_answer",), "refused": ("400",)}


@pytest.fixture
def bucket(world: World) -> str:
    return create_bucket(world.aws, f"{world.prefix}-documents")


def add(world: World, bucket: str, rank: int) -> str:
    """An invoice whose document lies in S3; its number."""
    invoice = sample_invoice(rank)
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{rank}.xml", Body=render(invoice, "cii"))
    world.add(rank, uri=f"s3://{bucket}/{rank}.xml")
    return invoice.number


@pytest.mark.parametrize("kind", FAULTS)
def test_the_whole_way_of_an_invoice(world: World, bucket: str, kind: str) -> None:
    world.witness()
    number = add(world, bucket, 1)
    world.simulator.script(number, FAULTS[kind])

    for _ in range(8):
        world.deposit()
        world.advance(400)
    world.poll()

    state = "rejected" if kind == "refused" else "submitted"
    assert world.submission(1).state == state
    assert len(world.deposits(1)) == (0 if kind == "refused" else 1)
    assert world.row(1).technical_status == {"rejected": "rejected", "submitted": "validated"}[state]


def test_a_rotated_secret_is_read_again(world: World, bucket: str) -> None:
    add(world, bucket, 1)
    world.deposit()
    world.simulator.rotate_secret("another")
    secret = {
        "client_id": world.simulator.client_id,
        "client_secret": "another",
        "customer_id": world.simulator.customer_id,
    }
    world.put_secret("default", secret)
    world.new_container()
    add(world, bucket, 2)
    world.deposit()

    assert [world.submission(rank).state for rank in (1, 2)] == ["submitted", "submitted"]


def test_a_document_that_is_not_there_yet_is_waited_for(world: World, bucket: str) -> None:
    add(world, bucket, 1)
    boto3.client("s3").delete_object(Bucket=bucket, Key="1.xml")
    world.deposit()
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "document_missing")

    boto3.client("s3").put_object(Bucket=bucket, Key="1.xml", Body=render(sample_invoice(1), "cii"))
    world.advance(4000)
    world.deposit()

    assert world.submission(1).state == "submitted"


def test_a_message_that_is_never_deleted_becomes_a_dead_letter_and_is_redriven(
    world: World, bucket: str, operator: Operator
) -> None:
    add(world, bucket, 1)
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName=f"{world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": DELIVERIES})
    sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    world.relay()

    for _ in range(DELIVERIES + 1):
        world.messages()
    assert until(lambda: operator.ask("status")["dead_letters"]) == 1
    result = operator.run("redrive", *SIGNED)
    until(world.messages)
    world.submit()

    assert "1 dead letter goes back" in result.out
    assert len(world.deposits(1)) == 1
    assert operator.ask("status")["dead_letters"] == 0


def until(look: Any) -> Any:
    """What an answer shows once it shows something: LocalStack moves messages in the background."""
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found
