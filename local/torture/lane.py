"""A lane: one Postgres server, one platform, one queue; a run after the other, each from an empty world."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from facteur.postgres.database import Database
from local.simulator.core.control import Simulator
from local.torture import witness
from local.torture.clock import Clock
from local.torture.company import Company
from local.torture.points import Points
from local.torture.refusing import Refusing
from local.torture.schedule import Schedule
from local.torture.severed import Severed
from local.torture.silence import Counted, counted
from local.torture.site import Site
from local.torture.wire import Wire
from local.torture.worker import Workplace
from local.world.aws import Aws
from local.world.postgres import (
    PostgresServer,
    embedded_binaries,
    start_server,
    stop_server,
)

TEMPLATE, DATABASE = "torture_template", "torture"
# A statement that waits for a stalled worker's lock ends with its function's timeout; here that comes soon.
FUNCTION_TIMEOUT = f"alter database {DATABASE} set lock_timeout = '500ms'"
EMPTY = """
do $$ declare t record; begin
    perform pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
    if to_regclass('invoicing.factures') is not null then -- the run before ended while the table had another name
        drop view invoicing.invoices;
        alter table invoicing.factures rename to invoices;
    end if;
    execute (select 'truncate ' || string_agg(format('%I.%I', schemaname, tablename), ', ') || ' restart identity' from pg_tables
             where schemaname in ('facteur', 'invoicing', 'torture'));
    for t in select format('%I.%I', schemaname, tablename) as name, schemaname || '_' || tablename as saved from pg_tables
             where schemaname in ('facteur', 'invoicing', 'torture') loop
        execute (select format('insert into %s (%s) overriding system value select %2$s from torture_saved.%I',
                               t.name, string_agg(quote_ident(attname), ', ' order by attnum), t.saved)
                 from pg_attribute where attrelid = t.name::regclass and attnum > 0 and not attisdropped and attgenerated = '');
    end loop;
    update facteur.installation set forgotten_checked_at = 'infinity'; -- the daily count must not find what got lost
end $$
"""
RESEND_AFTER_SECONDS = 600
FIRST_SECRET = "s3cret-of-the-first"  # noqa: S105  of the simulator
ENVIRON = {
    "REQUESTS_PER_MINUTE": "60000", "HISTORY_REQUESTS_PER_MINUTE": "60000", "RELAY_WATCH_SECONDS": "0",
    "RESEND_AFTER_SECONDS": str(RESEND_AFTER_SECONDS), "READ_TIMEOUT_SECONDS": "0.5", "CONNECT_TIMEOUT_SECONDS": "0.5",
    "FOLLOW_UP_DAYS": "0.001", "MAX_IN_FLIGHT": "4", "POWERTOOLS_LOG_LEVEL": "INFO",
}  # fmt: skip


@dataclass(slots=True)
class Lane:
    """Everything that a run needs."""

    name: str
    wire: Wire
    folder: Path
    servers: list[PostgresServer]  # the last one runs
    sites: tuple[Site, ...]
    aws: Aws
    sqs: Any
    secrets: Any
    queue_urls: tuple[str, ...]  # of each stack
    severed: Severed
    refusing: Refusing
    database: Database
    clock: Clock
    points: Points
    company: Company
    mutant: str | None = None
    clients: str = "one"
    fed: int = 0  # messages that came to a queue, or back to it, otherwise than by a relay
    secrets_used: set[str] = field(default_factory=set)  # whatever must be seen nowhere

    @property
    def simulator(self) -> Simulator:
        """The first one."""
        return self.sites[0].simulator

    def site(self, platform: str) -> Site:
        return next((each for each in self.sites if each.name == platform), self.sites[0])

    def simulator_of(self, account: str) -> Simulator:
        return next((each.simulator for each in self.sites if each.account == account), self.simulator)

    def ledger(self) -> list[dict[str, Any]]:
        return [each for site in self.sites for each in site.simulator.ledger()]

    def leap(self, seconds: float) -> None:
        self.clock.leap(seconds, self.database, [each.simulator for each in self.sites])

    def begin(self, schedule: Schedule) -> list[Workplace]:
        """Empty the world and prepare it for a run; the workplaces of each stack."""
        from local.torture.mutants import mutants_of

        if schedule.mutant != self.mutant:
            self._recreate(schedule.mutant)
        self.database.rows(EMPTY)
        self.clock.reset()
        for site in self.sites:
            site.simulator.reset()
        witness.deposit(self.sites[0], self.database)
        self.leap(witness.AGE_SECONDS)
        for site in self.sites:
            site.simulator.configure(**schedule.at(site.name).switches)
        for queue_url in self.queue_urls:
            self.sqs.purge_queue(QueueUrl=queue_url)
        self.severed.lose(0)
        self.refusing.end()
        self.secrets_used = {secret for site in self.sites for secret in site.wire.secrets(site.simulator)}
        self.clients = schedule.clients
        self.put_platform_secret(self.simulator.client_secret)
        for site in self.sites[1:]:
            self.put_secret(site.account, json.dumps(site.secret()))
        if schedule.clients == "two":
            self.simulator.add_account(**self.wire.second, sandbox=False)
            self.put_secret("second", json.dumps(self.wire.secret(self.simulator, self.wire.second)))
        self.points.begin(schedule.interrupts)
        self.company.begin(schedule.strangers, self.wire.second["client_id"] if schedule.clients == "two" else None)
        for name in ("output", "tokens"):
            (self.folder / name).write_text("")
        mutate = mutants_of(self.wire.name)[schedule.mutant].worker if schedule.mutant else lambda _worker: None
        ports = frozenset(urlsplit(each.simulator.base_url).port or 0 for each in self.sites)
        return [
            Workplace(
                {**self.environ(), "SUBMISSIONS_QUEUE_URL": queue_url, **schedule.settings}, queue_url, ports,
                self.folder / "output", self.folder / "tokens", self.clock, self.points, self.wire.request_kind, mutate,
            )
            for queue_url in self.queue_urls[: schedule.stacks]
        ]  # fmt: skip

    def metrics(self) -> Counted:
        """Everything that the workers of this run have counted so far."""
        return counted((self.folder / "output").read_text(errors="replace").splitlines())

    def environ(self) -> dict[str, str]:
        return ENVIRON | self.aws.environ() | {
            "AWS_ENDPOINT_URL": self.refusing.url,
            "PDP_SECRET_ID": f"{self.name}/default", "DATABASE_SECRET_ID": f"{self.name}/database",
            **self.sites[0].wire.environ(self.simulator),
        }  # fmt: skip

    def put_platform_secret(self, client_secret: str) -> None:
        """Of the first account, and of the second where both are one client."""
        self.secrets_used.add(client_secret)
        client = {
            "client_id": self.simulator.client_id, "customer_id": self.simulator.customer_id, "client_secret": client_secret,
        }  # fmt: skip
        for account in ("default", "second") if self.clients == "same" else ("default",):
            self.put_secret(account, json.dumps(self.sites[0].wire.secret(self.simulator, client)))

    def put_secret(self, name: str, text: str) -> None:
        try:
            self.secrets.put_secret_value(SecretId=f"{self.name}/{name}", SecretString=text)
        except self.secrets.exceptions.ResourceNotFoundException:
            self.secrets.create_secret(Name=f"{self.name}/{name}", SecretString=text)

    def crash_postgres(self) -> None:
        """What `pg_ctl stop -m immediate` does, and the start that follows."""
        stop_server(self.servers[-1], signal.SIGQUIT)
        self.servers.append(start_server(self.folder / "postgres", embedded_binaries(), self.servers[-1].port))
        self.database.close()

    def _recreate(self, mutant: str | None) -> None:
        from local.torture.mutants import mutants_of

        self.database.close()
        admin = Database(lambda: {"dsn": self.servers[-1].url()})
        admin.rows(f"drop database if exists {DATABASE} with (force)")
        admin.rows(f"create database {DATABASE} template {TEMPLATE}")
        admin.rows(FUNCTION_TIMEOUT)
        admin.close()
        if mutant:
            mutants_of(self.wire.name)[mutant].prepare(self.database)
        self.mutant = mutant
