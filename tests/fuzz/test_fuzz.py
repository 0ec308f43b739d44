"""Whatever a platform, a queue, a document or a secret holds: nothing unhandled, nothing slow, nothing that cannot be stored."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local.sam import ROOT
from tests.fuzz.inputs import changed
from tests.fuzz.target import Target, faulty
from tests.fuzz.targets import TARGETS

EXAMPLES = 400
MANY = 5_000
GUIDED_SECONDS = "10"


def fuzz(target: Target, examples: int) -> None:
    """Try so many inputs, the same ones each time; raises what the first bad one raises."""

    @settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 2**48))
    def each(seed: int) -> None:
        target.check(changed(target.samples, seed))

    each()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_sample_is_read(target: Target) -> None:
    for sample in target.samples:
        target.check(sample)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_foreign_is_unhandled(target: Target) -> None:
    fuzz(target, EXAMPLES)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_foreign_is_unhandled_in_many_tries(target: Target) -> None:
    fuzz(target, MANY)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_fault_that_is_planted_in_the_parser_is_found(target: Target) -> None:
    with faulty(target.planted), pytest.raises(Exception):  # noqa: B017, PT011  whatever the fault lets through
        fuzz(target, EXAMPLES)


def _led_by_coverage(target: Target, *more: str) -> int:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python or machine")
    command = [sys.executable, "-m", "tests.fuzz.coverage_guided", target.name, GUIDED_SECONDS, *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_foreign_is_unhandled_where_coverage_leads(target: Target) -> None:
    assert _led_by_coverage(target) == 0


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_fault_that_is_planted_in_the_parser_is_found_where_coverage_leads(target: Target) -> None:
    assert _led_by_coverage(target, "planted") != 0
