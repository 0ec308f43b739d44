"""One simulator process for each test worker; every test finds it as new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.simulator.core.control import Simulator, running_simulator
from tests.contract.simulator.afnor_client import AfnorClient, afnor_client_of
from tests.contract.simulator.client import Client, client_of
from tests.contract.simulator.superpdp_client import Pdp, pdp_of


@pytest.fixture(scope="session")
def process() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(process: Simulator) -> Simulator:
    process.reset()
    return process


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    found = client_of(simulator)
    with found.session:
        yield found


@pytest.fixture(scope="session")
def superpdp_process() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture
def superpdp(superpdp_process: Simulator) -> Simulator:
    superpdp_process.reset()
    return superpdp_process


@pytest.fixture
def pdp(superpdp: Simulator) -> Iterator[Pdp]:
    found = pdp_of(superpdp)
    with found.session:
        yield found


@pytest.fixture(scope="session")
def afnor_process() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


@pytest.fixture
def afnor(afnor_process: Simulator) -> Iterator[AfnorClient]:
    afnor_process.reset()
    found = afnor_client_of(afnor_process)
    with found.session:
        yield found
