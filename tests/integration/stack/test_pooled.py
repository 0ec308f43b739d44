"""Through a pool that changes connections between transactions, as RDS Proxy does: nothing may be left to a session."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facteur import container
from facteur.install.migrate import migrate
from facteur.observability import PowertoolsJournal
from facteur.postgres.database import Database
from facteur.submit_invoices.run import submit_invoices
from facteur.submit_invoices.wiring import submit_services
from local.measure.ground import add_invoices, prepare, states, work_off
from local.world.levers import World
from local.world.postgres import as_worker
from local.world.stack import database_secret
from tests.pgbouncer import PROGRAM, pooled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: apt-get install pgbouncer"),
]
INVOICES = 60
SESSION = """
select current_setting('lock_timeout') as lock_timeout, current_setting('synchronous_commit') as synchronous_commit,
       current_setting('enable_seqscan') as enable_seqscan, (select count(*) from pg_prepared_statements) as prepared
"""
ADVISORY = "select count(*) as locks from pg_locks where locktype = 'advisory' and granted"


@pytest.fixture(params=[1, 2])
def pool(request: pytest.FixtureRequest, database_url: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="facteur-pool-") as folder, pooled(
        database_url, request.param, Path(folder)
    ) as url:  # fmt: skip
        yield url


@pytest.fixture
def behind(pool: str, world: World) -> World:
    """A world whose handlers reach the database through the pool."""
    prepare(world)
    world.put_secret("database", database_secret(as_worker(pool)))
    world.new_container()
    return world


def test_relay_two_submits_and_polls_share_the_pool_and_leave_nothing_in_a_session(behind: World, pool: str) -> None:
    add_invoices(behind, INVOICES)
    behind.relay()
    queued = [row.id for row in behind.database.rows("select id from facteur.submissions where queued_at is not null")]
    workers = []
    for _ in range(2):
        container.reset()
        workers.append(submit_services(PowertoolsJournal("pooled")))

    with ThreadPoolExecutor(3) as threads:  # each message twice, and a relay beside them
        both = [threads.submit(submit_invoices, queued, worker, 60) for worker in workers]
        relay = threads.submit(behind.relay)
        assert [each.exception() for each in (*both, relay)] == [None, None, None]
    for _ in range(3):
        work_off(behind)
        behind.advance(60)
        behind.poll()

    numbers = [deposit["number"] for deposit in behind.simulator.ledger()]
    assert len(numbers) == len(set(numbers)) == INVOICES
    assert sum(states(behind).values()) == INVOICES
    assert not {"pending", "sending", "in_doubt", "failed"} & set(states(behind))
    assert behind.database.row("select count(*) as n from facteur.status_events").n >= INVOICES
    assert_nothing_left(behind, pool)


def assert_nothing_left(world: World, pool: str) -> None:
    """The pool's own connections, which have served everybody, are as new ones."""
    used, new = (Database(lambda url=url: {"dsn": as_worker(url)}) for url in (pool, world_url(world)))  # type: ignore[misc]
    assert used.row(SESSION) == new.row(SESSION)
    assert world.database.row(ADVISORY).locks == 0
    used.close()
    new.close()


def world_url(world: World) -> str:
    row = world.database.row("select inet_server_port() as port, current_database() as name")
    return f"postgresql://app@127.0.0.1:{row.port}/{row.name}"


def test_a_migration_runs_through_the_pool(pool: str) -> None:
    database = Database(lambda: {"dsn": pool})

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: migrate(Database(lambda: {"dsn": pool})), range(2)))

    assert all(result.watching for result in results)
    assert database.row("select current_setting('lock_timeout') as it").it == "30s"
    database.close()
