"""Alarms, the metrics that the code emits, and the runbook are one table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facteur.domain.metrics import BY_PROVIDER, WAITING_REASONS, Metric
from local.resolved import resolved
from local.sam import ROOT, load_template

TEMPLATE = load_template()
RESOURCES = TEMPLATE["Resources"]
ALARMS = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
THIS_STACK = [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]
OF_AWS = {"AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
          "AWS/Lambda": {"Errors", "Throttles", "Duration"}}  # fmt: skip
# What an alarm watches; the others are for the dashboard, and for whoever asks why.
WATCHED = {
    "OldestOverdueSeconds", "OldestDoubtSeconds", "OldestUnwrittenSeconds", "OldestUndepositedDays", "FailedInvoices", "AccountRefused",
    "BreakersOpen", "PollRuns", "OldestSilentSeconds", "OldestUnreadSeconds", "DepositsNotShown", "StatusesPutOff",
     "OldestWaitingSeconds", "ForgottenInvoices", "UnnamedKinds", "UnreadableRows",
     "InstallationFaults", "KeysNotShown", "Deposits", "Rejections",
}  # fmt: skip


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def metrics_of(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The metrics that an alarm is about, each with namespace, name and dimensions."""
    if "MetricName" in alarm:
        yield alarm
    yield from (each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each)


def widgets() -> list[dict[str, Any]]:
    return list(json.loads(resolved(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]))["widgets"])


def test_each_alarm_has_a_section_of_the_runbook_and_each_section_an_alarm() -> None:
    named = [alarm["AlarmDescription"].rpartition("docs/runbook.md#")[2] for alarm in ALARMS.values()]

    assert sorted(named) == sorted(slug(heading) for heading in re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE))


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_in_one_sentence_what_happened(name: str) -> None:
    sentence, _, anchor = ALARMS[name]["AlarmDescription"].partition(": docs/runbook.md#")

    assert anchor
    assert sentence[0].isupper() or sentence.startswith("submit_invoices")
    assert ". " not in sentence
    assert len(sentence) < 120


def test_the_alarms_watch_metrics_that_the_code_emits_for_this_stack() -> None:
    ours = [each for alarm in ALARMS.values() for each in metrics_of(alarm) if each["Namespace"] == "Facteur"]

    assert {each["MetricName"] for each in ours} == WATCHED
    assert set(Metric) >= WATCHED
    reasons = {each["Dimensions"][1]["Value"] for each in ours if each["MetricName"] == "OldestWaitingSeconds"}
    assert reasons <= WAITING_REASONS
    assert all(each["Dimensions"][:1] == THIS_STACK for each in ours)
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Facteur"
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_can_be_left_out_and_is_heard_at_the_topic(name: str) -> None:
    alarm = ALARMS[name]

    assert RESOURCES[name]["Condition"] == RESOURCES["Dashboard"]["Condition"] == "CreatesAlarms"
    assert alarm["AlarmActions"] == alarm["OKActions"] == {
        "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
    }  # fmt: skip


def test_only_silence_is_an_alarm_where_nothing_is_counted() -> None:
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}

    assert breaching == {"RelaySilentAlarm", "PollerSilentAlarm"}


def test_each_section_says_what_to_look_at_what_to_do_and_what_never_to_do() -> None:
    sections = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]

    for section in sections:
        assert "For the customer: " in section, section[:40]
        assert "```sh" in section, section[:40]
        assert "```sql" in section, section[:40]
        assert re.search(r"^1\. ", section, re.MULTILINE), section[:40]
        assert re.search(r"^Never ", section, re.MULTILINE), section[:40]


def test_the_dashboard_shows_every_alarm_and_every_metric_it_names_exists() -> None:
    shown, named = set(), set()
    for widget in widgets():
        shown |= {arn.rpartition(":alarm:")[2] for arn in widget["properties"].get("alarms", [])}
        for metric in widget["properties"].get("metrics", []):
            if "expression" not in metric[0]:
                named.add((metric[0], metric[1]))

    assert shown == {resolved(alarm["AlarmName"]) for alarm in ALARMS.values()}
    assert {name for namespace, name in named if namespace == "Facteur"} == set(Metric)
    assert {(space, name) for space, name in named if space != "Facteur"} == {
        (space, name) for space, names in OF_AWS.items() for name in names
    }


def test_what_is_counted_by_platform_is_shown_by_platform_and_watched_as_a_whole() -> None:
    searched = {
        found[1]
        for widget in widgets()
        for metric in widget["properties"].get("metrics", [])
        if "expression" in metric[0]
        and (found := re.search(r'\{Facteur,provider,service\} MetricName="(\w+)"', metric[0]["expression"]))
    }

    assert searched == BY_PROVIDER
    dimensions = {
        each["Name"] for alarm in ALARMS.values() for part in metrics_of(alarm) for each in part["Dimensions"]
    }
    assert "provider" not in dimensions


def test_the_dashboard_fits_its_grid_without_overlaps() -> None:
    cells = [
        (x, y)
        for each in widgets()
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_cloudwatch_takes_every_alarm_and_the_dashboard() -> None:
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x")
        for alarm in ALARMS.values():
            client.put_metric_alarm(**resolved(alarm))
        client.put_dashboard(DashboardName="facteur", DashboardBody=json.dumps({"widgets": widgets()}))

        taken = client.describe_alarms()["MetricAlarms"]

    assert {each["AlarmName"] for each in taken} == {resolved(alarm["AlarmName"]) for alarm in ALARMS.values()}
    assert all(each["AlarmActions"] == ["arn:aws:sns:eu-west-3:123456789012:alarms"] for each in taken)
