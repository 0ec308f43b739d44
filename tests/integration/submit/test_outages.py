"""The platform is down, slow, or asked too much. `python -m local.measure outages` runs the same scenarios in full size."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from facteur.domain.submission import Intent, State
from facteur.postgres.database import Database
from facteur.submit_invoices.store import PostgresSubmissions
from local.measure.crowd import crowd
from local.measure.downtime import Kind, platform_down
from local.measure.flood import flood
from local.measure.ground import add_invoices, most_in_window, prepare, received, work_off
from local.world.levers import World
from tests.rows import Rows

PER_MINUTE = 60.0
BATCH = 10  # eight of ten deposits are under way at once, so neighbours may overtake each other


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """A budget of one request a second, or what a test asks for."""
    asked: str | float | dict[str, str] = getattr(request, "param", PER_MINUTE)
    return asked if isinstance(asked, dict) else {"REQUESTS_PER_MINUTE": str(asked)}


OWED = 2  # calls that a look-up or a read may make ahead of its permits: they are paid for before the next ones


@pytest.fixture
def ready(world: World) -> World:
    prepare(world)
    return world


@pytest.mark.parametrize(("kind", "most_doubts"), [("refused", 0), pytest.param("503", 15, marks=pytest.mark.slow)])
def test_a_platform_that_is_down_is_probed_once_a_minute_and_no_invoice_suffers(
    ready: World, kind: Kind, most_doubts: int
) -> None:
    down = platform_down(ready, kind, invoices=30, hours=0.25, step_seconds=20, per_minute=PER_MINUTE)

    assert (down.deposits, down.doubles, down.unfinished) == (31, 0, 0)
    assert (down.most_probes_a_minute, down.doubts <= most_doubts) == (1, True)
    assert down.probes >= 12
    assert down.peak_calls_in_ten_seconds <= down.admitted_in_ten_seconds + OWED
    assert down.farthest_from_order < BATCH
    assert down.messages < 4 * down.invoices


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "endpoint", "opening"),
    [
        ({"STATUS_SOURCE": "history"}, "history", 5),  # five unanswered calls open it
        ({"STATUS_SOURCE": "pull"}, "not_seen", 5),
        ({"STATUS_SOURCE": "sweep"}, "search", 0),  # all are on one page, which is asked for once a minute
    ],
    indirect=["settings"],
)
def test_statuses_wait_behind_the_same_breaker(ready: World, endpoint: str, opening: int) -> None:
    add_invoices(ready, 8)
    work_off(ready)
    ready.advance(60)
    ready.simulator.outage(1e9, "503", [endpoint])

    for _ in range(15):
        ready.poll()
        ready.advance(20)
    calls = [call["at"] for call in ready.simulator.calls(endpoint)]
    ready.simulator.outage(0)
    for _ in range(12):
        ready.advance(30)
        ready.poll()

    assert most_in_window(calls[opening:], 60) == 1
    assert 3 <= len(calls[opening:]) <= 5
    assert ready.database.row("select count(*) as n from facteur.submissions where lifecycle_code is not null").n == 8


@pytest.mark.slow
@pytest.mark.parametrize("settings", [180.0], indirect=True)
def test_far_more_due_rows_than_the_budget_admits_make_no_storm_of_messages(ready: World) -> None:
    flooded = flood(ready, invoices=2000, minutes=0.2, per_minute=180)

    assert flooded.deposits >= 0.2 * 180
    assert flooded.doubles == 0
    assert flooded.messages_per_deposit < 1.5
    assert flooded.peak_calls_in_ten_seconds <= flooded.admitted_in_ten_seconds


@pytest.mark.slow
@pytest.mark.parametrize("settings", [300.0], indirect=True)
def test_twenty_submitters_keep_to_one_budget_and_to_a_pause_that_one_of_them_was_asked_for(ready: World) -> None:
    let_loose = crowd(ready, submitters=20, seconds=6, per_minute=300, pause_at=3, pause_seconds=2)

    assert let_loose.most_calls_in_ten_seconds <= let_loose.admitted_in_ten_seconds
    assert let_loose.calls_in_the_pause == 0
    assert let_loose.asked > 2 * let_loose.deposits
    assert let_loose.doubles == 0


def test_messages_that_nobody_reads_hold_up_nobody(ready: World) -> None:
    add_invoices(ready, 20)
    ready.relay()
    lost = len(received(ready.queue_url))
    ready.aws.session.client("sqs", endpoint_url=ready.aws.endpoint_url).purge_queue(QueueUrl=ready.queue_url)

    ready.advance(11)
    work_off(ready)

    assert lost == BATCH
    assert len(ready.simulator.ledger()) == 10
    assert ready.database.row("select count(*) as n from facteur.submissions where queued_at is not null").n == 10


def test_a_look_up_does_not_starve_beside_deposits(rows: Rows) -> None:
    doubtful, plain = rows.finish(), rows.finish()
    rows.look()
    rows.reach(doubtful, "in_doubt")
    ids = [rows.submission(invoice).id for invoice in (plain, doubtful)]
    rows.run("select facteur.mark_queued(%(ids)s)", ids=ids)
    rows.run("insert into facteur.budgets (key) values ('account:default') on conflict do nothing")
    rows.run("update facteur.budgets set tokens = 1, refilled_at = facteur.now()")
    due_at = rows.submission(plain).due_at

    claimed = claim(rows.database, ids, per_minute=1)

    assert claimed == [ids[1]]
    assert (rows.submission(plain).queued_at, rows.submission(plain).due_at) == (None, due_at)
    assert rows.value("select max(tokens) from facteur.budgets where key <> 'history'") == pytest.approx(-2, abs=0.1)


def test_batches_of_several_accounts_do_not_wait_for_each_other_in_a_circle(rows: Rows) -> None:
    first, second = rows.finish(), rows.finish()
    rows.look()
    ids = [rows.submission(invoice).id for invoice in (first, second)]
    rows.run("update facteur.submissions set account = 'other' where id = %(id)s", id=ids[1])
    rows.run("insert into facteur.budgets (key) values ('account:other')")
    rows.run("select facteur.mark_queued(%(ids)s)", ids=ids)
    neighbour, claimer = rows.session(), rows.session()

    locked = threading.Event()

    def claim_once_locked() -> list[int]:
        locked.wait(30)
        return claim(claimer, ids, per_minute=600)

    with rows.in_background(claim_once_locked) as claimed, neighbour.transaction():
        # the other account's own batch: first its bucket, then the common one
        neighbour.rows("select from facteur.budgets where key = 'account:other' for update")
        locked.set()
        rows.wait_for_blocked()
        neighbour.rows("select from facteur.budgets where key = 'address' for update nowait")

    assert sorted(claimed.result()) == ids


def claim(database: Database, ids: Sequence[int], *, per_minute: float) -> list[int]:
    """What submit_invoices does with a batch of messages; the submissions that it may work on."""
    store = PostgresSubmissions(database, lease_seconds=60, requests_per_minute=per_minute, deposits_enabled=True)
    digests = {row: f"{row.submission_id:064x}" if row.state is State.PENDING else None for row in store.read(ids)}
    return [claimed.submission_id for claimed in store.claim([Intent(*item) for item in digests.items()])]
