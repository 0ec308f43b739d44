"""What the benchmarks stand on: a durable Postgres, the emulator, the simulator in a process of its own, and many invoices."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facteur.adapters.postgres import Database
from facteur.migrate import migrate
from functions.submit_invoices import app as submit
from local.aws import aws_emulator
from local.bench.sink import running_sink
from local.invoices import pad_to, render, sample_invoice
from local.postgres import PostgresServer, postgres_server
from local.simulator.control import Simulator, running_simulator
from tests.world import World, built_world

DURABLE = ("fsync=on", "synchronous_commit=on")
LIFTED = "1000000"  # calls a minute: no budget in the way
ADD = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
select f.number, %(siren)s, %(issue_date)s, %(total)s, 'EUR', f.uri, 'final'
from unnest(%(numbers)s::text[], %(uris)s::text[]) f(number, uri)
"""
QUEUED = "select id from facteur.submissions where state = 'pending' and queued_at is not null order by id"


@dataclass(frozen=True, slots=True)
class Papers:
    """Documents on disk, each with its own number."""

    numbers: tuple[str, ...]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def part(self, start: int, end: int) -> Papers:
        return Papers(self.numbers[start:end], self.paths[start:end])


def write_papers(folder: Path, count: int, *, mark: str = "F", size_bytes: int | None = None) -> Papers:
    """So many invoices, all alike but for their number; the mark keeps two sets apart."""
    invoice = sample_invoice(0)
    body = render(invoice, "cii")
    numbers, paths = [], []
    for rank in range(count):
        numbers.append(f"{mark}-{rank:010d}")
        content = body.replace(invoice.number.encode(), numbers[-1].encode())
        paths.append(folder / f"{numbers[-1]}.xml")
        paths[-1].write_bytes(content if size_bytes is None else pad_to(content, size_bytes))
    return Papers(tuple(numbers), tuple(paths))


def add_papers(database: Database, papers: Papers) -> None:
    """The company finishes them all in one statement, as a billing run does."""
    invoice = sample_invoice(0)
    uris = [path.as_uri() for path in papers.paths]
    parameters = {"siren": invoice.seller.siren, "issue_date": invoice.issue_date, "total": invoice.total}
    database.rows(ADD, parameters | {"numbers": list(papers.numbers), "uris": uris})


def queued(world: World) -> list[int]:
    """Let the relay put on the queue what is due; the submissions that are there now, in order."""
    world.relay()
    return [row.id for row in world.database.rows(QUEUED)]


def as_event(submission_ids: Sequence[int]) -> dict[str, Any]:
    """What Lambda is called with for so many messages."""
    return {
        "Records": [
            {"messageId": str(i), "receiptHandle": str(i), "body": f'{{"submission_id": {i}}}'} for i in submission_ids
        ]
    }


def submit_in_batches(submission_ids: Sequence[int], batch: int) -> None:
    """Call the function as an event source mapping does, one batch after the other."""
    for start in range(0, len(submission_ids), batch):
        response = submit.handler(as_event(submission_ids[start : start + batch]), None)
        if response["batchItemFailures"]:
            raise RuntimeError("a batch came back: the measurement is void")


def check_deposited(world: World, count: int) -> None:
    """A measurement in which something went wrong is none."""
    found = {row.state: row.n for row in world.database.rows(
        "select state, count(*) as n from facteur.submissions group by state")}  # fmt: skip
    if found != {"submitted": count}:
        raise RuntimeError(f"{count} deposits expected, found {found}")


def database_dsn(database: Database) -> str:
    """How a floor or a rival reaches the same database."""
    row = database.row("select current_database() as name, inet_server_port() as port")
    return f"postgresql://app@127.0.0.1:{row.port}/{row.name}"


def migrated(server: PostgresServer, name: str = "postgres") -> Database:
    """A connection to a database of the server, with Facteur and the default table in it."""
    if name != "postgres":
        admin = Database(lambda: {"dsn": server.url()})
        admin.rows(f"create database {name}")
        admin.close()
    database = Database(lambda: {"dsn": server.url(name)})
    migrate(database)
    return database


def _platform(latency_seconds: float | None) -> AbstractContextManager[Simulator]:
    if latency_seconds is not None:
        return running_sink(latency_seconds)
    return running_simulator(history_quota=0, validate_schema="off", open_directory="on")


@contextmanager
def bench_world(*postgres: str, latency_seconds: float | None = 0.0, **settings: str) -> Iterator[World]:
    """A world of its own, the budget lifted, ten deposits in flight; `settings` are variables of the functions.

    Args:
        latency_seconds: the platform is a sink that answers after so long; None: it is the simulator.
    """
    lifted = {"REQUESTS_PER_MINUTE": LIFTED, "HISTORY_REQUESTS_PER_MINUTE": LIFTED, "MAX_IN_FLIGHT": "10"}
    with (
        tempfile.TemporaryDirectory(prefix="facteur-bench-") as folder,
        postgres_server(*DURABLE, *postgres) as server,
        _platform(latency_seconds) as simulator,
        aws_emulator() as emulator,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        migrated(server).close()
        with built_world(
            server.url(), simulator, emulator.aws, Path(folder), monkeypatch, **lifted | settings
        ) as world:
            yield world
