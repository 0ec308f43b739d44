"""The harness itself: it runs, it says what it found, it replays, and it can fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.torture.chance import random_schedule
from local.torture.points import POINTS, Interrupt
from local.torture.wires import at_point


def torture(*words: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.torture", "--lanes", "1", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.slow
def test_a_strike_neither_doubles_nor_loses() -> None:
    said = torture("--seed", "kill@http.deposit.sent:2")

    assert said.returncode == 0, said.stdout + said.stderr
    assert "1 runs" in said.stdout
    assert ": 0 double, 0 lost, 0 stuck, 0 silent, 0 other" in said.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_protection_that_is_switched_off_is_found_out() -> None:
    """What would survive here is a hole in the harness; the same runs are clean with the protection on."""
    said = torture("--mutants", timeout=590)

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("action", ["kill", "stall"])
def test_the_name_of_a_run_replays_it(action: str) -> None:
    for point in POINTS:
        interrupt = Interrupt(action, point, 7)

        assert at_point(Interrupt.read(str(interrupt))) == at_point(interrupt)


def test_a_seed_makes_the_same_schedule_again() -> None:
    assert random_schedule(4711) == random_schedule(4711)
    assert random_schedule(4711) != random_schedule(4712)


@pytest.mark.parametrize(
    "text", ["", "kill", "kill@nowhere:1", "tickle@store.claim.after:1", "kill@store.claim.after:x"]
)
def test_a_name_that_replays_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"kill@store\.claim\.after:2"):
        Interrupt.read(text)
