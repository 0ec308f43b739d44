"""Every function and every event, by the real SAM CLI, in containers, on Lambda's own Python and with the built layers."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from local.demo.application import Application
from local.demo.cases import ordinary_case
from local.demo.stage import BUCKET, Stage
from local.invoices import BUYERS
from local.sam import ROOT
from tests.sam.command import Sam

pytestmark = [pytest.mark.sam, pytest.mark.timeout(900)]
EVENTS = sorted((ROOT / "events").glob("*.json"))
# They answer CloudFormation at an address that there is not.
ANSWER_CLOUDFORMATION = {"migrate_database.create", "migrate_database.update", "migrate_database.delete"}


def function_of(event: Path) -> str:
    return "".join(word.capitalize() for word in event.stem.partition(".")[0].split("_")) + "Function"


def test_an_invoice_is_deposited_by_containers_alone(scene: Stage, sam: Sam) -> None:
    case = ordinary_case(1, BUYERS[0])
    s3 = scene.aws.session.client("s3", endpoint_url=scene.aws.endpoint_url)
    s3.put_object(Bucket=BUCKET, Key=case.file_name, Body=case.document)
    with closing(Application(scene.database_url)) as application:
        (key,) = application.write([case], [f"s3://{BUCKET}/{case.file_name}"])

        sam.invoke("RelaySubmissionsFunction", ROOT / "events" / "relay_submissions.tick.json")
        assert application.look([key])[key].state == "pending"
        answer = sam.invoke("SubmitInvoicesFunction", ROOT / "events" / "submit_invoices.one.json")
        assert answer == {"batchItemFailures": []}
        sight = application.look([key])[key]
        assert (sight.technical_status, sight.state) == ("validated", "submitted")
        assert [each["number"] for each in scene.platform.ledger()] == [case.number]
        sam.invoke("PollStatusesFunction", ROOT / "events" / "poll_statuses.tick.json")
        said = sam.invoke("OperateReadFunction", ROOT / "events" / "operate_read.status.json")

    assert "result" in said, said


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_every_event_is_answered(scene: Stage, sam: Sam, event: Path) -> None:
    answer = sam.invoke(function_of(event), event)

    raised = isinstance(answer, dict) and "errorType" in answer
    assert raised == (event.stem in ANSWER_CLOUDFORMATION), json.dumps(answer)[:500]
    assert len(scene.platform.ledger()) <= 1
