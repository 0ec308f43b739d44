"""The real template on the emulator, with IAM enforced: what it creates, and what each function may do."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.resolved import resolved
from local.sam import ROOT, load_template
from local.world.aws import Aws, aws_emulator
from local.world.deploy import StackFailedError, deploy
from local.world.postgres import postgres_server
from local.world.stack import Stack, create_bucket, database_secret, put_secret

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.e2e

DOCUMENTS, STRANGER = "facteur-documents", "stranger-documents"
FUNCTIONS = ["MigrateDatabase", "RelaySubmissions", "SubmitInvoices", "PollStatuses", "OperateRead", "Operate"]
ALLOWED, DENIED = "allowed", "AccessDenied"
SUBMISSION = '{"submission_id": 1}'
INLINE_LIMIT_BYTES = 51_200  # of a template that is sent with the request; one in a bucket may have a megabyte
PROBE = """
import functools
import boto3
from botocore.exceptions import ClientError

client = functools.cache(boto3.client)

def handler(event, context):
    try:
        getattr(client(event["service"]), event["operation"])(**event["arguments"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An AWS that enforces IAM, with the secrets and documents of Facteur and of a stranger."""
    with postgres_server() as postgres, aws_emulator(auth=True) as emulator:
        for name in ("facteur/database", "facteur/owner"):
            put_secret(emulator.aws, name, database_secret(postgres.url()))
        for name in ("facteur/default", "facteur/subsidiary", "stranger/default", "facteur-stranger/default"):
            put_secret(emulator.aws, name, {"client_id": name, "client_secret": "x"})
        s3 = emulator.aws.session.client("s3", endpoint_url=emulator.aws.endpoint_url)
        for bucket in (DOCUMENTS, STRANGER):
            s3.put_object(Bucket=create_bucket(emulator.aws, bucket), Key="invoice.pdf", Body=b"%PDF")
        yield emulator.aws


@pytest.fixture(scope="module")
def stack(aws: Aws) -> Stack:
    return deploy(aws, "facteur", {"DocumentsBucket": DOCUMENTS, "MigrationSecretId": "facteur/owner"})


@pytest.fixture(scope="module")
def probes(aws: Aws, stack: Stack) -> dict[str, str]:
    """For each function another one with the same role, which does as it is asked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("probe.py", PROBE)
    functions = _functions(aws)
    roles = aws.session.client("iam", endpoint_url=aws.endpoint_url)
    for name in FUNCTIONS:
        functions.create_function(
            FunctionName=f"probe-{name}",
            Runtime="python3.13",
            Handler="probe.handler",
            Timeout=30,
            Role=roles.get_role(RoleName=stack.resources[f"{name}Role"])["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
        )
    return {name: f"probe-{name}" for name in FUNCTIONS}


@pytest.mark.parametrize(
    ("function", "readable"),
    [
        ("MigrateDatabase", {"facteur/database", "facteur/owner"}),
        ("RelaySubmissions", {"facteur/database"}),
        ("SubmitInvoices", {"facteur/database", "facteur/default", "facteur/subsidiary"}),
        ("PollStatuses", {"facteur/database", "facteur/default", "facteur/subsidiary"}),
        ("OperateRead", {"facteur/database", "facteur/default", "facteur/subsidiary"}),
        ("Operate", {"facteur/database", "facteur/default", "facteur/subsidiary"}),
    ],
)
def test_a_function_reads_its_own_secrets_and_no_others(
    aws: Aws, probes: dict[str, str], function: str, readable: set[str]
) -> None:
    names = [
        "facteur/database",
        "facteur/owner",
        "facteur/default",
        "facteur/subsidiary",
        "stranger/default",
        "facteur-stranger/default",
    ]

    answers = {name: _try(aws, probes[function], "secretsmanager", "get_secret_value", SecretId=name) for name in names}

    assert {name for name, answer in answers.items() if answer == ALLOWED} == readable
    assert {answer for name, answer in answers.items() if name not in readable} == {DENIED}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_relay_and_a_redrive_send_and_only_submit_receives(
    aws: Aws, stack: Stack, probes: dict[str, str], function: str
) -> None:
    queue = stack.outputs["SubmissionsQueueUrl"]

    sent = _try(aws, probes[function], "sqs", "send_message", QueueUrl=queue, MessageBody=SUBMISSION)
    received = _try(aws, probes[function], "sqs", "receive_message", QueueUrl=queue)

    assert sent == (ALLOWED if function in {"RelaySubmissions", "Operate"} else DENIED)
    assert received == (ALLOWED if function == "SubmitInvoices" else DENIED)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_a_redrive_takes_dead_letters_and_a_reader_sees_them(
    aws: Aws, probes: dict[str, str], function: str
) -> None:
    sqs = aws.session.client("sqs", endpoint_url=aws.endpoint_url)
    dead = sqs.get_queue_url(QueueName="facteur-submissions-dead")["QueueUrl"]

    received = _try(aws, probes[function], "sqs", "receive_message", QueueUrl=dead)
    deleted = _try(aws, probes[function], "sqs", "delete_message", QueueUrl=dead, ReceiptHandle="x")
    sent = _try(aws, probes[function], "sqs", "send_message", QueueUrl=dead, MessageBody=SUBMISSION)

    assert received == (ALLOWED if function in {"OperateRead", "Operate"} else DENIED)
    assert (deleted == DENIED) is (function != "Operate")
    assert sent == DENIED


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_writes_a_secret(aws: Aws, probes: dict[str, str], function: str) -> None:
    for operation, arguments in (("put_secret_value", {"SecretString": "x"}), ("delete_secret", {})):
        assert (
            _try(aws, probes[function], "secretsmanager", operation, SecretId="facteur/default", **arguments) == DENIED
        )


@pytest.mark.parametrize("function", ["SubmitInvoices", "Operate"])
def test_submit_reads_documents_and_says_when_one_is_missing(aws: Aws, probes: dict[str, str], function: str) -> None:
    probe = probes[function]

    assert _try(aws, probe, "s3", "get_object", Bucket=DOCUMENTS, Key="invoice.pdf") == ALLOWED
    assert _try(aws, probe, "s3", "get_object", Bucket=DOCUMENTS, Key="gone.pdf") == "NoSuchKey"
    assert _try(aws, probe, "s3", "put_object", Bucket=DOCUMENTS, Key="invoice.pdf") == DENIED
    assert _try(aws, probe, "s3", "get_object", Bucket=STRANGER, Key="invoice.pdf") == DENIED


@pytest.mark.parametrize("function", ["MigrateDatabase", "RelaySubmissions", "PollStatuses", "OperateRead"])
def test_no_other_function_reads_documents(aws: Aws, probes: dict[str, str], function: str) -> None:
    assert _try(aws, probes[function], "s3", "get_object", Bucket=DOCUMENTS, Key="invoice.pdf") == DENIED


def test_the_queue_calls_submit_with_batches_that_may_fail_in_part(aws: Aws, stack: Stack) -> None:
    (mapping,) = _functions(aws).list_event_source_mappings(FunctionName=stack.resources["SubmitInvoicesFunction"])[
        "EventSourceMappings"
    ]

    assert mapping["EventSourceArn"].endswith(":facteur-submissions")
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (10, ["ReportBatchItemFailures"])
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


@pytest.mark.parametrize("function", ["relay-submissions", "poll-statuses"])
def test_a_schedule_calls_its_function_every_minute(aws: Aws, stack: Stack, function: str) -> None:
    client = aws.session.client("scheduler", endpoint_url=aws.endpoint_url)

    schedule = client.get_schedule(Name=f"{stack.name}-{function}")

    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 minute)", "ENABLED")
    assert schedule["Target"]["Arn"].endswith(f":function:{stack.name}-{function}")
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_a_message_that_crashes_five_times_goes_to_the_dead_letter_queue(aws: Aws, stack: Stack) -> None:
    client = aws.session.client("sqs", endpoint_url=aws.endpoint_url)

    attributes = client.get_queue_attributes(QueueUrl=stack.outputs["SubmissionsQueueUrl"], AttributeNames=["All"])

    redrive = json.loads(attributes["Attributes"]["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":facteur-submissions-dead")
    assert int(redrive["maxReceiveCount"]) == 5
    assert attributes["Attributes"]["VisibilityTimeout"] == "720"


def test_logs_are_kept_for_as_long_as_asked_and_hold_no_error(aws: Aws, stack: Stack) -> None:
    client = aws.session.client("logs", endpoint_url=aws.endpoint_url)

    groups = client.describe_log_groups(logGroupNamePrefix="/aws/lambda/facteur-")["logGroups"]

    assert {group["retentionInDays"] for group in groups} == {30}
    assert len(groups) == len(FUNCTIONS)
    assert stack.log_lines("MigrateDatabaseFunction")
    assert stack.logged_errors() == []


@pytest.mark.slow
def test_the_stack_has_its_alarms_and_a_dashboard_unless_they_are_left_out(aws: Aws, stack: Stack) -> None:
    quiet = deploy(aws, "quiet", {"CreateAlarms": False})

    client = aws.session.client("cloudwatch", endpoint_url=aws.endpoint_url)
    alarms = {alarm["AlarmName"] for alarm in client.describe_alarms()["MetricAlarms"]}
    dashboards = [each["DashboardName"] for each in client.list_dashboards()["DashboardEntries"]]
    assert alarms == {
        resolved(each["Properties"]["AlarmName"])
        for each in load_template()["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" not in each["Properties"]  # see local/sam.py
    }
    assert dashboards == [stack.name]
    assert not [name for name in quiet.resources if name.endswith("Alarm")]


@pytest.mark.slow
def test_new_code_migrates_again_and_the_same_code_does_not(aws: Aws, tmp_path: Path) -> None:
    root = _copy_of_the_project(tmp_path)
    first = deploy(aws, "facteur-again", {}, root=root)

    deploy(aws, "facteur-again", {}, root=root)
    unchanged = _invocations(first)
    (root / "layers" / "core" / "python" / "facteur" / "later.py").write_text("")
    deploy(aws, "facteur-again", {}, root=root)

    assert (unchanged, _invocations(first)) == (1, 2)


@pytest.mark.slow
def test_a_template_beyond_the_inline_limit_is_deployed(aws: Aws, tmp_path: Path) -> None:
    root = _copy_of_the_project(tmp_path)
    with (root / "template.yaml").open("a") as template:
        template.write(f"\nMetadata:\n  Padding: {'x' * INLINE_LIMIT_BYTES}\n")

    large = deploy(aws, "facteur-large", {"CreateAlarms": False}, root=root)

    assert large.outputs["SubmissionsQueueUrl"]


@pytest.mark.slow
def test_a_failed_migration_fails_the_deploy_with_its_reason_and_leaves_nothing(aws: Aws) -> None:
    with pytest.raises(StackFailedError, match=r"CREATE_FAILED DatabaseMigration .*facteur/nowhere"):
        deploy(aws, "facteur-lost", {"DatabaseSecretId": "facteur/nowhere"})

    names = _functions(aws).list_functions()["Functions"]
    assert not [each for each in names if each["FunctionName"].startswith("facteur-lost")]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"InstallCapture": True}, "InstallCapture=true needs SubmitFrom"),
        ({"MigrationSecretId": "facteur/database"}, "another secret than DatabaseSecretId"),
        ({"SubnetIds": "subnet-1,subnet-2"}, "given together or not at all"),
        ({"IopoleBaseUrl": "https://api.iopole.com/v1"}, "IopoleBaseUrl"),
        ({"SubmitMaximumConcurrency": 1}, "SubmitMaximumConcurrency"),
        ({"DocumentsBucket": "other/*"}, "DocumentsBucket"),
    ],
)
def test_parameters_that_cannot_work_are_refused_before_anything_is_created(
    aws: Aws, parameters: dict[str, object], reason: str
) -> None:
    with pytest.raises(StackFailedError, match=reason):
        deploy(aws, "facteur-wrong", parameters)


@cache
def _functions(aws: Aws) -> LambdaClient:
    return aws.session.client("lambda", endpoint_url=aws.endpoint_url)


def _try(aws: Aws, probe: str, service: str, operation: str, **arguments: Any) -> str:
    """What AWS answers the probe: allowed, AccessDenied (services spell it in two ways), or another error's code."""
    event = {"service": service, "operation": operation, "arguments": arguments}
    answer = str(json.loads(_functions(aws).invoke(FunctionName=probe, Payload=json.dumps(event))["Payload"].read()))
    return DENIED if answer.startswith(DENIED) else answer


def _invocations(stack: Stack) -> int:
    return sum(line.startswith("START") for line in stack.log_lines("MigrateDatabaseFunction"))


def _copy_of_the_project(folder: Path) -> Path:
    for name in ("functions", "layers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", folder)
    return folder
