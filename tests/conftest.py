"""What several kinds of tests share: a Postgres server per worker, and a migrated database per test."""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from facteur.errors import DatabaseUnavailableError
from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.start import StartError
from local.world.postgres import WORKER, PostgresServer, create_worker, embedded_binaries, postgres_server
from tests.rows import Rows

# A machine that does much else is slow, and no fault of ours.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

DEBIAN_BINARIES = Path("/usr/lib/postgresql/15/bin")
MEMORY = Path("/dev/shm")  # a file system of Linux without a disk  # noqa: S108
MEMORY_WANTED = 4 * 2**30  # bytes free, for two servers; a container may have 64 MiB only

CASES_OF_EACH = {
    "unit": None,
    "contract": 2,
}  # in `make test`, of each function; elsewhere one: its siblings are other functions
SIBLINGS = "test_adversary"  # what adversaries found: siblings of what the other modules try

TESTS = Path(__file__).parent

_numbers = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` tries one or two cases of a class, `make test-all` all: what is left out there is marked as slow."""
    seen: Counter[tuple[Path, str]] = Counter()
    for item in items:
        if isinstance(item, pytest.Function):
            seen[item.path, item.originalname] += 1
            most = CASES_OF_EACH.get(item.path.relative_to(TESTS).parts[0], 1)
            if item.path.name.startswith(SIBLINGS) or (most is not None and seen[item.path, item.originalname] > most):
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What did not start is said in one sentence, not by a traceback of each test that needed it."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, StartError):
        report.longrepr = str(call.excinfo.value)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run on the embedded Postgres; a module with ALSO_ON_DEBIAN, in `make test-all`, on Debian's older one as well."""
    if "server" not in metafunc.fixturenames:
        return
    binaries = [pytest.param(embedded_binaries(), id=pytest.HIDDEN_PARAM)]
    if getattr(metafunc.module, "ALSO_ON_DEBIAN", False) and DEBIAN_BINARIES.exists():
        binaries.append(pytest.param(DEBIAN_BINARIES, id="postgres15", marks=pytest.mark.slow))
    metafunc.parametrize("server", binaries, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    settings = ("max_prepared_transactions=10", "lock_timeout=30s", "max_wal_size=256MB")
    roomy = MEMORY.exists() and shutil.disk_usage(MEMORY).free > MEMORY_WANTED
    with postgres_server(*settings, binaries=request.param, below=MEMORY if roomy else None) as running:
        yield running


@pytest.fixture(scope="session")
def template(server: PostgresServer) -> str:
    """A migrated database with the default invoice table and a worker's role, to copy."""
    create_worker(server.url())
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows("create database template_facteur")
    database = Database(lambda: {"dsn": server.url("template_facteur")})
    migrate(database, worker_role=WORKER)
    database.close()
    admin.close()
    return "template_facteur"


@contextmanager
def _created(server: PostgresServer, template: str) -> Iterator[str]:
    """What is dropped at once is never written to the disk; what cannot be (a prepared transaction) goes with the server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows(f"create database {name} template {template} strategy file_copy")
    yield server.url(name)
    with suppress(DatabaseUnavailableError):
        admin.rows(f"drop database {name} with (force)")
    admin.close()


@pytest.fixture
def empty_url(server: PostgresServer) -> Iterator[str]:
    """A database with nothing in it."""
    with _created(server, "template0") as url:
        yield url


@pytest.fixture
def database_url(server: PostgresServer, template: str) -> Iterator[str]:
    """A migrated database."""
    with _created(server, template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A connection to it."""
    opened = Database(lambda: {"dsn": database_url})
    yield opened
    opened.close()


@pytest.fixture
def rows(database_url: str, database: Database) -> Iterator[Rows]:
    """The same database, with levers on invoices and submissions."""
    levers = Rows(database_url, database)
    yield levers
    levers.close()


@pytest.fixture
def bare(empty_url: str) -> Iterator[Rows]:
    """An empty database, before any migration."""
    levers = Rows(empty_url, Database(lambda: {"dsn": empty_url}))
    yield levers
    levers.close()
