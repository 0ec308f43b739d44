"""What a benchmark gets to stand on: servers and worlds of its own, or, in a test of the bench, shared ones."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.bench.sink import running_sink
from local.simulator.core.control import Simulator, running_simulator
from local.world.aws import Emulator, aws_emulator
from local.world.levers import World, built_world, changed_environment
from local.world.postgres import WORKER, PostgresServer, create_worker, postgres_server

DURABLE = ("fsync=on", "synchronous_commit=on")
COUNTED = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top")
LIFTED = "1000000"  # calls a minute: no budget in the way
RULES = {"REQUESTS_PER_MINUTE": LIFTED, "HISTORY_REQUESTS_PER_MINUTE": LIFTED, "MAX_IN_FLIGHT": "10"}


class Stage(Protocol):
    """Gives what it gives for as long as the block lasts."""

    def server(self, *settings: str) -> AbstractContextManager[PostgresServer]:
        """A durable Postgres."""

    def world(
        self, *postgres: str, latency_seconds: float | None = 0.0, **settings: str
    ) -> AbstractContextManager[World]:
        """Everything around the handlers, the budget lifted, ten deposits in flight; `settings` are the functions' variables.

        Args:
            latency_seconds: the platform is a sink that answers after so long; None: it is the simulator.
        """


class OwnStage:
    """Everything is started for one benchmark, and stopped after it."""

    def server(self, *settings: str) -> AbstractContextManager[PostgresServer]:
        return postgres_server(*DURABLE, *settings)

    @contextmanager
    def world(self, *postgres: str, latency_seconds: float | None = 0.0, **settings: str) -> Iterator[World]:
        with (
            self.server(*postgres) as server,
            _platform(latency_seconds) as platform,
            aws_emulator() as emulator,
            _world(server, "bench", platform, emulator, settings) as world,
        ):
            yield world


@dataclass
class SharedStage:
    """One server, one emulator and one platform of each latency for many benchmarks; databases and queues are new each time."""

    stack: ExitStack
    postgres: PostgresServer
    emulator: Emulator
    platforms: dict[float | None, Simulator] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def started(cls, stack: ExitStack) -> SharedStage:
        """Everything stops when the stack is closed."""
        server = stack.enter_context(postgres_server(*DURABLE, *COUNTED))
        return cls(stack, server, stack.enter_context(aws_emulator()))

    @contextmanager
    def server(self, *_settings: str) -> Iterator[PostgresServer]:
        yield self.postgres

    @contextmanager
    def world(self, *_postgres: str, latency_seconds: float | None = 0.0, **settings: str) -> Iterator[World]:
        if latency_seconds not in self.platforms:
            self.platforms[latency_seconds] = self.stack.enter_context(_platform(latency_seconds))
        platform = self.platforms[latency_seconds]
        with _world(self.postgres, f"bench{next(self.numbers)}", platform, self.emulator, settings) as world:
            yield world


def migrated(server: PostgresServer, name: str) -> Database:
    """A new database of the server, with Facteur and the default table in it."""
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows(f"create database {name}")
    admin.close()
    create_worker(server.url())
    database = Database(lambda: {"dsn": server.url(name)})
    migrate(database, worker_role=WORKER)
    return database


def _platform(latency_seconds: float | None) -> AbstractContextManager[Simulator]:
    if latency_seconds is not None:
        return running_sink(latency_seconds)
    return running_simulator(history_quota=0, validate_schema="off", open_directory="on")


@contextmanager
def _world(
    server: PostgresServer, name: str, platform: Simulator, emulator: Emulator, settings: dict[str, str]
) -> Iterator[World]:
    migrated(server, name).close()
    with (
        tempfile.TemporaryDirectory(prefix="facteur-bench-") as folder,
        changed_environment() as setenv,
        built_world(server.url(name), platform, emulator.aws, Path(folder), setenv, **RULES | settings) as world,
    ):
        yield world
