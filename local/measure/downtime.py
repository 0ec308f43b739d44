"""The platform is down for hours while invoices wait: who asks it, who suffers, and how the backlog goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from local.measure.ground import add_invoices, burst, most_in_window, states, work_off
from local.world.levers import World

Kind = Literal["refused", "503"]
MINUTE = 60.0
RECOVERY_STEP_SECONDS = 2.0
PATIENCE_STEPS = 20_000
# Every call that reached or should have reached the platform: attempts to deposit, by the database's clock.
ATTEMPTED = """
select extract(epoch from started_at)::double precision as at from facteur.attempts where started_at >= %(since)s order by 1
"""
NEVER_TRIED = """
select invoice_number as number from facteur.submissions s
where state = 'pending' and tries = 0 -- nor the messenger of a read that was not answered
order by id
"""
NOW = "select facteur.now() as at"
BREAKER = """
select coalesce(bool_or(probing), false) as open, coalesce(sum(failures), 0)::integer as failures
from facteur.budgets where key like 'account:%'
"""


@dataclass(frozen=True, slots=True)
class Downtime:
    """What a downtime did."""

    invoices: int
    hours: float
    calls_before_open: int
    probes: int
    most_probes_a_minute: int
    doubts: int
    deposits: int
    doubles: int
    unfinished: int
    backlog_minutes: float
    recovery_minutes: float
    peak_calls_in_ten_seconds: int
    admitted_in_ten_seconds: float
    farthest_from_order: int
    messages: int


def platform_down(
    world: World, kind: Kind, *, invoices: int, hours: float, step_seconds: float, per_minute: float
) -> Downtime:
    """Let a platform that worked go down, add invoices, wait, let it come back, and drain. `per_minute` is the world's budget."""
    add_invoices(world, 1)
    messages = work_off(world)  # a token is there, so that the first 503 meets a deposit
    _down(world, kind)
    add_invoices(world, invoices)
    began = _now(world)
    opened_at, waited, silent = _wait(world, hours * 3600, step_seconds)
    calls = silent if kind == "refused" else _calls(world, began)
    doubts = states(world).get("in_doubt", 0)
    waiting = [row.number for row in world.database.rows(NEVER_TRIED)]
    _up(world, kind)
    back = _now(world)
    backlog_seconds, steps = _drain(world)
    spread = [str(deposit["number"]) for deposit in world.simulator.ledger()]
    probes = [at for at in calls if at > opened_at]
    recovery = [call["at"] for call in world.simulator.calls() if call["endpoint"] != "token" and call["status"] != 503]
    return Downtime(
        invoices=invoices, hours=hours, calls_before_open=len(calls) - len(probes), probes=len(probes),
        most_probes_a_minute=most_in_window(probes, MINUTE), doubts=doubts, deposits=len(spread), doubles=len(spread) - len(set(spread)),
        unfinished=sum(count for state, count in states(world).items() if state != "submitted"),
        backlog_minutes=backlog_seconds / MINUTE, recovery_minutes=(_now(world) - back).total_seconds() / MINUTE,
        peak_calls_in_ten_seconds=most_in_window(recovery, 10.0), admitted_in_ten_seconds=burst(per_minute) + per_minute / 6,
        farthest_from_order=_farthest(waiting, spread), messages=messages + waited + steps,
    )  # fmt: skip


def _down(world: World, kind: Kind) -> None:
    if kind == "refused":
        world.simulator.refuse_connections()
    else:
        world.simulator.outage(1e9, "503")


def _up(world: World, kind: Kind) -> None:
    if kind == "refused":
        world.simulator.accept_connections()
    else:
        world.simulator.outage(0)


def _now(world: World) -> datetime:
    at: datetime = world.database.row(NOW).at
    return at


def _wait(world: World, seconds: float, step_seconds: float) -> tuple[float, int, list[float]]:
    """Go on working; when the breaker was first seen open, the messages it took, and when calls went unanswered."""
    opened_at, messages, until = float("inf"), 0, _now(world).timestamp() + seconds
    silent: list[float] = []
    while (now := _now(world).timestamp()) < until:
        messages += work_off(world)
        breaker = world.database.row(BREAKER)
        silent += [now] * (breaker.failures - len(silent))
        if opened_at == float("inf") and breaker.open:
            opened_at = _now(world).timestamp()  # what was under way together opened it
        world.advance(step_seconds)
    return opened_at, messages, silent


def _calls(world: World, since: datetime) -> list[float]:
    """When the platform was called: by its own log, and by our attempts."""
    attempts = [row.at for row in world.database.rows(ATTEMPTED, {"since": since})]
    others = [call["at"] for call in world.simulator.calls() if call["status"] == 503 and call["endpoint"] != "deposit"]
    return sorted(attempts + others)


def _drain(world: World) -> tuple[float, int]:
    """Step on until everything is deposited: finely while rows wait, coarsely while only doubts are looked up.

    Returns:
        The seconds until nothing waited but doubts, and the messages it took.
    """
    messages, backlog_seconds, began = 0, 0.0, _now(world)
    for _ in range(PATIENCE_STEPS):
        messages += work_off(world)
        left = states(world)
        if "pending" not in left and not backlog_seconds:
            backlog_seconds = (_now(world) - began).total_seconds()
        if set(left) == {"submitted"}:
            break
        world.advance(RECOVERY_STEP_SECONDS if "pending" in left else MINUTE)
    return backlog_seconds, messages


def _farthest(expected: list[str], numbers: list[str]) -> int:
    """How far, in places, a deposit stood from where its age puts it, among those that were not tried while the platform was down."""
    places = {number: place for place, number in enumerate(expected)}
    actual = [number for number in numbers if number in places]
    return max((abs(places[number] - place) for place, number in enumerate(actual)), default=0)
