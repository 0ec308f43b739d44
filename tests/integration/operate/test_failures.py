"""Each line of the table of failures, by the real handlers on the shifted clock: nothing that stops an invoice is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from facteur.domain.metrics import WAITING_REASONS
from facteur.operate.waiting import SENTENCES, TROUBLES
from local.sam import load_template
from local.world.alarm_clock import Period, rings
from local.world.levers import World
from tests.failing_store import FailingStore
from tests.failures import FAILURES, STEP_SECONDS, Failure, Ground, Make, probe_that_fails, view_breaks_later
from tests.measured import measured
from tests.operator import Operator

LASTING_STEPS = 40
NOT_OF_A_WORLD = "no dead-letter queue"
RESOURCES = load_template()["Resources"]


@pytest.fixture
def ground(world: World, store: FailingStore, operator: Operator) -> Iterator[Ground]:
    with ExitStack() as lasting:
        yield Ground(world, store, operator, lasting)


@pytest.mark.parametrize(
    ("failure", "settings"),
    [
        pytest.param(each, each.settings, id=each.what, marks=[pytest.mark.slow] if each.slow else [])
        for each in FAILURES
    ],
)
def test_a_failure_is_shown_and_rings_its_alarm_in_time(
    world: World, ground: Ground, operator: Operator, capsys: pytest.CaptureFixture[str], failure: Failure
) -> None:
    failure.make(ground)
    world.advance(failure.head_start)
    alarm = RESOURCES[f"{failure.alarm}Alarm"]["Properties"]
    result: list[Period] = []

    while not rung(alarm, result):
        assert len(result) * STEP_SECONDS < failure.minutes * 60, (
            f"not heard within {failure.minutes} minutes: {result[-1:]}"
        )
        result.append(one_step(ground, failure, capsys))

    status = operator.ask("status")
    said = [each["what"] for each in (*status["troubles"], *status["waiting"])]
    assert any(failure.shown in what for what in said), said
    rung_for = [each["what"] for each in status["troubles"] if NOT_OF_A_WORLD not in each["what"]]
    assert rung_for, "an alarm rings beside a green status"
    assert failure.reason in {None, *(each["reason"] for each in status["waiting"])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "alarm"), [(probe_that_fails, "AccountRefused"), (view_breaks_later, "UnreadableRows")]
)
def test_what_goes_on_rings_for_as_long_as_it_does(
    world: World, ground: Ground, operator: Operator, capsys: pytest.CaptureFixture[str], make: Make, alarm: str
) -> None:
    """Counted only when it happens, it would ring once and then wait for ever."""
    failure = Failure("", make, alarm, 0, "")
    make(ground)
    result = [one_step(ground, failure, capsys) for _ in range(LASTING_STEPS)]

    assert rung(RESOURCES[f"{alarm}Alarm"]["Properties"], result)
    assert operator.ask("status")["troubles"]
    assert world.submission(1).state in {"pending", "in_doubt"}


def test_every_reason_for_waiting_is_a_trouble_some_time() -> None:
    elsewhere = {  # what another line of `facteur status` names as a trouble
        "account_paused", "not_followed", "platform_down", "in_doubt", "not_written_back", "silent", "unread",
    }  # fmt: skip

    assert set(TROUBLES) | elsewhere == set(SENTENCES)
    assert set(SENTENCES) == WAITING_REASONS


def one_step(ground: Ground, failure: Failure, capsys: pytest.CaptureFixture[str]) -> Period:
    """Five minutes go by, and each function that still runs is called; what they counted."""
    capsys.readouterr()
    world = ground.world
    world.advance(STEP_SECONDS)
    if failure.meanwhile:
        failure.meanwhile(ground)
    for name, run in (("relay", world.relay), ("submit", world.submit), ("poll", world.poll)):
        if name not in failure.off:
            with suppress(Exception):  # one that raises is what some of the failures are
                run()
    return measured(capsys.readouterr().out) | ground.measured_by_sqs()


def rung(alarm: dict[str, Any], result: list[Period]) -> bool:
    """Whether an alarm rings by now, its periods made of the steps."""
    if not result:
        return False
    length = alarm.get("Period", 3600)
    periods = [period for step in result for period in [step] * max(1, STEP_SECONDS // length)]
    together = max(1, length // STEP_SECONDS)
    joined = [_joined(periods[max(0, end - together) : end]) for end in range(len(periods), 0, -together)][::-1]
    return rings(alarm, *joined)


def _joined(periods: list[Period]) -> Period:
    names = {name for period in periods for name in period}
    return {name: [value for period in periods for value in period.get(name, ())] for name in names}
