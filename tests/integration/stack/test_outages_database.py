"""The database goes away in the middle: nothing is acknowledged, nothing is deposited twice, and work goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facteur.errors import DatabaseUnavailableError
from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.measure.ground import add_invoices, hand_over, prepare, received, states, work_off
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.levers import World, built_world
from local.world.postgres import (
    WORKER,
    PostgresServer,
    create_worker,
    embedded_binaries,
    postgres_server,
    start_server,
    stop_server,
)

LEASE_SECONDS = 151
ANSWER_SECONDS = 2
DEADLINE_SECONDS = 20
CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


@pytest.fixture
def ready(world: World) -> World:
    prepare(world)
    return world


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def mortal(
    own_server: PostgresServer, simulator: Simulator, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world on a server that may be killed."""
    database = Database(lambda: {"dsn": own_server.url()})
    create_worker(own_server.url())
    migrate(database, worker_role=WORKER)
    database.close()
    with built_world(own_server.url(), simulator, aws, tmp_path, monkeypatch.setenv) as world:
        prepare(world)
        yield world


def wait_for_deposits(world: World, count: int) -> None:
    """Return once the platform has stored so many; its answers are still on their way."""
    patience = threading.Event()
    for _ in range(DEADLINE_SECONDS * 50):
        if len(world.simulator.ledger()) >= count:
            return
        patience.wait(0.02)
    raise AssertionError("the deposits did not arrive")


def test_connections_that_died_between_two_invocations_are_replaced_unnoticed(ready: World) -> None:
    add_invoices(ready, 1)
    work_off(ready)
    add_invoices(ready, 3)
    ready.relay()

    ready.database.rows(CUT)

    assert hand_over(ready, received(ready.queue_url))
    assert received(ready.queue_url) == []
    assert states(ready) == {"submitted": 4}


def test_a_connection_lost_between_deposit_and_record_is_replaced_before_the_record(ready: World) -> None:
    add_invoices(ready, 1)
    ready.relay()
    ready.simulator.script_endpoint("deposit", [f"slow:{ANSWER_SECONDS}"])

    with ThreadPoolExecutor(1) as lambda_:
        acknowledged = lambda_.submit(hand_over, ready, received(ready.queue_url))
        wait_for_deposits(ready, 1)
        ready.database.rows(CUT)

        assert acknowledged.result()
    assert states(ready) == {"submitted": 1}
    assert received(ready.queue_url) == []
    assert len(ready.simulator.ledger()) == 1


@pytest.mark.slow
def test_a_database_that_crashes_with_ten_deposits_under_way_loses_and_doubles_nothing(
    mortal: World, own_server: PostgresServer
) -> None:
    add_invoices(mortal, 25)
    mortal.relay()
    mortal.simulator.script_endpoint("deposit", [f"slow:{ANSWER_SECONDS}"] * 10)

    with ThreadPoolExecutor(1) as lambda_:
        acknowledged = lambda_.submit(hand_over, mortal, received(mortal.queue_url))
        wait_for_deposits(mortal, 8)
        stop_server(own_server, signal.SIGQUIT)

        assert not acknowledged.result()
    assert not hand_over(mortal, received(mortal.queue_url))  # still away: the next messages wait as well
    with pytest.raises(DatabaseUnavailableError):
        mortal.relay()

    again = start_server(own_server.data.parent, embedded_binaries(), own_server.port)
    try:
        mortal.database.close()
        work_off(mortal)
        mortal.advance(LEASE_SECONDS)
        work_off(mortal)

        numbers = [deposit["number"] for deposit in mortal.simulator.ledger()]
        assert states(mortal) == {"submitted": 25}
        assert (len(numbers), len(set(numbers))) == (25, 25)
        assert received(mortal.queue_url) == []
    finally:
        stop_server(again)
