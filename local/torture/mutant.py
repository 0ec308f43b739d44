"""A protection that is switched off, and the run that must show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from facteur.postgres.database import Database
from local.torture.points import Interrupt
from local.torture.schedule import LONG_STALL_SECONDS, Happening, Order, Schedule
from local.torture.wires import USUAL_WIRE, WIRES
from local.torture.worker import Worker


@dataclass(frozen=True, slots=True)
class Mutant:
    """`prepare` changes the run's database, `worker` each worker after its fork; `schedule` is the run that must show it."""

    about: str
    schedule: Schedule
    prepare: Callable[[Database], None] = lambda _database: None
    worker: Callable[[Worker], None] = lambda _worker: None
    harmless: bool = False  # by design: it costs time and nothing else


def run_of(
    *orders: Order,
    strike: str | None = None,
    happenings: Sequence[Happening] = (),
    switches: dict[str, Any] | None = None,
    stall_seconds: float = LONG_STALL_SECONDS,
    platform: str = USUAL_WIRE,
) -> Schedule:
    interrupts = (Interrupt.read(strike, WIRES[platform].points),) if strike else ()
    return Schedule(
        "", 1, orders, interrupts, tuple(happenings), switches or {}, stall_seconds=stall_seconds, platform=platform,
        most_leaps=40,
    )  # fmt: skip
