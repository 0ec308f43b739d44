"""template.yaml agrees with the code, with itself, and with what a careful deploy needs."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import facteur
from facteur.aws.s3 import OBJECT_SECONDS
from facteur.poll_statuses.store import STATUS_LEASE_SECONDS
from facteur.settings import Settings
from local.sam import ROOT, load_template

TEMPLATE = load_template()
PARAMETERS = TEMPLATE["Parameters"]
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = {
    name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::Serverless::Function"
}
SCHEDULED = ["RelaySubmissionsFunction", "PollStatusesFunction"]
EVENTS = sorted((ROOT / "events").iterdir())

SAFER_THAN_THE_CODE = {"DepositsEnabled", "IopoleBaseUrl", "IopoleAuthUrl"}  # defaults that only the template has
NOTHING_TO_NAME = {  # actions for which AWS knows no narrower resource, or checks the right on every resource
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "lambda:ListEventSourceMappings",
}
SERVICES = {  # as docs/security.md calls them
    "secretsmanager": "Secrets Manager",
    "sqs": "SQS",
    "s3": "S3",
    "lambda": "Lambda",
    "scheduler": "EventBridge Scheduler",
}
OF_LAMBDA_ITSELF = {"logs", "xray", "ec2", "kms", "rds-db"}  # a function calls none of them
NO_SERVICES_OF_AWS = {"Postgres", "the platform", "CloudFormation"}  # the last one by a signed address


def test_every_folder_in_functions_is_in_the_template_and_the_other_way_round() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert {properties["CodeUri"] for properties in FUNCTIONS.values()} == {f"functions/{name}/" for name in folders}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_alike_everywhere(name: str) -> None:
    folder = FUNCTIONS[name]["CodeUri"].removeprefix("functions/").removesuffix("/")

    assert name == folder.title().replace("_", "") + "Function"
    assert FUNCTIONS[name]["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{folder.replace('_', '-')}"}
    assert f"{name}Name" in TEMPLATE["Outputs"]


def test_the_template_carries_the_version_of_the_code() -> None:
    assert TEMPLATE["Mappings"]["Facteur"]["Code"]["Version"] == facteur.__version__


def test_timeout_lease_and_visibility_are_in_that_order() -> None:
    timeout = FUNCTIONS["SubmitInvoicesFunction"]["Timeout"]
    lease = int(_variables("SubmitInvoicesFunction")["LEASE_SECONDS"])
    visibility = RESOURCES["SubmissionsQueue"]["Properties"]["VisibilityTimeout"]

    assert timeout < lease < visibility
    assert visibility >= 6 * timeout
    longest_call = PARAMETERS["ConnectTimeoutSeconds"]["MaxValue"] + PARAMETERS["ReadTimeoutSeconds"]["MaxValue"]
    assert longest_call + OBJECT_SECONDS < lease  # a deposit under way is recorded once the next documents are read


def test_a_watching_relay_a_slow_answer_and_the_migration_fit_into_their_timeouts() -> None:
    longest_call = PARAMETERS["ConnectTimeoutSeconds"]["MaxValue"] + PARAMETERS["ReadTimeoutSeconds"]["MaxValue"]

    assert PARAMETERS["RelayWatchSeconds"]["MaxValue"] + 30 <= FUNCTIONS["RelaySubmissionsFunction"]["Timeout"]
    assert longest_call < FUNCTIONS["SubmitInvoicesFunction"]["Timeout"]
    usual_call = PARAMETERS["ConnectTimeoutSeconds"]["Default"] + PARAMETERS["ReadTimeoutSeconds"]["Default"]
    assert 60 + usual_call < FUNCTIONS["PollStatusesFunction"]["Timeout"] < STATUS_LEASE_SECONDS
    assert (
        FUNCTIONS["MigrateDatabaseFunction"]["Timeout"] < RESOURCES["DatabaseMigration"]["Properties"]["ServiceTimeout"]
    )


def test_every_setting_is_in_the_template_and_every_variable_is_a_setting() -> None:
    settings = {field.name.upper() for field in dataclasses.fields(Settings)} - {"IN_LAMBDA"}
    variables = {name for function in FUNCTIONS for name in _variables(function)}

    assert {name for name in variables if not name.startswith("POWERTOOLS_")} == settings


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_defaults_are_those_of_the_code_or_safer(function: str) -> None:
    environ = {name: _default(value) for name, value in _variables(function).items()}

    configured, bare = Settings.from_environ(environ), Settings()

    for name, value in _variables(function).items():
        parameter = value.get("Ref") if isinstance(value, dict) else None
        if parameter in PARAMETERS and parameter not in SAFER_THAN_THE_CODE:
            assert getattr(configured, name.lower()) == getattr(bare, name.lower()), name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sam_local_can_lead_each_function_to_an_emulator(function: str) -> None:
    """`sam local invoke --env-vars` overrides only what is declared; empty, boto3 looks for AWS."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = TEMPLATE["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {})

    assert (shared | own)["AWS_ENDPOINT_URL"] == {"Ref": "AwsEndpointUrl"}
    assert TEMPLATE["Parameters"]["AwsEndpointUrl"]["Default"] == ""


def test_a_first_deploy_sends_nothing_and_knows_only_the_sandbox() -> None:
    assert PARAMETERS["DepositsEnabled"]["Default"] == "false"
    assert PARAMETERS["InstallCapture"]["Default"] == "false"
    assert ".ppd." in PARAMETERS["IopoleBaseUrl"]["Default"]
    assert ".ppd." in PARAMETERS["IopoleAuthUrl"]["Default"]


def test_every_parameter_has_a_default_and_says_what_it_is_for() -> None:
    assert all("Default" in parameter and parameter["Description"] for parameter in PARAMETERS.values())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_and_a_log_group_of_its_own(function: str) -> None:
    name = function.removesuffix("Function")

    assert FUNCTIONS[function]["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert FUNCTIONS[function]["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}LogGroup"}
    assert RESOURCES[f"{name}LogGroup"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_no_policy_names_every_resource_where_a_narrower_one_exists() -> None:
    for statement in _statements():
        if statement["Resource"] == "*":
            assert set(statement["Action"]) <= NOTHING_TO_NAME, statement["Sid"]


def test_no_policy_allows_every_action_of_a_service() -> None:
    starred = {action for statement in _statements() for action in _actions(statement) if "*" in action}

    assert starred <= {"sqs:SendMessage*"}  # that is SendMessage and, on an emulator, SendMessageBatch


def _actions(statement: dict[str, Any]) -> list[str]:
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def test_iam_opens_the_database_to_one_role_and_only_where_it_is_named() -> None:
    statements = RESOURCES["EveryFunctionPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (conditional,) = [s["Fn::If"] for s in statements if "Fn::If" in s and s["Fn::If"][0] == "HasDatabaseIam"]
    arn = "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:${DatabaseIamResource}"

    assert (conditional[1]["Action"], conditional[1]["Resource"]) == ("rds-db:connect", {"Fn::Sub": arn})
    assert re.fullmatch(PARAMETERS["DatabaseIamResource"]["AllowedPattern"], "cluster-ABC123/facteur_worker")
    assert not re.fullmatch(PARAMETERS["DatabaseIamResource"]["AllowedPattern"], "db-ABC123/*")


def test_only_the_migration_reads_the_owners_secret() -> None:
    named = {
        name: {
            statement["Effect"]
            for statement in _statements_of(resource)
            if "MigrationSecretId" in json.dumps(statement)
        }
        for name, resource in RESOURCES.items()
    }

    assert {name for name, effects in named.items() if "Allow" in effects} == {"MigrateDatabaseRole"}
    readers = {name for name, each in RESOURCES.items() if "ReadThePlatformSecrets" in json.dumps(each)}
    assert {name for name, effects in named.items() if effects == {"Deny"}} == readers


def test_a_role_reads_the_secrets_that_its_function_is_given_and_no_others() -> None:
    """Who talks to a platform may read what lies under the prefix; the others read the database's secret alone, wherever it lies."""
    talks = {
        logical.replace("Function", "Role")
        for logical, each in FUNCTIONS.items()
        if "PDP_SECRET_ID" in each.get("Environment", {}).get("Variables", {})
    }
    reads = {
        name: {
            json.dumps(statement["Resource"]) for statement in _statements_of(resource)
            if "secretsmanager:GetSecretValue" in _actions(statement) and statement["Effect"] == "Allow"
        }
        for name, resource in RESOURCES.items() if resource["Type"] == "AWS::IAM::Role"
    }  # fmt: skip

    under_the_prefix = {name for name, resources in reads.items() if any("SecretsPrefix" in each for each in resources)}
    assert under_the_prefix == talks == {"SubmitInvoicesRole", "PollStatusesRole", "OperateReadRole", "OperateRole"}
    assert {name for name, resources in reads.items() if resources} - under_the_prefix == {"MigrateDatabaseRole"}
    assert all(len(resources) <= 1 for resources in reads.values())


def test_the_queue_may_fill_its_own_dead_letter_queue_and_no_other_queue_may() -> None:
    queue, dead = (RESOURCES[name]["Properties"] for name in ("SubmissionsQueue", "DeadLetterQueue"))
    source = dead["RedriveAllowPolicy"]["sourceQueueArns"][0]["Fn::Sub"]

    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert source.endswith(":" + queue["QueueName"]["Fn::Sub"])
    for each in (queue, dead):
        assert each["SqsManagedSseEnabled"] == {"Fn::If": ["HasQueuesKey", {"Ref": "AWS::NoValue"}, True]}
        assert each["KmsMasterKeyId"] == {
            "Fn::If": ["HasQueuesKey", {"Ref": "QueuesKmsKeyArn"}, {"Ref": "AWS::NoValue"}]
        }


def test_the_schedules_call_with_a_role_that_only_this_accounts_scheduler_assumes() -> None:
    (trust,) = RESOURCES["SchedulesRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (statement,) = _statements_of(RESOURCES["SchedulesRole"])

    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    called = {each["Fn::Sub"].rpartition(":function:")[2] for each in statement["Resource"]}
    assert called == {FUNCTIONS[name]["FunctionName"]["Fn::Sub"] for name in SCHEDULED}
    for name in SCHEDULED:
        role = FUNCTIONS[name]["Events"]["EveryMinute"]["Properties"]["RoleArn"]
        assert role == {"Fn::GetAtt": ["SchedulesRole", "Arn"]}


@pytest.mark.parametrize(
    ("kind", "named", "condition", "parameter"),
    [
        ("AWS::IAM::Role", "PermissionsBoundary", "HasBoundary", "PermissionsBoundaryArn"),
        ("AWS::Logs::LogGroup", "KmsKeyId", "HasLogsKey", "LogsKmsKeyArn"),
        ("AWS::SQS::Queue", "KmsMasterKeyId", "HasQueuesKey", "QueuesKmsKeyArn"),
    ],
)
def test_what_a_companys_rules_ask_for_holds_for_every_resource_of_its_kind(
    kind: str, named: str, condition: str, parameter: str
) -> None:
    asked = [each["Properties"].get(named) for each in RESOURCES.values() if each["Type"] == kind]

    assert asked
    assert all(each == {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]} for each in asked)
    assert PARAMETERS[parameter]["Default"] == ""


@pytest.mark.parametrize("bucket", ["documents", "my.bucket-1", ""])
def test_a_buckets_name_is_one(bucket: str) -> None:
    assert re.fullmatch(PARAMETERS["DocumentsBucket"]["AllowedPattern"], bucket)


@pytest.mark.parametrize(
    "bucket", ["*", "a/*", "other/*", "b*", "A", "arn:aws:s3:::b", "ab/", "${AWS::StackName}", "-b-"]
)
def test_a_buckets_name_opens_no_other(bucket: str) -> None:
    assert not re.fullmatch(PARAMETERS["DocumentsBucket"]["AllowedPattern"], bucket)


def test_the_queue_hands_over_batches_that_may_fail_in_part() -> None:
    mapping = FUNCTIONS["SubmitInvoicesFunction"]["Events"]["Submissions"]["Properties"]

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == 10
    assert PARAMETERS[mapping["ScalingConfig"]["MaximumConcurrency"]["Ref"]]["MinValue"] == 2


@pytest.mark.parametrize("function", SCHEDULED)
def test_a_tick_is_never_repeated_late(function: str) -> None:
    no_retries = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    schedule = FUNCTIONS[function]["Events"]["EveryMinute"]

    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["Properties"]["RetryPolicy"] == no_retries  # of the scheduler
    assert FUNCTIONS[function]["EventInvokeConfig"] == no_retries  # of Lambda, which the scheduler calls asynchronously


def test_the_database_is_migrated_before_any_other_function_changes() -> None:
    others = set(FUNCTIONS) - {"MigrateDatabaseFunction"}

    assert all(RESOURCES[name]["DependsOn"] == "DatabaseMigration" for name in others)


def test_the_migration_runs_again_for_new_code_another_database_and_every_setting_of_its_own() -> None:
    watched = [value for name, value in RESOURCES["DatabaseMigration"]["Properties"].items() if name != "ServiceToken"]

    assert {"Ref": "CoreLayer"} in watched
    assert all(value in watched for value in _variables("MigrateDatabaseFunction").values())


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.name)
def test_an_event_is_json_and_belongs_to_a_function(path: Any) -> None:
    function, case, suffix = path.name.split(".")

    assert f"functions/{function}/" in {properties["CodeUri"] for properties in FUNCTIONS.values()}
    assert case
    assert suffix == "json"
    assert isinstance(json.loads(path.read_text()), dict)


def _variables(function: str) -> dict[str, Any]:
    """The function's own variables; the shared ones of `Globals` only where they are settings."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {"DATABASE_SECRET_ID": shared["DATABASE_SECRET_ID"], **FUNCTIONS[function]["Environment"]["Variables"]}


def _default(value: Any) -> str:
    """What a variable holds in a stack of defaults, as far as it is a parameter or spelled out."""
    if isinstance(value, dict):
        return str(PARAMETERS.get(value.get("Ref"), {}).get("Default", ""))
    return str(value)


def _statements() -> Iterator[dict[str, Any]]:
    for resource in RESOURCES.values():
        yield from _statements_of(resource)


def _statements_of(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    properties = resource.get("Properties", {})
    inline = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for document in [*inline, *([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])]:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_reviewer_is_shown_every_service_that_a_function_may_call(function: str) -> None:
    folder = FUNCTIONS[function]["CodeUri"].split("/")[1]
    row = rf"^\| `{folder}` \|.*\| ([^|]+) \|$"
    (said,) = re.findall(row, (ROOT / "docs" / "security.md").read_text(), flags=re.MULTILINE)

    services = set(re.sub(r" \(.*?\)", "", said).split(", ")) - NO_SERVICES_OF_AWS

    assert services == _services("EveryFunctionPolicy") | _services(f"{function.removesuffix('Function')}Role")


def _services(resource: str) -> set[str]:
    actions = [action for statement in _statements_of(RESOURCES[resource]) for action in _actions(statement)]
    return {SERVICES[name] for action in actions if (name := action.partition(":")[0]) not in OF_LAMBDA_ITSELF}


def test_every_statement_of_a_policy_is_explained_to_the_reviewer() -> None:
    page = (ROOT / "docs" / "security.md").read_text()

    explained = set(re.findall(r"^\| `([A-Z]\w+)` \|", page, flags=re.MULTILINE))

    assert explained == {statement["Sid"] for statement in _statements()}
