"""A lane: one Postgres server, one platform, one queue; a run after the other, each from an empty world."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from facteur.aws import clients as product_aws
from facteur.install.migrate import migrate
from facteur.postgres import session
from facteur.postgres.database import Database
from local.simulator.core.control import Simulator, running_simulator
from local.torture import clock, company, witness
from local.torture.clock import Clock
from local.torture.company import Bucket, Company
from local.torture.points import Points
from local.torture.refusing import Refusing, refusing_proxy
from local.torture.schedule import Schedule
from local.torture.severed import Severed, severing_proxy
from local.torture.silence import Counted, counted
from local.torture.site import ACCOUNTS, Site
from local.torture.sql import replace_in
from local.torture.wire import Wire
from local.torture.worker import Workplace
from local.world.aws import Aws
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
from local.world.stack import database_secret

TEMPLATE, DATABASE = "torture_template", "torture"
# A statement that waits for a stalled worker's lock ends with its function's timeout; here that comes soon.
FUNCTION_TIMEOUT = f"alter database {DATABASE} set lock_timeout = '500ms'"
# Locks that a company or a stalled worker holds are given up sooner than in life; this saves time and decides nothing.
WAITING = "select oid::regproc::text as name from pg_proc where pronamespace = 'facteur'::regnamespace and prosrc ~ 'lock_timeout'"
PATIENCE = re.compile(r"(lock_timeout[^'\n]*'?, '|p_lock_timeout text DEFAULT ')\w+'")
PATIENCE_SHORT = r"\g<1>100ms'"
# Every table as it was after the migration, so that emptying is exact without knowing one of them.
SAVE = """
do $$ declare t record; begin
    for t in select format('%I.%I', schemaname, tablename) as name, schemaname || '_' || tablename as saved from pg_tables
             where schemaname in ('facteur', 'invoicing', 'torture') loop
        execute format('create table torture_saved.%I as table %s', t.saved, t.name);
    end loop;
end $$
"""
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
# Statuses of some deposits that Postgres does not take.
STATUSES_REFUSED = """
create table torture.statuses_refused (submission_id bigint primary key);
grant select on torture.statuses_refused to public;
create function torture.refuse_status() returns trigger language plpgsql as $$
begin
    if exists (select from torture.statuses_refused r where r.submission_id = new.submission_id) then
        raise 'Postgres refuses' using errcode = 'data_exception';
    end if;
    return new;
end $$;
create trigger refuse_status before insert on facteur.status_events for each row execute function torture.refuse_status();
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
        witness.deposit(self.sites[0].wire, self.simulator, self.database)
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


@contextmanager
def _waiting_as_asked() -> Iterator[None]:
    """The product asks for a patience of 30 s where a database gives less: a round would last as long."""
    before, session.WANTED = session.WANTED, tuple(each for each in session.WANTED if each[0] != "lock_timeout")
    try:
        yield
    finally:
        session.WANTED = before


def _simulator_of(wire: Wire) -> AbstractContextManager[Simulator]:
    return running_simulator(
        platform=wire.name, speed=30, validate_schema=False, client_secret=FIRST_SECRET, **wire.simulator
    )


@contextmanager
def open_lane(name: str, wire: Wire, aws: Aws) -> Iterator[Lane]:
    """Start a lane; everything it started is stopped on the way out."""
    folder = server_folder("facteur-torture-")
    try:
        with _waiting_as_asked(), ExitStack() as started:
            sites = tuple(
                Site(each, started.enter_context(_simulator_of(each)), account)
                for each, account in zip(wire.parts or (wire,), ACCOUNTS, strict=False)
            )
            (folder / "postgres").mkdir()
            servers = [start_server(folder / "postgres", embedded_binaries(), free_port())]
            try:
                with severing_proxy(servers[-1].port) as severed, refusing_proxy(str(aws.endpoint_url)) as refusing:
                    lane = _built(name, wire, folder, servers, sites, aws, severed, refusing)
                    yield lane
                    lane.database.close()
            finally:
                stop_server(servers[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _built(
    name: str,
    wire: Wire,
    folder: Path,
    servers: list[PostgresServer],
    sites: tuple[Site, ...],
    aws: Aws,
    severed: Severed,
    refusing: Refusing,
) -> Lane:
    (server,) = servers
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows(f"create database {TEMPLATE}")
    template = Database(lambda: {"dsn": server.url(TEMPLATE)})
    create_worker(server.url())
    migrate(template, worker_role=WORKER)
    shown = template.row(company.VIEW).text
    assert company.ACCOUNT in shown, shown  # noqa: S101  or every invoice would be one account's
    by_folder = f"create or replace view facteur.invoice_source as {shown.replace(company.ACCOUNT, company.BY_FOLDER)}"
    for statement in (clock.SCHEMA, company.SCHEMA, STATUSES_REFUSED, by_folder, "create schema torture_saved", SAVE):
        template.rows(statement)
    for function in template.rows(WAITING):
        replace_in(template, function.name, PATIENCE.pattern, PATIENCE_SHORT)
    template.close()
    admin.rows(f"create database {DATABASE} template {TEMPLATE}")
    admin.rows(FUNCTION_TIMEOUT)
    admin.close()
    os.environ.update(aws.environ() | {"AWS_ENDPOINT_URL": refusing.url})
    product_aws.forget_clients()
    for service in ("sqs", "secretsmanager", "s3"):
        product_aws.client(service)  # made before any fork, used by none but the workers
    sqs = aws.session.client("sqs", endpoint_url=aws.endpoint_url)
    secrets = aws.session.client("secretsmanager", endpoint_url=aws.endpoint_url)
    queue_urls = tuple(
        sqs.create_queue(QueueName=f"{name}{each}", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        for each in ("", "-2")
    )
    (folder / "documents").mkdir()
    store = aws.session.client("s3", endpoint_url=aws.endpoint_url)
    store.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    database = Database(lambda: {"dsn": server.url(DATABASE), "options": "-c lock_timeout=200ms"})
    simulators = dict.fromkeys(ACCOUNTS, sites[0].simulator) | {each.account: each.simulator for each in sites}
    lane = Lane(
        name, wire, folder, servers, sites, aws, sqs, secrets, queue_urls, severed, refusing, database, Clock(), Points(wire.points),
        Company(database, simulators, folder / "documents", Bucket(store, name)),
    )  # fmt: skip
    secret = {**database_secret(as_worker(server.url(DATABASE))), "port": severed.port}
    lane.put_secret("database", json.dumps(secret))
    return lane
