"""A world per test; the simulator runs once per worker and is reset in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.measure.ground import prepare
from local.simulator.core.control import Simulator, running_simulator
from local.world.aws import Aws, aws_emulator
from local.world.levers import World, built_world
from local.world.postgres import as_worker
from local.world.stack import create_bucket
from tests.failing_store import FailingStore, failing_store
from tests.operator import Operator
from tests.two_accounts import SECOND


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with running_simulator(history_quota=0) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    with aws_emulator() as emulator:
        yield emulator.aws


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def settings() -> dict[str, str]:
    """Override in a test module or parametrize to run with other settings."""
    return {}


@pytest.fixture
def world(
    database_url: str,
    simulator: Simulator,
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
) -> Iterator[World]:
    with built_world(database_url, simulator, aws, tmp_path, monkeypatch.setenv, **settings) as built:
        yield built


@pytest.fixture
def two(world: World) -> World:
    """A world with two accounts, default and second."""
    prepare(world)
    world.simulator.add_account(**SECOND)
    world.put_secret("second", SECOND)
    return world


@pytest.fixture
def operator(database_url: str) -> Operator:
    """A person with the command facteur, who has no more rights than the deployed function."""
    return Operator(as_worker(database_url))


@pytest.fixture
def owner(database_url: str) -> Operator:
    """A person whose role owns the schema."""
    return Operator(database_url)


@pytest.fixture
def store(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingStore]:
    """The emulator's S3 with a bucket of documents, behind a server that refuses what a test says."""
    with failing_store(str(world.aws.endpoint_url)) as failing:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", failing.url)
        failing.bucket = create_bucket(world.aws, f"{world.prefix}-documents")
        world.new_container()
        yield failing
