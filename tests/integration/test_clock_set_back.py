"""The database's clock was ahead and is put right: nothing that was planned by it waits for as long as it was ahead."""

from __future__ import annotations

import pytest

from local.invoices import sample_invoice
from tests.world import NOW, World

HOUR, DAY = 3600.0, 86_400.0


def set_clock(world: World, seconds: float) -> None:
    """The database's, and nobody else's."""
    world.shift += seconds
    world.database.rows(NOW.format(world.shift))


@pytest.mark.parametrize("ahead", [20 * DAY, 2 * HOUR])
def test_an_invoice_that_was_queued_by_a_clock_ahead_is_deposited_within_the_hour(world: World, ahead: float) -> None:
    set_clock(world, ahead)
    world.add(1)
    world.relay()
    set_clock(world, -ahead)

    for _ in range(12):
        world.submit()  # its message was consumed while it was not due yet
        world.advance(300)
        world.relay()
    world.submit()

    assert world.submission(1).state == "submitted"


@pytest.mark.parametrize("fault", ["lost_answer", "503", "429"])
def test_what_a_clock_ahead_put_off_goes_on_when_it_is_right(world: World, fault: str) -> None:
    world.witness()
    set_clock(world, 20 * DAY)
    world.simulator.script(sample_invoice(1).number, [fault])
    world.add(1)
    world.deposit()
    set_clock(world, -20 * DAY)

    for _ in range(40):
        world.advance(160)
        world.deposit()

    assert world.submission(1).state == "submitted"
    assert len(world.deposits(1)) == 1


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}, {"STATUS_SOURCE": "history"}], indirect=True)
def test_statuses_are_heard_though_a_poll_was_planned_by_a_clock_ahead(world: World) -> None:
    world.add(1)
    set_clock(world, 20 * DAY)
    world.deposit()
    world.poll()
    world.database.rows("update facteur.sweeps set taken_until = facteur.now() + interval '2 minutes'")
    set_clock(world, -20 * DAY)

    for _ in range(5):
        world.relay()
        world.poll()
        world.advance(70)

    assert world.submission(1).lifecycle_code == "203"


def test_what_was_never_heard_of_is_no_younger_for_a_clock_that_was_ahead(world: World) -> None:
    set_clock(world, 20 * DAY)
    world.add(1)
    world.deposit()
    set_clock(world, -20 * DAY)

    world.relay()
    world.advance(2 * HOUR)

    assert world.database.row("select facteur.oldest_silent_seconds() as seconds").seconds >= 2 * HOUR


def test_a_clock_that_goes_on_as_it_did_moves_nothing(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["429"])
    world.add(1)
    world.deposit()
    due_at = world.submission(1).due_at

    world.advance(1)
    world.relay()

    assert world.submission(1).due_at == due_at


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(getattr(request, "param", {}))
