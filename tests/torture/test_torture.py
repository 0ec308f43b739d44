"""The harness itself: it runs, it says what it found, it replays, and it can fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.torture.chance import random_schedule
from local.torture.mutants import mutants_of
from local.torture.points import Interrupt
from local.torture.wires import WIRES, at_point


def torture(*words: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.torture", "--lanes", "1", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("platform", WIRES)
def test_a_strike_neither_doubles_nor_loses(platform: str) -> None:
    said = torture("--platform", platform, "--seed", "kill@http.deposit.sent:2")

    assert said.returncode == 0, said.stdout + said.stderr
    assert "1 runs" in said.stdout
    assert ": 0 double, 0 lost, 0 stuck, 0 silent, 0 other" in said.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("platform", [each for each in WIRES if mutants_of(each)])
def test_every_protection_that_is_switched_off_is_found_out(platform: str) -> None:
    """What would survive here is a hole in the harness; the same runs are clean with the protection on."""
    said = torture("--platform", platform, "--mutants", timeout=1190)

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("platform", WIRES)
@pytest.mark.parametrize("action", ["kill", "stall"])
def test_the_name_of_a_run_replays_it(action: str, platform: str) -> None:
    points = WIRES[platform].points
    for point in points:
        interrupt = Interrupt(action, point, 7)

        assert at_point(Interrupt.read(str(interrupt), points), platform=platform) == at_point(
            interrupt, platform=platform
        )


@pytest.mark.parametrize("platform", WIRES)
def test_a_seed_makes_the_same_schedule_again(platform: str) -> None:
    assert random_schedule(4711, platform=platform) == random_schedule(4711, platform=platform)
    assert random_schedule(4711, platform=platform) != random_schedule(4712, platform=platform)


def test_what_another_platform_has_changes_no_schedule_of_the_first() -> None:
    """Its seeds stand in docs/reliability.md."""
    schedule = random_schedule(4711)

    strikes = [str(each) for each in schedule.interrupts]
    assert strikes == ["kill@statuses.claim_histories.before:2", "kill@store.record_unclaimed.after:8"]
    assert (len(schedule.orders), schedule.stall_seconds, schedule.clients) == (6, 820.0, "one")


@pytest.mark.parametrize(
    "text", ["", "kill", "kill@nowhere:1", "tickle@store.claim.after:1", "kill@store.claim.after:x"]
)
def test_a_name_that_replays_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"kill@store\.claim\.after:2"):
        Interrupt.read(text)
