"""The table of failures holds every alarm, reason and section of the runbook, and docs/outages.md shows it."""

from __future__ import annotations

import re

from facteur.domain.metrics import WAITING_REASONS, Metric
from facteur.operate.waiting import SENTENCES
from local.sam import ROOT, load_template
from tests.failures import FAILURES, OF_SQS, as_markdown

ALARMS = {
    name.removesuffix("Alarm")
    for name, each in load_template()["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm"
}
NOT_FAILURES = {"sending"}  # a lease that ends is a doubt, or is due again
VIEW = (ROOT / "layers/core/python/facteur/sql/functions/waiting.sql").read_text()


def test_each_alarm_has_a_failure_that_rings_it() -> None:
    assert {each.alarm for each in FAILURES} == ALARMS
    assert all(each.shown for each in FAILURES), "status names whatever rings"


def test_each_reason_for_waiting_has_a_failure_a_sentence_and_a_command() -> None:
    commands = set(re.findall(r"when '(\w+)' then 'facteur", VIEW))

    assert {each.reason for each in FAILURES} - {None} | NOT_FAILURES == WAITING_REASONS
    assert set(SENTENCES) == WAITING_REASONS == commands


def test_each_failure_has_a_metric_of_ours_and_a_section_of_the_runbook() -> None:
    headings = re.findall(r"^- \[.+\]\(#(.+)\)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)

    assert {each.metric.split()[0] for each in FAILURES} <= {*Metric, OF_SQS}
    assert {each.section.partition("#")[2] for each in FAILURES} <= set(headings)


def test_outages_shows_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "outages.md").read_text()


def test_what_rings_nowhere_names_a_test_that_makes_it() -> None:
    page = (ROOT / "docs" / "outages.md").read_text().partition("## Other outages")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", page))
    there = {
        name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }

    assert len(named) > 20
    assert named - there == set()
