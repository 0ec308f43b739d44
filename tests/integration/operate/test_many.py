"""Many at once: retry by state and code after a count, and what lies in the dead-letter queue, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from local.world.levers import World
from tests.operator import Operator
from tests.rows import Rows


def failed(rows: Rows, code: str, count: int) -> list[str]:
    invoices = [rows.noted() for _ in range(count)]
    for invoice in invoices:
        rows.reach(invoice, "failed")
    rows.run("update facteur.submissions set last_error_code = %(code)s where last_error_code = 'conflict'", code=code)
    return invoices


def test_those_that_are_alike_are_counted_first_and_then_retried_together(rows: Rows, operator: Operator) -> None:
    missing, others = failed(rows, "document_missing", 3), failed(rows, "number_differs", 2)
    alike = ("retry", "--state", "failed", "--code", "document_missing", "--why", "the bucket is back")

    counted = operator.run(*alike, "--dry-run")
    assert "3 invoices are failed with document_missing: each would be retried." in counted.out
    assert rows.value("select count(*) from facteur.operations") == 0
    done = operator.run(*alike, "--yes")
    rows.look()

    assert "3 are retried, 0 were refused" in done.out
    assert {rows.submission(invoice).state for invoice in missing} == {"in_doubt"}
    assert {rows.submission(invoice).state for invoice in others} == {"failed"}
    assert rows.value("select count(*) from facteur.operations where operation = 'retry'") == 3


def test_of_many_those_that_would_not_be_ready_are_left_and_counted(rows: Rows, operator: Operator) -> None:
    first, second = failed(rows, "given_up", 2)
    rows.update(first, status="draft")

    done = operator.run("retry", "--state", "failed", "--why", "again", "--yes")
    rows.look()

    assert "1 is retried, 1 was refused" in done.out
    assert [rows.submission(invoice).state for invoice in (first, second)] == ["failed", "in_doubt"]


@pytest.mark.parametrize(
    "arguments", [[], ["id:1", "--state", "failed"], ["id:1", "--code", "x"], ["--state", "closed"]]
)
def test_it_is_said_which_are_meant(operator: Operator, arguments: list[str]) -> None:
    result = operator.run("retry", *arguments, "--why", "x", "--yes")

    assert result.code == 2
    assert "--state" in result.err


@pytest.fixture
def dead(world: World) -> Iterator[str]:
    """The queue's dead-letter queue."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"{world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
    sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy})
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_dead_letters_are_shown_with_their_invoice_and_why_and_never_with_what_they_hold(
    world: World, operator: Operator, dead: str
) -> None:
    world.add(1)
    world.relay()
    submission = world.submission(1).id
    for body in (
        json.dumps({"submission_id": submission}),
        json.dumps({"submission_id": 999}),
        "a secret of somebody's",
    ):
        boto3.client("sqs").send_message(QueueUrl=dead, MessageBody=body)
    world.database.rows("select facteur.end_run('submit_invoices', 'MemoryError')")

    result = operator.run("dead-letters")

    assert result.code == 0
    assert "submit_invoices last raised MemoryError" in result.out
    assert world.submission(1).invoice_number in result.out
    assert "its submission is gone" in result.out
    assert "it names no submission" in result.out
    assert "a secret" not in result.out + json.dumps(operator.ask("status"))


def test_without_dead_letters_it_says_so(world: World, operator: Operator, dead: str) -> None:
    assert "There are no dead letters" in operator.run("dead-letters").out
