"""What the requests of a run may meet, to the letter: an excuse must not hold for a fault that only sounds like its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from local.simulator.core.faults import fault_named
from local.torture.schedule import KINDS, Order, Schedule

MIXED_UP = frozenset({"previous", "deposit_ids=previous"})  # an answer names another request's deposit
TWICE = frozenset({"lifecycle_twists=twice", "event_ids=twice"})  # a status comes again


def met(schedule: Schedule) -> frozenset[str]:
    """Every fault and travel by its name, and every switch as `name=value`: of orders, rates, happenings, and of the whole run."""
    thrown = [each.details.get("switches", {}) for each in schedule.happenings]
    switches = chain.from_iterable(each.items() for each in (schedule.switches, *thrown))
    written = chain(
        _of_orders(schedule.orders),
        chain.from_iterable(schedule.rates.values()),
        chain.from_iterable(_of_happening(each.details) for each in schedule.happenings),
    )
    return frozenset(chain(_valued(switches), chain.from_iterable(map(_parts, written))))


def answered(calls: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """How many calls of a simulator's log met which fault, by endpoint and as it was written in the schedule."""
    return Counter((each["endpoint"], each["written"]) for each in calls if each["written"])


def _of_orders(orders: Iterable[Order]) -> Iterator[str]:
    for order in orders:
        yield from (*order.faults, *order.later, *KINDS[order.kind].faults)


def _of_happening(details: Mapping[str, Any]) -> Iterator[str]:
    yield from details.get("faults", ())
    yield from _of_orders(details.get("orders", ()))
    if "fault" in details:
        yield details["fault"]


def _parts(written: str) -> Iterator[str]:
    fault = fault_named(written)
    yield from (fault.name, *(each.name for each in fault.travels))
    yield from _valued(fault.switches.items())


def _valued(switches: Iterable[tuple[str, object]]) -> Iterator[str]:
    for name, value in switches:
        yield from (f"{name}={each}" for each in (value if isinstance(value, list | tuple) else (value,)))
