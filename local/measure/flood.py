"""Far more rows are due than the budget admits: how many messages does a deposit cost?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from local.measure.ground import add_invoices, burst, most_in_window, work_off
from local.world.levers import World

LOOK_SECONDS = 0.3  # how often a watching relay looks


@dataclass(frozen=True, slots=True)
class Flood:
    """What a flood of due rows did."""

    due: int
    minutes: float
    messages: int
    deposits: int
    doubles: int
    peak_calls_in_ten_seconds: int
    admitted_in_ten_seconds: float
    real_seconds: float

    @property
    def messages_per_deposit(self) -> float:
        return self.messages / max(1, self.deposits)


def flood(world: World, *, invoices: int, minutes: float, per_minute: float) -> Flood:
    """Make many invoices due at once and let a watching relay and hungry submitters work for some minutes of their clock."""
    began = time.monotonic()
    add_invoices(world, invoices)
    world.relay()  # the notes become submissions
    messages, until = 0, _clock(world) + minutes * 60
    while _clock(world) < until:
        messages += work_off(world)
        world.advance(LOOK_SECONDS)
    numbers = [deposit["number"] for deposit in world.simulator.ledger()]
    calls = [call["at"] for call in world.simulator.calls("deposit")]
    return Flood(
        invoices, minutes, messages, len(numbers), len(numbers) - len(set(numbers)), most_in_window(calls, 10.0),
        burst(per_minute) + per_minute / 6, time.monotonic() - began,
    )  # fmt: skip


def _clock(world: World) -> float:
    return float(world.database.row("select extract(epoch from facteur.now()) as at").at)
