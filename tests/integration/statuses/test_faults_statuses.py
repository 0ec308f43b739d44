"""Statuses of deposits while the database, the reader or the platform fails: nothing is lost, kept twice or believed too soon."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.invoices import sample_invoice
from local.world.levers import World

LEASE_SECONDS = 121  # a history that is being read is not due for anybody else
LATER = 7300.0
DEADLINE_SECONDS = 20
RAISES = """
create function public.refuse() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$;
create {constraint} trigger refuse after insert on facteur.status_events {when} for each row execute function public.refuse()
"""
PERMIT_TAKEN = "select tokens is not null as taken from facteur.budgets where key = 'history'"
CUT = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "history"}


def deposited(world: World, buyer: str | None = None) -> str:
    """Deposit an invoice for a buyer that behaves like this; the platform's id."""
    if buyer:
        world.simulator.add_company(sample_invoice(1).buyer.siren, behaviour=buyer)
    world.add(1)
    world.deposit()
    return str(world.row(1).submission_id)


def polled(world: World, seconds: float) -> None:
    world.advance(seconds)
    world.poll()


def codes(world: World) -> list[str]:
    return [
        row.code for row in world.database.rows("select code from facteur.status_events order by occurred_at, code")
    ]


@pytest.mark.parametrize(
    ("constraint", "when"),
    [("", ""), ("constraint", "deferrable initially deferred")],
    ids=["at once", "at the commit"],
)
def test_statuses_whose_commit_failed_are_read_again(world: World, constraint: str, when: str) -> None:
    deposited(world)
    world.database.rows(RAISES.format(constraint=constraint, when=when))

    polled(world, 10)
    assert (codes(world), world.submission(1).lifecycle_code) == ([], None)

    world.database.rows("drop trigger refuse on facteur.status_events")
    polled(world, LEASE_SECONDS)
    assert (codes(world), world.submission(1).lifecycle_code) == (["200", "200", "201", "202", "203"], "203")


@pytest.mark.slow
def test_statuses_that_were_read_while_their_session_was_ended_are_stored_on_a_new_one(world: World) -> None:
    deposited(world)
    world.advance(10)
    world.simulator.script_endpoint("history", ["slow:2"])

    with ThreadPoolExecutor(1) as lambda_:
        reading = lambda_.submit(world.poll)
        wait_for_permit(world)
        world.database.rows(CUT)
        reading.result()

    assert codes(world) == ["200", "200", "201", "202", "203"]
    assert len(world.simulator.calls("history")) == 1


def wait_for_permit(world: World) -> None:
    """Return once a history has got its permit: what comes next is the call, whose answer takes two seconds."""
    patience = threading.Event()
    for _ in range(DEADLINE_SECONDS * 50):
        if world.database.row(PERMIT_TAKEN).taken:
            return
        patience.wait(0.02)
    raise AssertionError("nobody reads")


@pytest.mark.parametrize("twists", [[], ["reversed"], ["shuffled", "duplicated"]])
def test_contradictory_statuses_of_one_instant_are_both_kept_and_neither_is_believed(
    world: World, twists: list[str]
) -> None:
    world.simulator.configure(lifecycle_twists=["contradictory"], history_twists=twists)
    deposit = deposited(world, "205")
    polled(world, 10)
    assert world.submission(1).lifecycle_code == "203"

    polled(world, LATER)
    submission = world.submission(1)
    assert codes(world)[-2:] == ["205", "210"]
    assert (submission.state, submission.lifecycle_code) == ("submitted", "203")
    assert submission.last_error_code == "contradictory_statuses"
    assert "205 and 210" in submission.last_error_message

    world.simulator.add_status(deposit, "REFUSED", reason="OTHER")
    polled(world, LATER)
    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("closed", "210")


def test_a_rejection_that_the_buyer_contradicts_is_a_persons_and_stays_it(world: World) -> None:
    world.simulator.configure(lifecycle_twists=["contradictory"])
    deposit = deposited(world, "213")

    polled(world, LATER)
    assert codes(world)[-2:] == ["207", "213"]
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit)
    assert (world.submission(1).lifecycle_code, world.submission(1).objection_code) == ("201", "contradictory_statuses")
    assert "207 and 213" in world.submission(1).mismatch

    world.simulator.add_status(deposit, "REJECTED", reason="CALCULATION_ERROR")
    polled(world, LATER)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit)
