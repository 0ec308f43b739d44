"""The whole job: handlers in this process, a real Postgres, AWS by the emulator, the platform by the simulator, over sockets."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facteur import container
from facteur.postgres.database import Database
from functions.poll_statuses import app as poll
from functions.relay_submissions import app as relay
from functions.submit_invoices import app as submit
from local.invoices import SampleInvoice, file_name, render, sample_invoice
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.postgres import as_worker
from local.world.stack import database_secret, put_secret

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

INSERT = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
values (%(number)s, %(siren)s, %(issue_date)s, %(total)s, 'EUR', %(uri)s, 'final') returning id
"""
NOW = """
create or replace function facteur.now() returns timestamptz language sql stable parallel safe
as 'select pg_catalog.now() + interval ''{} seconds'''
"""


@dataclass
class World:
    """Levers on everything around the handlers, which connect as the worker; `database` is the owner's. Time moves only by `advance`."""

    database: Database
    simulator: Simulator
    aws: Aws
    prefix: str
    queue_url: str
    folder: Path
    shift: float = 0.0
    ids: dict[int, int] = field(default_factory=dict)

    def add(self, rank: int, syntax: str = "cii", *, content: bytes | None = None, **columns: Any) -> int:
        """Finish an invoice, as an application would; its key."""
        invoice: SampleInvoice = sample_invoice(rank)
        path = self.folder / file_name(invoice, syntax)  # type: ignore[arg-type]
        path.write_bytes(render(invoice, syntax) if content is None else content)  # type: ignore[arg-type]
        values = {
            "number": invoice.number, "siren": invoice.seller.siren, "issue_date": invoice.issue_date,
            "total": invoice.total, "uri": path.as_uri(),
        }  # fmt: skip
        self.ids[rank] = self.database.row(INSERT, values | columns).id
        return self.ids[rank]

    def witness(self, rank: int = 900, **columns: Any) -> int:
        """Deposit a good invoice of the same seller: what a look-up's answer must show beside a doubt. Its key."""
        key = self.add(rank, **columns)
        self.deposit()
        if (state := self.submission(rank).state) != "submitted":
            raise RuntimeError(f"the witness is {state}, and not deposited")
        return key

    def relay(self) -> None:
        relay.handler({}, None)

    def poll(self) -> None:
        poll.handler({}, None)

    def messages(self) -> list[dict[str, Any]]:
        """What lies in the queue, in the shape Lambda gets it."""
        found = _sqs(self.aws).receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [
            {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]}
            for m in found.get("Messages", [])
        ]

    def taken(self) -> list[dict[str, Any]]:
        """What lies in the queue, which nobody else gets any more."""
        records = self.messages()
        for record in records:
            _sqs(self.aws).delete_message(QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"])
        return records

    def submit(self, handler: Callable[[Any, None], Any] = submit.handler) -> None:
        """Hand the queue's messages to the handler, as an event source mapping does, until it is empty or only failures stay."""
        while records := self.messages():
            failed = {f["itemIdentifier"] for f in handler({"Records": records}, None)["batchItemFailures"]}
            for record in records:
                if record["messageId"] not in failed:
                    _sqs(self.aws).delete_message(QueueUrl=self.queue_url, ReceiptHandle=record["receiptHandle"])
            if failed:
                return

    def deposit(self) -> None:
        """Relay what is due and submit it."""
        self.relay()
        self.submit()

    def put_secret(self, name: str, value: Mapping[str, object] | str) -> None:
        """Change a secret, as an operator would, behind a running container's back."""
        put_secret(self.aws, f"{self.prefix}/{name}", value)

    def new_container(self) -> None:
        """What follows runs as in a fresh Lambda container."""
        container.reset()

    def advance(self, seconds: float) -> None:
        """Move the database's clock, and the platform's with it."""
        self.shift += seconds
        self.database.rows(NOW.format(self.shift))
        self.simulator.advance(seconds)

    def row(self, rank: int) -> Any:
        """The company's row."""
        return self.database.row("select * from invoicing.invoices where id = %(id)s", {"id": self.ids[rank]})

    def submission(self, rank: int) -> Any:
        """The latest submission of an invoice."""
        return self.database.row(
            "select * from facteur.submissions where invoice_id = %(id)s order by id desc limit 1",
            {"id": str(self.ids[rank])},
        )

    def attempts(self, rank: int) -> list[Any]:
        return self.database.rows(
            "select * from facteur.attempts where invoice_id = %(id)s order by id", {"id": str(self.ids[rank])}
        )

    def deposits(self, rank: int) -> list[dict[str, Any]]:
        """What the platform stored under the invoice's number."""
        return self.simulator.ledger(sample_invoice(rank).number)

    def update(self, rank: int, **columns: Any) -> None:
        assignments = ", ".join(f"{name} = %({name})s" for name in columns)
        statement = f"update invoicing.invoices set {assignments} where id = %(id)s"  # noqa: S608  our own names
        self.database.rows(statement, columns | {"id": self.ids[rank]})


@contextmanager
def changed_environment() -> Iterator[Callable[[str, str], None]]:
    """A way to set variables of this process's environment, which is as it was afterwards."""
    before = dict(os.environ)
    try:
        yield os.environ.__setitem__
    finally:
        os.environ.clear()
        os.environ.update(before)


_numbers = itertools.count()


@cache
def _sqs(aws: Aws) -> SQSClient:
    """One for all tests: to make one costs more than most calls."""
    return aws.session.client("sqs", endpoint_url=aws.endpoint_url)


def environment(simulator: Simulator, queue_url: str, prefix: str) -> dict[str, str]:
    return {
        "PDP_SECRET_ID": f"{prefix}/default", "DATABASE_SECRET_ID": f"{prefix}/database", "MIGRATION_SECRET_ID": f"{prefix}/owner",
        "SUBMISSIONS_QUEUE_URL": queue_url,
        "IOPOLE_BASE_URL": simulator.base_url, "IOPOLE_AUTH_URL": simulator.auth_url, "RELAY_WATCH_SECONDS": "0",
        "REQUESTS_PER_MINUTE": "60000", "HISTORY_REQUESTS_PER_MINUTE": "60000", "RESEND_AFTER_SECONDS": "600",
        "READ_TIMEOUT_SECONDS": "10",
    }  # fmt: skip


@contextmanager
def built_world(
    database_url: str, simulator: Simulator, aws: Aws, folder: Path, setenv: Callable[[str, str], None], **settings: str
) -> Iterator[World]:
    """A world whose handlers run in this process; `settings` go into its environment, by `setenv`."""
    prefix = f"world-{os.getpid()}-{next(_numbers)}"
    for name, value in aws.environ().items():
        setenv(name, value)
    queue_url = _sqs(aws).create_queue(QueueName=prefix)["QueueUrl"]
    for name, value in (environment(simulator, queue_url, prefix) | settings).items():
        setenv(name, value)
    put_secret(aws, f"{prefix}/database", database_secret(as_worker(database_url)))
    put_secret(aws, f"{prefix}/owner", database_secret(database_url))
    put_secret(aws, f"{prefix}/default", platform_secret(simulator))
    database = Database(lambda: {"dsn": database_url})
    container.reset()
    try:
        yield World(database, simulator, aws, prefix, queue_url, folder)
    finally:
        container.reset()
        database.close()


def platform_secret(simulator: Simulator) -> dict[str, str]:
    return {
        "client_id": simulator.client_id, "client_secret": simulator.client_secret, "customer_id": simulator.customer_id,
    }  # fmt: skip
