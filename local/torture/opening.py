"""How a lane is started, and stopped with everything that it started."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from facteur.aws import clients as product_aws
from facteur.install.migrate import migrate
from facteur.postgres import session
from facteur.postgres.database import Database
from local.simulator.core.control import Simulator, running_simulator
from local.torture import clock, resisting
from local.torture.clock import Clock
from local.torture.company import Bucket, Company
from local.torture.lane import DATABASE, FIRST_SECRET, FUNCTION_TIMEOUT, TEMPLATE, Lane
from local.torture.points import Points
from local.torture.refusing import Refusing, refusing_proxy
from local.torture.severed import Severed, severing_proxy
from local.torture.site import ACCOUNTS, Site
from local.torture.sql import replace_in
from local.torture.wire import Wire
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

# Whose credentials: by the folder that the document lies in.
VIEW = "select pg_get_viewdef('facteur.invoice_source'::regclass) as text"
ACCOUNT, BY_FOLDER = "'default'::text", "coalesce(substring(document_uri from '/(second|third)/'), 'default')"
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
    shown = template.row(VIEW).text
    assert ACCOUNT in shown, shown  # noqa: S101  or every invoice would be one account's
    by_folder = f"create or replace view facteur.invoice_source as {shown.replace(ACCOUNT, BY_FOLDER)}"
    for statement in (
        clock.SCHEMA,
        resisting.SCHEMA,
        resisting.STATUSES_REFUSED,
        by_folder,
        "create schema torture_saved",
        SAVE,
    ):
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
