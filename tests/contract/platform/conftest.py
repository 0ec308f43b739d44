"""Each test of the suite is run with every adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.simulator.core.control import Simulator, running_simulator
from tests.contract.platform.subjects import IopoleKind, Subject, ToyKind, subject_of


@pytest.fixture(scope="session")
def simulators() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(params=["iopole", "toy"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with ExitStack() as stack:
        if request.param == "toy":
            yield subject_of(ToyKind(stack), stack)
            return
        simulator: Simulator = request.getfixturevalue("simulators")
        simulator.reset()
        yield subject_of(IopoleKind(simulator), stack)
