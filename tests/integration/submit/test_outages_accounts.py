"""Cold starts, rotated secrets, one account's troubles, and messages that end in the dead-letter queue."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import boto3
import pytest

from local.measure.ground import add_invoices, hand_over, prepare, received, states, work_off
from local.measure.starts import ACCOUNT_PAUSE_SECONDS, cold_starts, rotation
from local.world.levers import World, platform_secret
from tests.operator import Operator

TRIES = 3
SECOND: dict[str, Any] = {"client_id": "second@facteur.example", "client_secret": "second", "customer_id": "customer-2"}
PENDING = "select count(*) as n from facteur.submissions where account = 'second' and state = 'pending'"


@pytest.fixture
def ready(world: World) -> World:
    prepare(world)
    return world


@pytest.mark.slow
def test_a_cold_start_costs_one_token(ready: World) -> None:
    started = cold_starts(ready, containers=5, invoices_each=3)

    assert (started.token_calls, started.deposits) == (5, 15)


@pytest.mark.parametrize("late", [False, True])
def test_a_rotated_secret_fails_no_invoice(ready: World, late: bool) -> None:
    rotated = rotation(ready, invoices=5, late=late)

    assert (rotated.deposits, rotated.failed) == (10, 0)
    assert states(ready) == {"submitted": 10}


@pytest.mark.slow
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(SECOND | {"client_secret": "wrong"}, id="token refused"),
        pytest.param(SECOND | {"customer_id": "wrong"}, id="customer unknown"),
        pytest.param({"client_id": "second@facteur.example"}, id="secret malformed"),
        pytest.param("not json", id="secret unreadable"),
        pytest.param(None, id="secret missing"),
    ],
)
def test_one_account_that_is_refused_stops_no_other_and_loses_nothing(
    ready: World, secret: dict[str, str] | str | None
) -> None:
    ready.simulator.add_account(**SECOND)
    if secret is not None:
        ready.put_secret("second", secret)
    add_invoices(ready, 12, "second")
    add_invoices(ready, 12)

    work_off(ready)

    assert deposits_by_account(ready) == {ready.simulator.client_id: 12}
    assert ready.database.row(PENDING).n == 12

    ready.put_secret("second", SECOND)
    ready.new_container()  # or the cached secret serves for some minutes of real time
    ready.advance(ACCOUNT_PAUSE_SECONDS)
    work_off(ready)
    assert deposits_by_account(ready)[SECOND["client_id"]] == 1  # alone, until it is accepted
    work_off(ready)

    assert deposits_by_account(ready) == {ready.simulator.client_id: 12, SECOND["client_id"]: 12}
    assert states(ready) == {"submitted": 24}


def test_one_account_that_pauses_stops_no_other(ready: World) -> None:
    ready.simulator.add_account(**SECOND)
    ready.put_secret("second", SECOND)
    add_invoices(ready, 12, "second")
    add_invoices(ready, 12)
    ready.database.rows("select facteur.pause('account:second', 600, 'too_many_requests')")

    work_off(ready)

    assert deposits_by_account(ready) == {ready.simulator.client_id: 12}
    (result,) = ready.database.rows("select pause_reason from facteur.health where account = 'second'")
    assert result.pause_reason == "too_many_requests"

    ready.advance(601)
    work_off(ready)

    assert states(ready) == {"submitted": 24}


@pytest.mark.parametrize("relayed_first", [False, True])
def test_a_message_that_crashes_the_function_each_time_is_overdue_and_its_redrive_is_harmless(
    ready: World, relayed_first: bool
) -> None:
    dead_queue_url = with_dead_letter_queue(ready)
    add_invoices(ready, 1)
    ready.relay()
    ready.database.rows("alter function facteur.claim rename to claim_of_another_version")  # code without its migration

    while records := received(ready.queue_url):
        assert not hand_over(ready, records)
    dead = received(dead_queue_url)
    ready.advance(600)

    assert len(dead) == 1
    assert overdue_seconds(ready) >= (600, 600)
    assert ready.simulator.ledger() == []

    ready.database.rows("alter function facteur.claim_of_another_version rename to claim")
    if relayed_first:
        ready.advance(1300)  # a message unread for half an hour counts as lost
        work_off(ready)
        assert len(ready.simulator.ledger()) == 1
    redrive(ready, dead_queue_url)
    work_off(ready)

    assert received(ready.queue_url) == received(dead_queue_url) == []
    assert len(ready.simulator.ledger()) == 1
    assert states(ready) == {"submitted": 1}


def deposits_by_account(world: World) -> dict[str, int]:
    return dict(Counter(deposit["account"] for deposit in world.simulator.ledger()))


def overdue_seconds(world: World) -> tuple[float, float]:
    """What the metric says, and the view."""
    metric = world.database.row("select facteur.oldest_overdue_seconds() as s").s
    return metric, world.database.row("select max(oldest_overdue_seconds) as s from facteur.health").s


def with_dead_letter_queue(world: World) -> str:
    """Give the world's queue a dead-letter queue, as the template does; its URL."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"{world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": TRIES})
    sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy})
    return url


def redrive(world: World, dead_queue_url: str) -> None:
    """What the console's button does."""
    sqs = boto3.client("sqs")
    for message in received(dead_queue_url):
        sqs.send_message(QueueUrl=world.queue_url, MessageBody=message["body"])
        sqs.delete_message(QueueUrl=dead_queue_url, ReceiptHandle=message["receiptHandle"])


@pytest.mark.parametrize("wrong", ["client_secret", "customer_id"])
def test_what_waited_for_a_corrected_secret_goes_as_soon_as_a_person_resumes_the_account(
    world: World, operator: Operator, wrong: str
) -> None:
    """Not five minutes later, when each would have been tried again by itself."""
    right = platform_secret(world.simulator)
    world.put_secret("default", right | {wrong: "0198c0de-ffff-7000-8000-000000000000"})
    for rank in (1, 2, 3):
        world.add(rank)
    world.deposit()
    assert {world.submission(rank).state for rank in (1, 2, 3)} <= {"pending", "in_doubt"}
    world.put_secret("default", right)
    world.new_container()

    result = operator.run("resume", "default", "--why", "corrected", "--yes")
    for _ in range(6):  # a read comes first, then one deposit alone
        world.advance(1)
        world.deposit()

    assert result.code == 0, result.err
    assert [len(world.deposits(rank)) for rank in (1, 2, 3)] == [1, 1, 1]
