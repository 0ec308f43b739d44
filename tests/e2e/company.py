"""A company that uses Facteur: its table, its documents, and its stack, deployed to whatever AWS the tests run on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from facteur.postgres.database import Database
from local.demo.containers import moved
from local.forward import LOOPBACK
from local.invoices import SampleInvoice, Syntax, file_name, render
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.deploy import delete, deploy
from local.world.postgres import WORKER, PostgresServer, as_worker, create_worker
from local.world.stack import Stack, create_bucket, database_secret, put_secret

BETWEEN_LOOKS_SECONDS = 0.2
TICKED = ("RelaySubmissionsFunction", "PollStatusesFunction")
PARAMETERS: Mapping[str, object] = {
    "DepositsEnabled": True,
    "RelayWatchSeconds": 0,
    "ResendAfterSeconds": 60,  # far longer than a look-up needs here: a second deposit would be a mistake
    "RequestsPerMinute": 6000,
    "HistoryRequestsPerMinute": 6000,
    "ReadTimeoutSeconds": 5,
}
INSERT = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
values (%(number)s, %(siren)s, %(issue_date)s, %(total)s, 'EUR', %(uri)s, 'final') returning id
"""
LOOK = """
select i.technical_status, i.submission_id, i.last_technical_update, s.state, s.lifecycle_code, s.last_error_message
from invoicing.invoices i left join facteur.submissions s on s.invoice_id = i.id::text where i.id = %(id)s
order by s.id desc limit 1
"""
HISTORY = """
select e.code from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
where s.invoice_id = %(id)s order by e.occurred_at, e.id
"""


@dataclass
class Company:
    """Rows go in as an application writes them; what comes back is read as a person reads it."""

    stack: Stack
    database: Database
    url: str = field(repr=False)
    platform: Simulator
    bucket: str
    secrets: tuple[str, ...]
    deployed_at: float = field(default_factory=time.monotonic)

    def finish(self, invoice: SampleInvoice, syntax: Syntax = "cii") -> int:
        """Put the document where the row says that it lies, and write the row; its key."""
        s3 = self.stack.aws.session.client("s3", endpoint_url=self.stack.aws.endpoint_url)
        name = file_name(invoice, syntax)
        s3.put_object(Bucket=self.bucket, Key=name, Body=render(invoice, syntax))
        values = {
            "number": invoice.number, "siren": invoice.seller.siren, "issue_date": invoice.issue_date,
            "total": invoice.total, "uri": f"s3://{self.bucket}/{name}",
        }  # fmt: skip
        return int(self.database.row(INSERT, values).id)

    def row(self, key: int) -> Any:
        """The company's row, and what Facteur knows of it."""
        return self.database.row(LOOK, {"id": key})

    def history(self, key: int) -> list[str]:
        """The codes of the invoice's life cycle, oldest first."""
        return [row.code for row in self.database.rows(HISTORY, {"id": str(key)})]

    def tick(self) -> None:
        """Invoke what the schedules would; submit_invoices is left to the queue."""
        for function in TICKED:
            self.stack.invoke(function)

    def until(self, reached: Callable[[], bool], seconds: float = 40, *, tick: bool = True) -> None:
        """Look until something has come about, ticking meanwhile if asked to."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, f"not reached within {seconds} s; logged: {self.stack.logged_errors()}"
            if tick:
                self.tick()
            time.sleep(BETWEEN_LOOKS_SECONDS)

    def runs(self, function: str) -> int:
        """How often the function with this logical id has been called, by whomever."""
        return sum(line.startswith("START") for line in self.stack.log_lines(function))

    def bring_the_next_minute_forward(self) -> None:
        """Let EventBridge call what the schedules call once more, and now: the schedules' own targets, at a given time."""
        aws = self.stack.aws
        scheduler = aws.session.client("scheduler", endpoint_url=aws.endpoint_url)
        moment = f"at({datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S})"
        for function in ("relay-submissions", "poll-statuses"):
            target = scheduler.get_schedule(Name=f"{self.stack.name}-{function}")["Target"]
            scheduler.create_schedule(
                Name=f"{self.stack.name}-{function}-again", ScheduleExpression=moment, Target=target,
                FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE",
            )  # fmt: skip


@contextmanager
def deployed(
    name: str, aws: Aws, server: PostgresServer, platform: Simulator, dependencies: Path | None, password: str,
    address: str = LOOPBACK,
) -> Iterator[Company]:  # fmt: skip
    """The real template.yaml under this name, with a database, secrets and a bucket of its own; what runs it reaches us at the address."""
    url = _new_database(server, name.replace("-", "_"), password)
    account = {each: getattr(platform, each) for each in ("client_id", "client_secret", "customer_id")}
    create_worker(server.url())
    put_secret(aws, f"{name}/owner", database_secret(moved(url, address)))
    put_secret(aws, f"{name}/database", database_secret(moved(as_worker(url, password), address)))
    put_secret(aws, f"{name}/default", {**account, "sandbox": True})
    bucket = create_bucket(aws, f"{name}-documents")
    places = {
        "DatabaseSecretId": f"{name}/database", "MigrationSecretId": f"{name}/owner", "WorkerRole": WORKER,
        "SecretsPrefix": name, "DocumentsBucket": bucket,
        "IopoleBaseUrl": moved(platform.base_url, address), "IopoleAuthUrl": moved(platform.auth_url, address),
    }  # fmt: skip
    stack = deploy(aws, name, {**PARAMETERS, **places}, dependencies=dependencies)
    database = Database(lambda: {"dsn": url})
    try:
        yield Company(stack, database, url, platform, bucket, (platform.client_secret, password))
    finally:
        database.close()
        delete(stack)


def _new_database(server: PostgresServer, name: str, password: str) -> str:
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows(f"create database {name}")
    admin.close()
    return server.url(name).replace("app@", f"app:{quote(password)}@")
