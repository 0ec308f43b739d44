"""The workers of the model test: what they promise to it."""

from __future__ import annotations

import threading

import pytest

from tests.model.calls import Before, Call, Fault
from tests.model.worker import AtOnce, DiedError, Worker


def test_a_worker_makes_one_call_at_a_time() -> None:
    met = list[Fault]()

    def run(before: Before) -> None:
        met.append(before(Call.STATEMENT))
        met.append(before(Call.DEPOSIT))

    worker = Worker(run)
    seen = [(worker.at, list(met))]
    for fault in (Fault.NONE, Fault.LOST):
        worker.go_on(fault)
        seen.append((worker.at, list(met)))

    assert seen == [(Call.STATEMENT, []), (Call.DEPOSIT, [Fault.NONE]), (None, [Fault.NONE, Fault.LOST])]


def test_who_died_makes_no_call_any_more() -> None:
    made = list[str]()

    def run(before: Before) -> None:
        try:
            before(Call.DEPOSIT)
            made.append("deposit")
        finally:
            AtOnce().submit(before, Call.STATEMENT)
            made.append("statement")

    worker = Worker(run)
    worker.die()

    assert (worker.at, made) == (None, [])


def test_what_a_run_raises_is_raised_where_it_is_waited_for() -> None:
    worker = Worker(lambda before: [before(Call.READ)][1])

    with pytest.raises(IndexError):
        worker.go_on(Fault.NONE)

    assert worker.at is None


def test_a_worker_that_hangs_is_a_failure_that_says_where() -> None:
    never = threading.Event()

    with pytest.raises(AssertionError, match=r"(?s)made no call for 0.1 s.*never.wait"):
        Worker(lambda _before: never.wait(10), hangs_seconds=0.1)

    never.set()


def test_what_fails_in_the_place_of_a_pool_is_kept_and_a_death_is_not() -> None:
    def die() -> None:
        raise DiedError

    assert isinstance(AtOnce().submit(int, "x").exception(), ValueError)
    with pytest.raises(DiedError):
        AtOnce().submit(die)
