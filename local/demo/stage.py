"""Everything that the demo needs, started in order and stopped in reverse: Postgres, the platform, AWS, the stack."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import psycopg2
from rich.console import Console
from rich.text import Text

from local.demo.companies import FIRST, Account, naming
from local.demo.interruption import Interrupted, Interruption
from local.demo.parts import AWS_EMULATOR, POSTGRES, Part
from local.sam import ROOT
from local.simulator.core.control import Program, Simulator, simulator_program
from local.world.accounts import account_secret
from local.world.aws import Aws, aws_emulator
from local.world.deploy import deploy
from local.world.postgres import (
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
from local.world.stack import Stack, create_bucket, database_secret, put_secret

T = TypeVar("T")
Say = Callable[[str], None]

STACK = "facteur-demo"
SECRETS = "facteur"  # before the name of an account
RUNNING = "running.json"  # where `python -m local.demo.add` finds what runs
KEPT_LOGS = ROOT / ".local" / "demo"
BUCKET = "facteur-demo-documents"
QUEUE_LOST = (
    "its queue was empty, its secrets and documents are those of the beginning; the database says what is to do"
)
LEDGER_LOST = (
    "its ledger is empty: what was deposited before gets no more statuses, and what is in doubt is sent again. "
    "To see whole life cycles, write new invoices, or press Ctrl-C and begin anew"
)
DATABASE = "postgres"
DATABASE_SECRET = "facteur/database"  # noqa: S105 - its name
LIFE_CYCLE_SPEED = 30  # the simulator's companies decide and pay within three seconds
PARAMETERS: Mapping[str, object] = {
    "DepositsEnabled": True,
    "RelayWatchSeconds": 0,  # the demo ticks by itself
    "ResendAfterSeconds": 3,
    "RequestsPerMinute": 6000,
    "HistoryRequestsPerMinute": 6000,
    "ReadTimeoutSeconds": 20,  # a machine that does much else is slow, and is no platform that is silent
}
OWN_PARAMETERS: Mapping[str, object] = {  # of the demo's own company
    "MigrationSecretId": "facteur/owner",
    "WorkerRole": WORKER,
    "SubmitFrom": "2000-01-01",
}


@dataclass(frozen=True, slots=True)
class Company:
    """Whose invoices they are: its database, and what the stack has to know of it. `secrets` are of the database, by their ids."""

    database_url: str
    secrets: Mapping[str, Mapping[str, object]]
    parameters: Mapping[str, object]
    bucket: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and where. `platform` is that of the account named default, `others` those of further accounts by their names."""

    database_url: str
    platform: Simulator
    aws: Aws
    stack: Stack
    parts: tuple[Part, ...]
    others: Mapping[str, Simulator] = field(default_factory=dict)

    @property
    def platforms(self) -> Mapping[str, Simulator]:
        """That of each account."""
        return {FIRST.name: self.platform, **self.others}

    def put_into_aws(self, what: Callable[[], T]) -> T:
        """Put something into AWS, and again into each new emulator."""
        return self._part(AWS_EMULATOR).put(what)

    def put_into_platform(self, what: Callable[[], T]) -> T:
        """Put something into the simulator of the account named default, and again into each new one."""
        return self._part(FIRST.simulator).put(what)

    def _part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)


@contextmanager
def stage(
    say: Say, interruption: Interruption, folder: Path, guest: Company | None = None, others: tuple[Account, ...] = ()
) -> Iterator[Stage]:
    """Start everything; an interruption waits for the start or stop that is under way, so nothing is left behind.

    Args:
        say: called at every start.
        interruption: what Ctrl-C does.
        folder: for data and logs.
        guest: a company that is there already; without one, a Postgres with a company of the demo's own is started.
        others: the accounts that deposit with a platform of their own, beside the one named default.
    """
    resources = ExitStack()

    def start(name: str, resource: AbstractContextManager[T]) -> T:
        began = time.monotonic()
        with interruption.deferred():
            started = resources.enter_context(resource)
        say(f"{name} ({time.monotonic() - began:.1f} s)")
        return started

    try:
        company = guest or start(POSTGRES, _own_company(folder / "postgres"))
        programs = {each: start(each.simulator, _simulator(each)) for each in (FIRST, *others)}
        first, *more = [(each.name, program.simulator) for each, program in programs.items()]
        emulator = start(AWS_EMULATOR, aws_emulator(auth=True, log=folder / "aws.log"))
        cloud = Part(AWS_EMULATOR, emulator.answers, emulator.revive, QUEUE_LOST)
        began = time.monotonic()
        stack = cloud.put(lambda: _deploy(emulator.aws, company, programs))
        if others:
            _name_accounts(company.database_url, others)
        say(f"template.yaml deployed, database migrated ({time.monotonic() - began:.1f} s)")
        simulators = [Part(each.simulator, one.answers, one.restart, LEDGER_LOST) for each, one in programs.items()]
        parts = (*((company.part,) if company.part else ()), cloud, *simulators)
        stack = replace(stack, emulator_log=emulator.log)
        yield Stage(company.database_url, first[1], emulator.aws, stack, parts, dict(more))
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

    def answers(self) -> bool:
        return self.server.answers()

    def restart(self) -> None:
        """One that hangs is killed, as a crash would."""
        if self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait()
        self.server = start_server(self.folder, embedded_binaries(), self.server.port, password=self.server.password)


@contextmanager
def _own_company(folder: Path) -> Iterator[Company]:
    folder.mkdir()
    database = _Database(folder, start_server(folder, embedded_binaries(), free_port(), password=token_hex(8)))
    url = database.server.url(DATABASE)
    try:
        create_worker(url)
        secrets = {
            "facteur/owner": database_secret(url),
            DATABASE_SECRET: database_secret(as_worker(url)),
        }
        part = Part(POSTGRES, database.answers, database.restart)
        yield Company(url, secrets, OWN_PARAMETERS, BUCKET, part)
    finally:
        stop_server(database.server)


def _simulator(account: Account) -> AbstractContextManager[Program]:
    own: dict[str, dict[str, Any]] = {
        "iopole": {"history_quota": 0}, "superpdp": {"company_number": account.seller.siren},
    }  # fmt: skip
    return simulator_program(platform=account.kind, speed=LIFE_CYCLE_SPEED, **own.get(account.kind, {}))


def _name_accounts(database_url: str, accounts: tuple[Account, ...]) -> None:
    """Once: the view is the company's own, and nothing that is deployed later overwrites it."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(naming(accounts))


def _deploy(aws: Aws, company: Company, programs: Mapping[Account, Program]) -> Stack:
    create_bucket(aws, company.bucket)
    for name, secret in company.secrets.items():
        put_secret(aws, name, secret)
    for account, program in programs.items():
        put_secret(aws, f"{SECRETS}/{account.name}", account_secret(account.kind, program.simulator))
    platform = programs[FIRST].simulator
    places = {"DocumentsBucket": company.bucket, "IopoleBaseUrl": platform.base_url, "IopoleAuthUrl": platform.auth_url}
    return deploy(aws, STACK, {**PARAMETERS, **company.parameters, **places})
