"""A platform, a Postgres and an AWS for the module that asks, and on them two stacks of the real template.

AWS is the emulator, enforcing IAM. Where AWS_ENDPOINT_URL names another one (LocalStack, say), the same tests run there,
unchanged, and carry the marker `localstack`; its functions reach Postgres and the platform at the address that it answers at itself.
`make test-localstack DOCKER=1` does that. We have not run it: its functions download a runtime, and the machines of this project
reach package registries only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from local.forward import LOOPBACK, forwarded
from local.sam import ROOT
from local.simulator.core.control import Simulator, running_simulator
from local.world.aws import Aws, aws_emulator
from local.world.postgres import PostgresServer, postgres_server
from tests.e2e.company import Company, deployed

LIFE_CYCLE_SPEED = 30  # buyers decide and pay within three seconds
BUILT_DEPENDENCIES = ROOT / ".aws-sam" / "build" / "DependenciesLayer"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the stacks stand on. The emulator needs no built dependencies: its functions use the tests' own."""

    aws: Aws
    server: PostgresServer
    platform: Simulator
    dependencies: Path | None
    password: str
    address: str = LOOPBACK


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with ExitStack() as resources:
        server = resources.enter_context(postgres_server())
        platform = resources.enter_context(
            running_simulator(speed=LIFE_CYCLE_SPEED, history_quota=0, client_secret=uuid4().hex)
        )
        if "AWS_ENDPOINT_URL" in os.environ:
            aws = Aws.from_environ(os.environ)
            address = urlsplit(aws.endpoint_url or "").hostname or LOOPBACK
            if address != LOOPBACK:
                ports = [urlsplit(url).port or 0 for url in (server.url(), platform.base_url)]
                resources.enter_context(forwarded(address, ports))
            yield Ground(aws, server, platform, BUILT_DEPENDENCIES, uuid4().hex, address)
        else:
            aws = resources.enter_context(aws_emulator(auth=True)).aws
            yield Ground(aws, server, platform, None, uuid4().hex)


@pytest.fixture(scope="module")
def unattended(ground: Ground) -> Iterator[Company]:
    """A company whose stack nothing calls but its schedules and its queue."""
    with one_company(ground, "unattended") as company:
        yield company


@pytest.fixture(scope="module")
def company(ground: Ground, unattended: Company) -> Iterator[Company]:
    """A company whose stack the tests tick. It comes second, so that the other one's minute passes meanwhile."""
    with one_company(ground, "ticked") as company:
        yield company


@contextmanager
def one_company(ground: Ground, name: str) -> Iterator[Company]:
    """A company with a stack of its own."""
    unique = f"facteur-{name}-{uuid4().hex[:6]}"
    with deployed(
        unique, ground.aws, ground.server, ground.platform, ground.dependencies, ground.password, ground.address
    ) as company:
        yield company


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for everything that the demo writes; Postgres, as nobody, must be able to pass through."""
    folder = Path(tempfile.mkdtemp(prefix="facteur-test-demo-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
