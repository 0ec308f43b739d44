"""The real template on the emulator with IAM enforced: rows become deposits, through the real queue and by real schedules.

The last test waits for the schedules, which fire a minute after they were created; the others run in that minute.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from local.invoices import UNKNOWN_BUYER, sample_invoice
from local.invoices.model import Syntax
from tests.e2e.company import Company

pytestmark = [pytest.mark.e2e, *([pytest.mark.localstack] if "AWS_ENDPOINT_URL" in os.environ else [])]

FORGOTTEN = sample_invoice(1)  # buyer 203: made available, and no more
SYNTAXES: dict[Syntax, int] = {"cii": 12, "ubl": 14, "facturx": 16}  # ranks of invoices that their buyers approve


@pytest.fixture(scope="module")
def forgotten(unattended: Company) -> int:
    """A row that waits for the schedules from the beginning; its key."""
    return unattended.finish(FORGOTTEN)


@pytest.fixture(autouse=True, scope="module")
def _the_clock_runs(forgotten: int) -> None:
    """Whichever test comes first, the minute of the last one begins with it."""


def test_rows_of_every_syntax_are_deposited_by_the_queue_and_followed_to_their_approval(company: Company) -> None:
    keys = {syntax: company.finish(sample_invoice(rank), syntax) for syntax, rank in SYNTAXES.items()}

    company.until(lambda: all(company.row(key).lifecycle_code == "205" for key in keys.values()))

    for syntax, rank in SYNTAXES.items():
        (deposit,) = company.platform.ledger(sample_invoice(rank).number)
        row = company.row(keys[syntax])
        assert (row.technical_status, row.submission_id) == ("validated", deposit["id"])
        assert row.last_technical_update is not None
        assert company.history(keys[syntax]) == ["200", "200", "201", "202", "203", "204", "205"]


def test_a_refusal_at_once_comes_back_with_the_platforms_words(company: Company) -> None:
    invoice = sample_invoice(21)
    company.platform.script(invoice.number, ["400"])
    key = company.finish(invoice)

    company.until(lambda: company.row(key).technical_status == "rejected")

    assert "HTTP 400" in company.row(key).last_error_message
    assert company.row(key).submission_id is None
    assert company.platform.ledger(invoice.number) == []


@pytest.mark.slow
def test_a_deposit_that_the_platform_cannot_route_is_rejected_by_its_life_cycle(company: Company) -> None:
    invoice = sample_invoice(22, buyer=UNKNOWN_BUYER)
    key = company.finish(invoice)

    company.until(lambda: company.row(key).technical_status == "rejected")

    assert company.row(key).lifecycle_code == "213"
    assert "No route found" in company.row(key).last_error_message
    assert len(company.platform.ledger(invoice.number)) == 1


def test_a_lost_answer_is_looked_up_and_not_sent_again(company: Company) -> None:
    invoice = sample_invoice(23)
    company.platform.script(invoice.number, ["lost_answer"])
    key = company.finish(invoice)

    company.until(lambda: company.row(key).state == "in_doubt")
    company.until(lambda: company.row(key).technical_status == "validated")

    (deposit,) = company.platform.ledger(invoice.number)
    assert company.row(key).submission_id == deposit["id"]


@pytest.mark.slow
def test_a_message_that_is_not_json_ends_in_the_dead_letter_queue_alone(company: Company) -> None:
    sqs = company.stack.aws.session.client("sqs", endpoint_url=company.stack.aws.endpoint_url)
    queue, dead = (company.stack.outputs[f"{name}Url"] for name in ("SubmissionsQueue", "DeadLetterQueue"))
    sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"VisibilityTimeout": "1"}
    )  # nobody waits twelve minutes, five times
    sqs.send_message(QueueUrl=queue, MessageBody="this is not JSON")
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"submission_id": 4_000_000}))

    found: list[str] = []

    def arrived() -> bool:
        answer = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found.extend(message["Body"] for message in answer.get("Messages", []))
        return bool(found)

    company.until(arrived, tick=False)
    assert found == ["this is not JSON"]


@pytest.mark.slow
def test_the_logs_show_a_deposit_and_hold_no_error_and_no_secret(company: Company) -> None:
    key = company.finish(sample_invoice(24))
    company.until(lambda: company.row(key).lifecycle_code is not None)
    for function in ("OperateReadFunction", "OperateFunction"):
        company.stack.invoke(function, {"operation": "show", "arguments": {"what": str(key)}})

    logs = {function: "\n".join(company.stack.log_lines(function)) for function in company.stack.functions()}

    assert "submission.deposited" in logs["SubmitInvoicesFunction"]
    assert company.stack.logged_errors() == []
    for function, log in logs.items():
        assert log, f"{function} has logged nothing"
        assert not [word for word in (*company.secrets, "Bearer ", "<?xml", "%PDF") if word in log], function


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_schedules_deposit_an_invoice_by_themselves_and_their_next_minute_does_not_repeat_it(
    unattended: Company, forgotten: int
) -> None:
    unattended.until(lambda: unattended.row(forgotten).technical_status == "validated", 120, tick=False)
    minutes = 1 + int((time.monotonic() - unattended.deployed_at) // 60)
    relayed = unattended.runs("RelaySubmissionsFunction")

    unattended.bring_the_next_minute_forward()
    unattended.until(lambda: unattended.row(forgotten).lifecycle_code == "203", 75, tick=False)
    unattended.until(lambda: unattended.runs("RelaySubmissionsFunction") > relayed, tick=False)

    (deposit,) = unattended.platform.ledger(FORGOTTEN.number)
    assert unattended.row(forgotten).submission_id == deposit["id"]
    assert 1 <= relayed <= minutes, "somebody else than the schedule has called the relay"
    assert unattended.runs("SubmitInvoicesFunction") == 1
    assert unattended.stack.logged_errors() == []
