"""Each test of the suite is run with every adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.simulator.core.control import Simulator, running_simulator
from tests.contract.platform.subjects import IopoleKind, Subject, SuperPdpKind, ToyKind, subject_of


@pytest.fixture(scope="session")
def simulators() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def superpdp() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture(params=["iopole", "superpdp", "toy"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with ExitStack() as stack:
        if request.param == "toy":
            yield subject_of(ToyKind(stack), stack)
            return
        of_iopole = request.param == "iopole"
        simulator: Simulator = request.getfixturevalue("simulators" if of_iopole else "superpdp")
        simulator.reset()
        yield subject_of(IopoleKind(simulator) if of_iopole else SuperPdpKind(simulator), stack)
