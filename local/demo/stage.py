"""Everything that the demo needs, started in order and stopped in reverse: Postgres, the platform, AWS, the stack."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from local.aws import Aws, aws_emulator
from local.demo.interruption import Interrupted, Interruption
from local.postgres import (
    WORKER,
    PostgresServer,
    as_worker,
    create_worker,
    embedded_binaries,
    free_port,
    server_folder,
    start_server,
    stop_server,
)
from local.sam import ROOT
from local.simulator.control import Simulator, running_simulator
from local.stack import Stack, create_bucket, database_secret, deploy, put_secret

T = TypeVar("T")
Say = Callable[[str], None]

STACK = "facteur-demo"
POSTGRES = "postgres"
RUNNING = "running.json"  # where `python -m local.demo.add` finds what runs
KEPT_LOGS = ROOT / ".local" / "demo"
BUCKET = "facteur-demo-documents"
DATABASE = "postgres"
LIFE_CYCLE_SPEED = 30  # the simulator's companies decide and pay within three seconds
PARAMETERS: Mapping[str, object] = {
    "DepositsEnabled": True,
    "MigrationSecretId": "facteur/owner",
    "WorkerRole": WORKER,
    "DocumentsBucket": BUCKET,
    "SubmitFrom": "2000-01-01",
    "RelayWatchSeconds": 0,  # the demo ticks by itself
    "ResendAfterSeconds": 3,
    "RequestsPerMinute": 6000,
    "HistoryRequestsPerMinute": 6000,
    "ReadTimeoutSeconds": 5,
}


@dataclass(frozen=True, slots=True)
class Part:
    """A program that may die while all is kept. `revive` starts it again at its address; None: what it knew is gone with it."""

    name: str
    is_dead: Callable[[], bool]
    revive: Callable[[], None] | None


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and where."""

    database_url: str
    platform: Simulator
    aws: Aws
    stack: Stack
    parts: tuple[Part, ...]


@contextmanager
def stage(say: Say, interruption: Interruption, folder: Path) -> Iterator[Stage]:
    """Start everything; an interruption waits for the start or stop that is under way, so nothing is left behind."""
    resources = ExitStack()

    def start(name: str, resource: AbstractContextManager[T]) -> T:
        began = time.monotonic()
        with interruption.deferred():
            started = resources.enter_context(resource)
        say(f"{name} ({time.monotonic() - began:.1f} s)")
        return started

    try:
        database = start("Postgres", _postgres(folder / POSTGRES))
        server = database.server
        platform = start("platform simulator", running_simulator(speed=LIFE_CYCLE_SPEED, history_quota=0))
        emulator = start("AWS emulator", aws_emulator(auth=True, log=folder / "aws.log"))
        began = time.monotonic()
        stack = _deploy(emulator.aws, server, platform)
        say(f"template.yaml deployed, database migrated ({time.monotonic() - began:.1f} s)")

        def revive_aws() -> None:
            emulator.revive()
            _deploy(emulator.aws, server, platform)

        parts = (
            Part("Postgres", lambda: database.server.process.poll() is not None, database.revive),
            Part("AWS emulator", lambda: emulator.process.poll() is not None, revive_aws),
            Part("platform simulator", lambda: not platform.is_alive(), None),
        )
        yield Stage(server.url(DATABASE), platform, emulator.aws, stack, parts)
    finally:
        with interruption.deferred():
            resources.close()


@contextmanager
def working_folder(console: Console, interruption: Interruption) -> Iterator[Path]:
    """A private folder for data and logs, gone at the end; after a failure its logs are kept where `make clean` finds them."""
    folder = server_folder("facteur-demo-")
    try:
        yield folder
    except Interrupted:
        raise
    except BaseException:
        kept = shutil.copytree(folder, KEPT_LOGS / folder.name, ignore=shutil.ignore_patterns("data", "server"))
        console.print(Text(f"logs: {kept}"), soft_wrap=True)
        raise
    finally:
        with interruption.deferred():
            shutil.rmtree(folder)


@dataclass(slots=True)
class _Database:
    """A server that is started again at the same port, with the same data."""

    folder: Path
    server: PostgresServer

    def revive(self) -> None:
        self.server = start_server(self.folder, embedded_binaries(), self.server.port)


@contextmanager
def _postgres(folder: Path) -> Iterator[_Database]:
    folder.mkdir()
    database = _Database(folder, start_server(folder, embedded_binaries(), free_port()))
    try:
        yield database
    finally:
        stop_server(database.server)


def _deploy(aws: Aws, server: PostgresServer, platform: Simulator) -> Stack:
    create_bucket(aws, BUCKET)
    _put_secrets(aws, server, platform)
    return deploy(aws, STACK, _parameters(platform))


def _put_secrets(aws: Aws, server: PostgresServer, platform: Simulator) -> None:
    create_worker(server.url(DATABASE))
    put_secret(aws, "facteur/owner", database_secret(server.url(DATABASE)))
    put_secret(aws, "facteur/database", database_secret(as_worker(server.url(DATABASE))))
    account = {name: getattr(platform, name) for name in ("client_id", "client_secret", "customer_id")}
    put_secret(aws, "facteur/default", {**account, "sandbox": True})


def _parameters(platform: Simulator) -> dict[str, object]:
    return {**PARAMETERS, "IopoleBaseUrl": platform.base_url, "IopoleAuthUrl": platform.auth_url}
