"""An account is refused: who still asks, how many doubts that makes, and how its deposits go on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.measure.ground import add_invoices, prepare, states, work_off
from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Said, altering

PAGE = b"<html><body>Request blocked.</body></html>"
BACKLOG = 25
OTHER_REFUSALS = ((401, b"{}"), (404, b""), (429, b"slow down"), (302, b""), (200, PAGE), (503, PAGE))
UNDER_WAY = 10  # a batch of messages: what was claimed is sent
STATE = "select * from facteur.budgets where key = 'account:default'"
DOUBTED = "select count(*) as attempts from facteur.attempts where http_status is not null and outcome <> 'accepted'"
RESUME = """select facteur.resume('default', '{"operation": "resume", "who": "me", "why": "corrected"}')"""
TRIALS = """
select (extract(epoch from started_at - lag(started_at) over (order by started_at)) / 60)::integer as minutes
from facteur.attempts order by started_at
"""


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as proxy:
        yield proxy


@pytest.fixture
def settings(gateway: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": gateway.url, "REQUESTS_PER_MINUTE": "600", "RESEND_AFTER_SECONDS": "3600"}


@pytest.fixture
def ready(world: World) -> World:
    prepare(world)
    return world


def refuse(gateway: AlteringProxy, status: int, body: bytes, *, everything: bool = False) -> None:
    answer = Said(status, {"Content-Type": "text/html"}, body)
    gateway.before = lambda asked: answer if everything or asked.is_deposit else None


def admit(gateway: AlteringProxy) -> None:
    gateway.before = lambda _asked: None


def go_on(world: World, hours: float, step_seconds: float = 120) -> None:
    for _ in range(round(hours * 3600 / step_seconds)):
        work_off(world)
        world.poll()
        world.advance(step_seconds)


def drain(world: World) -> None:
    for _ in range(200):
        work_off(world)
        if set(states(world)) <= {"submitted", "failed"}:
            return
        world.advance(60)


def deposits(gateway: AlteringProxy) -> int:
    return sum(asked.is_deposit for asked in gateway.requests)


def reads(gateway: AlteringProxy) -> int:
    return sum(asked.method == "GET" for asked in gateway.requests)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body"),
    [(403, PAGE), *(pytest.param(*each, marks=pytest.mark.slow) for each in OTHER_REFUSALS)],
)
def test_deposits_refused_by_anybody_for_hours_leave_a_handful_of_doubts(
    ready: World, gateway: AlteringProxy, status: int, body: bytes
) -> None:
    add_invoices(ready, BACKLOG)
    refuse(gateway, status, body)

    go_on(ready, 2, step_seconds=300)
    tried = deposits(gateway)
    admit(gateway)
    drain(ready)

    assert tried <= UNDER_WAY + 10
    assert len(ready.simulator.ledger()) == BACKLOG
    assert states(ready) == {"submitted": BACKLOG}
    assert ready.database.row(STATE).recovery is None


@pytest.mark.slow
def test_while_reads_are_refused_as_well_nothing_is_deposited(ready: World, gateway: AlteringProxy) -> None:
    add_invoices(ready, BACKLOG)
    refuse(gateway, 403, PAGE, everything=True)

    go_on(ready, 2, step_seconds=150)

    assert deposits(gateway) <= UNDER_WAY
    assert 15 <= reads(gateway) <= 2 * 12 + 6  # every five minutes
    assert ready.database.row(STATE).recovery == "read"

    admit(gateway)
    drain(ready)
    assert len(ready.simulator.ledger()) == BACKLOG
    assert states(ready) == {"submitted": BACKLOG}


WAITS = (5, 10, 20, 40, 60)  # minutes


@pytest.mark.slow
def test_the_wait_between_single_deposits_doubles_up_to_an_hour_and_ends_with_the_first_accepted(
    ready: World, gateway: AlteringProxy
) -> None:
    add_invoices(ready, 1)  # what the others' look-ups are shown beside
    work_off(ready)
    add_invoices(ready, 30)
    refuse(gateway, 403, PAGE)

    go_on(ready, 5, step_seconds=150)
    waits = sorted(row.minutes for row in ready.database.rows(TRIALS) if row.minutes)
    admit(gateway)
    ready.advance(3600)
    work_off(ready)
    after_one = len(ready.simulator.ledger())
    drain(ready)

    # two steps more at most: the read comes first, and look-ups that are due before the deposit
    assert [planned <= wait < planned + 6 for planned, wait in zip(WAITS, waits, strict=False)] == [True] * len(WAITS)
    assert after_one >= 2
    assert len(ready.simulator.ledger()) == 31


@pytest.mark.slow
def test_the_platforms_own_refusal_of_the_account_makes_no_doubt_and_waits_for_a_read(
    ready: World, gateway: AlteringProxy
) -> None:
    add_invoices(ready, 20)
    refuse(gateway, 403, json.dumps({"statusMessage": "Forbidden"}).encode(), everything=True)

    go_on(ready, 1)

    assert states(ready) == {"pending": 20}
    assert deposits(gateway) <= UNDER_WAY
    admit(gateway)
    drain(ready)
    assert states(ready) == {"submitted": 20}


def test_after_the_read_one_deposit_goes_alone_and_after_it_all(ready: World, gateway: AlteringProxy) -> None:
    add_invoices(ready, 20)
    refuse(gateway, 403, PAGE)
    work_off(ready)
    admit(gateway)
    ready.advance(301)
    work_off(ready)
    assert (ready.database.row(STATE).recovery, ready.simulator.ledger()) == ("deposit", [])

    work_off(ready)
    assert (ready.database.row(STATE).recovery, len(ready.simulator.ledger())) == (None, 1)

    work_off(ready)
    assert len(ready.simulator.ledger()) > 1


@pytest.mark.slow
def test_resume_begins_with_a_read_at_once(ready: World, gateway: AlteringProxy) -> None:
    add_invoices(ready, 20)
    refuse(gateway, 403, PAGE)
    go_on(ready, 2, step_seconds=150)
    admit(gateway)
    before = reads(gateway)

    ready.database.rows(
        'select facteur.resume(\'default\', \'{"operation": "resume", "who": "me", "why": "corrected"}\')'
    )
    state = ready.database.row(STATE)
    work_off(ready)  # the read, and what is looked up at once
    ready.advance(60)
    work_off(ready)

    assert (state.recovery, state.paused_until, state.deposits_at) == ("read", None, None)
    assert reads(gateway) > before
    assert len(ready.simulator.ledger()) >= 1


def test_two_functions_make_one_read_and_a_dead_one_costs_a_minute(ready: World) -> None:
    ready.database.rows("select facteur.pause('account:default', 0, 'account_refused', true)")
    begin = "select facteur.begin_read('default') as begun"

    begun = [ready.database.row(begin).begun for _ in range(3)]
    ready.advance(61)

    assert begun == [True, False, False]
    assert ready.database.row(begin).begun


def test_a_read_that_was_under_way_when_the_account_was_refused_ends_nothing(ready: World) -> None:
    ready.database.rows("select facteur.pause('account:default', 300, 'account_refused', true)")

    ready.database.rows("select facteur.read_answered('default')")

    assert ready.database.row(STATE).recovery == "read"
    assert ready.database.row(STATE).paused_until is not None


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("everything", [False, True], ids=["deposits", "deposits and reads"])
def test_a_backlog_of_two_thousand_and_a_403_in_html_for_a_day(
    ready: World, gateway: AlteringProxy, everything: bool
) -> None:
    add_invoices(ready, 2000)
    refuse(gateway, 403, PAGE, everything=everything)

    go_on(ready, 24, step_seconds=300)
    doubted = ready.database.row(DOUBTED)
    admit(gateway)
    drain(ready)

    assert doubted.attempts <= UNDER_WAY + (0 if everything else 30)
    assert states(ready) == {"submitted": 2000}
    assert len(ready.simulator.ledger()) == 2000
