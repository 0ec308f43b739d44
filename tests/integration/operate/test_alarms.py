"""Deposits are on and no topic hears of alarms: doctor says so, and so does the deploy; advice follows who answered."""

from __future__ import annotations

import dataclasses

import pytest

from facteur.aws.deployment import DeployedStack
from facteur.operate.doctor.deployment import alarms
from facteur.operate.wiring import operate_services
from facteur.settings import Settings
from local.sam import load_template
from local.world.levers import World
from tests.operator import Operator


@pytest.mark.parametrize(
    ("environ", "outcome"),
    [
        ({"DEPOSITS_ENABLED": "true", "ALARM_TOPIC_ARN": ""}, "warning"),
        ({"DEPOSITS_ENABLED": "true", "ALARM_TOPIC_ARN": "arn:aws:sns:eu-west-3:123456789012:alarms"}, "ok"),
        ({"DEPOSITS_ENABLED": "false"}, "ok"),
    ],
)
def test_doctor_warns_where_deposits_are_on_and_nobody_hears_of_an_alarm(
    database_url: str, environ: dict[str, str], outcome: str
) -> None:
    exam = operate_services(database_url).examination()
    client = pytest.fail  # the check asks nobody

    deployed = dataclasses.replace(
        exam, settings=Settings.from_environ(environ), deployment=DeployedStack("facteur", client, client)
    )

    assert alarms(deployed).outcome == outcome


def test_the_deploy_prints_that_nobody_hears() -> None:
    template = load_template()

    assert template["Outputs"]["Warning"]["Condition"] == "NobodyHears"
    assert "NobodyHears" in template["Conditions"]


@pytest.mark.parametrize(("fault", "words"), [("503", "status page"), ("refused", "private network")])
def test_the_advice_follows_who_answered(world: World, operator: Operator, fault: str, words: str) -> None:
    world.add(1)
    world.relay()
    if fault == "503":
        world.simulator.outage(1e9, "503", ["token"])
    else:
        world.simulator.refuse_connections()

    findings = operator.ask("doctor")["findings"]
    world.simulator.accept_connections()

    helps = [each["help"] for each in findings if each["check"] == "token"]
    assert helps
    assert all(words in each for each in helps)
