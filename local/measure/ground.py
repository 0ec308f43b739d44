"""What every measurement stands on: many invoices at once, a queue that is worked off, and a clock that is compressed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from facteur.errors import FacteurError
from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from functions.submit_invoices import app as submit
from local.invoices import render, sample_invoice
from local.simulator.core.control import running_simulator
from local.world.aws import aws_emulator
from local.world.levers import World, built_world, changed_environment
from local.world.postgres import WORKER, create_worker, postgres_server

# Documents made by the view itself, each with its own number, so that 50,000 invoices need no 50,000 files.
VIEW = """
create schema measure;
create table measure.template as select %(body)s::text as body, %(siren)s::text as siren, %(total)s::numeric as total;
alter table invoicing.invoices add column account text;
create or replace view facteur.invoice_source as
select id as invoice_id, coalesce(status = 'final' and technical_status = 'pending', false) as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, invoices.total, currency, technical_status,
       coalesce(account, 'default') as account, submission_id, false as finished,
       convert_to(replace(body, %(number)s, invoice_number), 'UTF8') as document
from invoicing.invoices, measure.template
"""
ADD = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, account, status)
select 'M-' || lpad(n::text, 6, '0'), t.siren, '2026-09-01', t.total, 'EUR', %(account)s, 'final'
from measure.template t, (select count(*) as before from invoicing.invoices) known, generate_series(before + 1, before + %(count)s) n
"""
STATES = "select state, count(*) as n from facteur.submissions group by state"


def prepare(world: World) -> None:
    """Let the company's view make the documents. Once per world, before the first invoice."""
    invoice = sample_invoice(0)
    parameters = {"number": invoice.number, "siren": invoice.seller.siren, "total": invoice.total}
    world.database.rows(VIEW, parameters | {"body": render(invoice, "cii").decode()})
    world.simulator.configure(validate_schema=False, open_directory=True)


def add_invoices(world: World, count: int, account: str | None = None) -> None:
    """Finish many invoices in one statement, as a billing run does."""
    world.database.rows(ADD, {"count": count, "account": account})


def states(world: World) -> dict[str, int]:
    """How many submissions are in each state."""
    return {row.state: row.n for row in world.database.rows(STATES)}


def received(queue_url: str) -> list[dict[str, Any]]:
    """Up to ten messages, in the shape that Lambda gets; they stay visible until they are deleted."""
    found = boto3.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [
        {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]}
        for m in found.get("Messages", [])
    ]


def hand_over(world: World, records: Sequence[dict[str, Any]]) -> bool:
    """Call the function as an event source mapping does; what it does not acknowledge stays. False where it failed."""
    try:
        response = submit.handler({"Records": list(records)}, None)
    except FacteurError:
        return False
    failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    done = [record for record in records if record["messageId"] not in failed]
    entries = [{"Id": str(n), "ReceiptHandle": record["receiptHandle"]} for n, record in enumerate(done)]
    if entries:
        boto3.client("sqs").delete_message_batch(QueueUrl=world.queue_url, Entries=entries)  # type: ignore[arg-type]
    return not failed


def work_off(world: World) -> int:
    """Relay what is due and submit it, until the queue is empty; how many messages that took."""
    world.relay()
    messages = 0
    while records := received(world.queue_url):
        messages += len(records)
        if not hand_over(world, records):
            break
    return messages


def most_in_window(times: Sequence[float], seconds: float) -> int:
    """The most instants in any window of so many seconds."""
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def burst(per_minute: float) -> float:
    """What a full bucket holds: ten seconds' worth, at least ten."""
    return max(1.0, min(per_minute, max(10.0, per_minute / 6)))


@contextmanager
def ground(**settings: str) -> Iterator[World]:
    """A world of its own: Postgres, emulator and simulator are started, and stopped on the way out."""
    with (
        tempfile.TemporaryDirectory(prefix="facteur-measure-") as folder,
        postgres_server() as server,
        running_simulator(history_quota=0) as simulator,
        aws_emulator() as emulator,
        changed_environment() as setenv,
    ):
        database = Database(lambda: {"dsn": server.url()})
        create_worker(server.url())
        migrate(database, worker_role=WORKER)
        database.close()
        with built_world(server.url(), simulator, emulator.aws, Path(folder), setenv, **settings) as world:
            prepare(world)
            yield world
