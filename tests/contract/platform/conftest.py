"""Each test of the suite is run with every adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local.simulator.core.control import Simulator, running_simulator
from tests.contract.platform.subjects import AfnorKind, IopoleKind, Kind, Subject, SuperPdpKind, ToyKind, subject_of


@pytest.fixture(scope="session")
def simulators() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def superpdp() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture(scope="session")
def afnor() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


KINDS: dict[str, Callable[[Simulator], Kind]] = {
    "iopole": IopoleKind,
    "superpdp": SuperPdpKind,
    "afnor-1.2": AfnorKind,
    "afnor-1.3": AfnorKind,
}


@pytest.fixture(params=[*KINDS, "toy"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with ExitStack() as stack:
        if request.param == "toy":
            yield subject_of(ToyKind(stack), stack)
            return
        name, _, version = request.param.partition("-")
        simulator: Simulator = request.getfixturevalue("simulators" if name == "iopole" else name)
        simulator.reset()
        if version:
            simulator.configure(afnor_version=version)
        yield subject_of(KINDS[request.param](simulator), stack)
