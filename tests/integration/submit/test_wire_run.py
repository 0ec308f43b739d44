"""The real handlers behind a wire that is not the simulator's: each row keeps its own deposit, and runs end in time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from functions.poll_statuses import app as poll
from functions.submit_invoices import app as submit
from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.wire import drip, interim

MANY = range(40)


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as before:
        yield before


@pytest.fixture
def settings(proxy: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url, "CONNECT_TIMEOUT_SECONDS": "1", "READ_TIMEOUT_SECONDS": "1.5"}


def deposited_each_once(world: World, ranks: range) -> None:
    for rank in ranks:
        (stored,) = world.deposits(rank)
        assert (world.row(rank).technical_status, world.row(rank).submission_id) == ("validated", stored["id"])


@pytest.mark.slow
@pytest.mark.parametrize("status", [102, 103])
def test_interim_answers_before_late_final_ones_mix_up_no_invoices(
    world: World, proxy: AlteringProxy, status: int
) -> None:
    """Finding A1: the next invoice read this one's answer."""
    dice = random.Random(103)  # noqa: S311

    def after(asked: Asked, said: Said) -> Said:
        if asked.is_deposit and dice.random() < 0.15:
            asked.say(interim(status))
            threading.Event().wait(0.3)
        return said

    proxy.after = after
    for rank in MANY:
        world.add(rank)

    world.deposit()

    deposited_each_once(world, MANY)
    assert sum(asked.is_deposit for asked in proxy.requests) == len(MANY)


@pytest.mark.slow
def test_a_second_final_answer_becomes_no_other_invoices(world: World, proxy: AlteringProxy) -> None:
    """Two answers to one request: the second is nobody's."""
    dice = random.Random(2)  # noqa: S311

    def after(asked: Asked, said: Said) -> Said | None:
        if not asked.is_deposit or dice.random() > 0.3:
            return said
        asked.say(said.wire() + said.wire())
        return None

    proxy.after = after
    for rank in MANY:
        world.add(rank)

    for _ in range(3):
        world.deposit()
        world.advance(300)

    deposited_each_once(world, MANY)


def limited(seconds: float) -> SimpleNamespace:
    """The context of a function that is stopped after so many seconds."""
    ends_at = time.monotonic() + seconds
    return SimpleNamespace(
        aws_request_id="r", get_remaining_time_in_millis=lambda: 1000 * max(0.0, ends_at - time.monotonic())
    )


@pytest.mark.slow
def test_a_poll_ends_before_its_function_does_whatever_drips(world: World, proxy: AlteringProxy) -> None:
    world.add(1)
    world.deposit()
    world.advance(4000)

    def before(asked: Asked) -> Said | None:
        drip(_Says(asked), b"HTTP/1.1 200 OK\r\nX: y", 0.05)
        return None

    proxy.before = before
    began = time.monotonic()
    poll.handler({}, limited(6.0))

    assert len(proxy.requests) > 1
    assert time.monotonic() - began < 6.0


class _Says:
    """What `drip` puts bytes onto."""

    def __init__(self, asked: Asked) -> None:
        self.sendall = asked.say


def test_a_deposit_whose_answer_drips_is_a_doubt_in_time_and_found(world: World, proxy: AlteringProxy) -> None:
    dripped: list[Asked] = []

    def after(asked: Asked, said: Said) -> Said | None:
        if asked.is_deposit:
            dripped.append(asked)
            drip(_Says(asked), said.wire(), 0.1)
        return said

    proxy.after = after
    world.add(1)
    world.relay()
    began = time.monotonic()
    submit.handler({"Records": world.messages()}, limited(20.0))

    assert time.monotonic() - began < 2.5 + 2.0
    assert world.submission(1).state == "in_doubt"
    for _ in range(4):
        world.advance(300)
        world.deposit()
    assert len(dripped) == 1
    deposited_each_once(world, range(1, 2))
