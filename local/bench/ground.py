"""What the benchmarks are fed with: many invoices, and the function called as Lambda calls it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from facteur.postgres.database import Database
from functions.submit_invoices import app as submit
from local.invoices import render, sample_invoice
from local.world.levers import World

ADD = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
select f.number, %(siren)s, %(issue_date)s, %(total)s, 'EUR', f.uri, 'final'
from unnest(%(numbers)s::text[], %(uris)s::text[]) f(number, uri)
"""
QUEUED = "select id from facteur.submissions where state = 'pending' and queued_at is not null order by id"


@dataclass(frozen=True, slots=True)
class Papers:
    """Documents, each with its own number."""

    numbers: tuple[str, ...]
    uris: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where they are files."""
        return tuple(Path(urlsplit(uri).path) for uri in self.uris)

    def part(self, start: int, end: int) -> Papers:
        return Papers(self.numbers[start:end], self.uris[start:end])


def write_papers(folder: Path, count: int, *, mark: str = "F") -> Papers:
    """So many invoices on disk, all alike but for their number; the mark keeps two sets apart."""
    invoice = sample_invoice(0)
    body = render(invoice, "cii")
    papers = Papers(
        tuple(f"{mark}-{rank:010d}" for rank in range(count)),
        tuple((folder / f"{mark}-{rank:010d}.xml").as_uri() for rank in range(count)),
    )
    for number, path in zip(papers.numbers, papers.paths, strict=True):
        path.write_bytes(body.replace(invoice.number.encode(), number.encode()))
    return papers


def add_papers(database: Database, papers: Papers) -> None:
    """The company finishes them all in one statement, as a billing run does."""
    invoice = sample_invoice(0)
    parameters = {"siren": invoice.seller.siren, "issue_date": invoice.issue_date, "total": invoice.total}
    database.rows(ADD, parameters | {"numbers": list(papers.numbers), "uris": list(papers.uris)})


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
