"""The command through the deployed stack: the real function, invoked with IAM enforced, answers as a database URL does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from facteur import container
from local.invoices import sample_invoice
from tests.e2e.company import Company
from tests.e2e.conftest import Ground, one_company
from tests.operator import Operator

pytestmark = pytest.mark.e2e

WAYS = ["stack", "database"]
INVOKER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*:*:function:{}"}],
}


@pytest.fixture(scope="module")
def operated(ground: Ground) -> Iterator[Company]:
    """A company with one deposit, whose stack the tests ask."""
    with one_company(ground, "operated") as company:
        company.finish(sample_invoice(31))
        company.until(lambda: company.database.row("select count(*) as n from facteur.status_events").n > 0)
        yield company


@pytest.fixture
def surroundings(operated: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The terminal's environment: AWS, and for the direct way what the function is configured with."""
    aws = operated.stack.aws
    functions = aws.session.client("lambda", endpoint_url=aws.endpoint_url)
    name = operated.stack.resources["OperateFunction"]
    configured = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    for variable, value in {**configured, **aws.environ()}.items():
        monkeypatch.setenv(variable, value)
    _begin_anew()
    yield
    _begin_anew()


@pytest.fixture
def ways(operated: Company, surroundings: None) -> dict[str, Operator]:
    """The same command, here and through the stack."""
    return {"stack": Operator("", operated.stack.name), "database": Operator(operated.url)}


@pytest.mark.slow
def test_status_says_the_same_through_the_stack_as_from_the_database(ways: dict[str, Operator]) -> None:
    through, direct = (_without_ages(ways[way].ask("status")) for way in WAYS)

    assert through == direct
    assert through["accounts"][0]["states"] == {"submitted": 1}
    assert (through["dead_letters"], through["installation"]["deposits_enabled"]) == (0, True)


def test_status_looks_the_same_to_a_person(ways: dict[str, Operator]) -> None:
    result = [ways[way].run("status") for way in WAYS]

    assert {each.code for each in result} == {0}
    assert all("✔ all is well" in each.out for each in result)


def test_the_doctor_sees_the_stack_from_within(ways: dict[str, Operator], operated: Company) -> None:
    operated.platform.add_company(sample_invoice(31).seller.siren)

    findings = {each["check"]: each for each in ways["stack"].ask("doctor")["findings"]}

    unwell = {name: each for name, each in findings.items() if each["outcome"] != "ok"}
    assert set(unwell) == {"mode", "alarms"}, unwell
    assert "works in either mode" in unwell["mode"]["what"]


@pytest.mark.slow
def test_a_reconciliation_is_the_same_either_way(ways: dict[str, Operator], operated: Company) -> None:
    operated.platform.add_foreign_invoice("X-1")
    day = operated.database.row("select (now() at time zone 'Europe/Paris')::date::text as day").day

    through, direct = (ways[way].ask("reconcile", "--day", day) for way in WAYS)

    assert through == direct
    assert (through["deposits"], through["shown"]) == (1, 2)
    assert [each["code"] for each in through["differences"] if each["help"] is None] == ["FOREIGN"]


def test_the_doctor_sees_a_schedule_and_a_mapping_that_are_off(ways: dict[str, Operator], operated: Company) -> None:
    aws = operated.stack.aws
    scheduler = aws.session.client("scheduler", endpoint_url=aws.endpoint_url)
    functions = aws.session.client("lambda", endpoint_url=aws.endpoint_url)
    scheduler.delete_schedule(Name=f"{operated.stack.name}-poll-statuses")
    name = operated.stack.resources["SubmitInvoicesFunction"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    findings = {each["check"]: each for each in ways["stack"].ask("doctor")["findings"]}

    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert findings["schedules"]["what"] == "poll-statuses is missing"
    assert findings["messages"]["what"] == "the event source mapping of submit-invoices is Disabled"


def test_installing_is_asked_of_the_function_that_has_the_owners_rights(ways: dict[str, Operator]) -> None:
    installed, listed = ways["stack"].run("init"), ways["stack"].run("uninstall", "--dry-run")

    assert "a mapping is installed already" in installed.err
    assert "on invoicing.invoices;" in listed.out
    assert listed.code == 0, listed.err


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"operation": "dance"}, "there is no operation 'dance'"),
        ({"operation": "status", "arguments": {"loud": True}}, "unexpected keyword argument 'loud'"),
        ({"operation": "status", "arguments": ["now"]}, "must be an object"),
        ({"operation": ["status"]}, "there is no operation"),
        ({}, "there is no operation None"),
    ],
)
def test_what_cannot_be_done_is_the_same_sentence_either_way(
    ways: dict[str, Operator], request_: dict[str, Any], words: str
) -> None:
    through, direct = (ways[way].request(request_) for way in WAYS)

    assert through == direct
    assert through["error"]["type"] == "OperatorError"
    assert words in through["error"]["message"]


def test_a_person_acts_through_the_stack_with_the_workers_rights(ways: dict[str, Operator], operated: Company) -> None:
    signed = ("--who", "jane@desk", "--why", "maintenance", "--yes")

    paused = ways["stack"].run("pause", "default", "--for", "2h", *signed)
    resumed = ways["stack"].run("resume", "default", *signed)
    refused = ways["stack"].run("retry", sample_invoice(31).number, *signed)

    assert (paused.code, resumed.code, refused.code) == (0, 0, 2)
    assert "it is not sent again" in refused.err
    recorded = operated.database.rows("select operation, who, caller, request_id from facteur.operations order by id")
    assert [each[:2] for each in recorded[-2:]] == [("pause", "jane@desk"), ("resume", "jane@desk")]
    assert all(each.caller.startswith("arn:aws:") and each.request_id for each in recorded[-2:])


def test_dead_letters_go_back_with_the_functions_own_rights(ways: dict[str, Operator], operated: Company) -> None:
    aws = operated.stack.aws
    sqs = aws.session.client("sqs", endpoint_url=aws.endpoint_url)
    dead = sqs.get_queue_url(QueueName=f"{operated.stack.name}-submissions-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody='{"submission_id": 1}')

    result = ways["stack"].run("redrive", "--who", "jane@desk", "--why", "corrected", "--yes")

    assert result.code == 0, result.err
    assert "1 dead letter goes back" in result.out
    assert ways["stack"].ask("status")["dead_letters"] == 0


def test_a_crash_of_the_function_is_a_sentence_that_names_the_log(ways: dict[str, Operator], operated: Company) -> None:
    operated.database.rows("create table facteur.kept as select * from facteur.installation")
    operated.database.rows("delete from facteur.installation")

    result = ways["stack"].run("status")

    operated.database.rows("insert into facteur.installation select * from facteur.kept")
    assert result.code == 2
    assert f"{operated.stack.name}-operate-read crashed; its log says why" in result.err
    assert any("operate_read.failed" in line for line in operated.stack.log_lines("OperateReadFunction"))


def test_a_stack_that_does_not_exist_is_a_sentence_that_says_what_to_check(surroundings: None) -> None:
    result = Operator("", "no-such-stack").run("status")

    assert result.code == 2
    assert "no-such-stack-operate-read could not be invoked (ResourceNotFoundException)" in result.err


@pytest.mark.slow
def test_the_right_to_invoke_the_readers_function_lets_a_person_look_and_do_nothing(
    operated: Company, surroundings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _become(operated, monkeypatch, f"{operated.stack.name}-operate-read")
    signed = ("--who", "jane@desk", "--why", "maintenance", "--yes")

    looked = Operator("", operated.stack.name).run("status")
    acted = Operator("", operated.stack.name).run("pause", "default", *signed)
    installed = Operator("", operated.stack.name).run("init")

    assert looked.code == 0, looked.err
    assert [each.code for each in (acted, installed)] == [2, 2]
    assert "lambda:InvokeFunction" in acted.err
    assert "lambda:InvokeFunction" in installed.err


@pytest.mark.slow
def test_without_that_right_it_says_so(operated: Company, surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _become(operated, monkeypatch, "another")

    refused = Operator("", operated.stack.name).run("status")

    assert refused.code == 2
    assert "AccessDenied" in refused.err
    assert "lambda:InvokeFunction" in refused.err


def _become(company: Company, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """From here on the terminal's credentials are those of a user who may invoke this function and do nothing else."""
    aws = company.stack.aws
    iam = aws.session.client("iam", endpoint_url=aws.endpoint_url)
    user = iam.create_user(UserName=f"person-{function}")["User"]["UserName"]
    policy = json.dumps(INVOKER).replace("{}", function)
    iam.put_user_policy(UserName=user, PolicyName="invoke", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    _begin_anew()
    assert boto3.client("sts").get_caller_identity()["Arn"].endswith(user)


def _begin_anew() -> None:
    """As a new process would: boto3 keeps the first credentials it was given."""
    boto3.setup_default_session()
    container.reset()


def _without_ages(answer: Any) -> Any:
    """An answer without what passes between two questions."""
    installation = {key: value for key, value in answer["installation"].items() if not key.endswith("seconds_ago")}
    accounts = [{k: v for k, v in each.items() if not k.endswith("_seconds")} for each in answer["accounts"]]
    runs = [{k: v for k, v in each.items() if not k.endswith("seconds_ago")} for each in answer.get("runs", ())]
    return {**answer, "installation": installation, "accounts": accounts, "runs": runs}
