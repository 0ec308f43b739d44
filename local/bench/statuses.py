"""What statuses of many open invoices cost in calls, and how long a pass takes within the platform's limits. Time is simulated."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facteur.domain.decide_sweep import seconds_to_next_sweep
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.world.crowd import KNOWN, Crowd, crowd
from local.world.levers import World

PER_MINUTE = 180
STEP_SECONDS = 10.0  # what the bucket holds: nothing is lost between two polls
SIZES = (1_000, 10_000, 100_000)
CLOSED = 10  # times as many as open ones, lie between them in the second pass of each size
LONGEST_STEPS = 2000
CALLS_GOAL, MINUTES_GOAL = 6.0, 6.0
CHANGED, URGENT = 0.01, 0.2  # of the open ones; of the changed ones
OPEN_FOR_HISTORIES = 10_000
DAY_SECONDS = 86400.0
SCHEDULE_DAYS = 15  # the pause is the longest from the tenth on
DUE = """
select count(*) as n from facteur.submissions
where state = 'submitted' and (due_at <= facteur.now() or history_due_at <= facteur.now())
"""
URGENT_GOAL = 0.5  # a fifth of them is urgent and must not wait for the rest


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over everything that is due."""

    searches: int
    histories: int
    minutes: float


def status_pages(stage: Stage, scale: float) -> Result:
    """Platform calls of one pass in which nothing has changed, alone and among ten times as many closed invoices."""
    figures, minutes = [], {0: [(0.0, 0.0)], CLOSED: [(0.0, 0.0)]}
    for size in dict.fromkeys(max(200, round(size * scale)) for size in SIZES):
        for closed in minutes:
            with _sweeping(stage, "0.1") as world:
                _known(world, size, closed)
                found = _passed(world)
            figures.append(
                Figure(f"{size:,} open{_among(size * closed)}", f"{found.searches} calls, {found.minutes:.1f} min",
                       f"one by one {size:,} calls, {size / PER_MINUTE / 60:.1f} h", found.searches / size * 1000, CALLS_GOAL,
                       "at most", "per 1,000")
            )  # fmt: skip
            minutes[closed].append((float(size), found.minutes))
    facts = {"searches for a thousand": figures[-1].value}
    for closed, points in minutes.items():
        most, longest = points[-1]
        figures.append(
            Figure(f"a pass over {most:,.0f} open{_among(int(most) * closed)}", f"{longest:.1f} min",
                   f"one by one {most / PER_MINUTE / 60:.1f} h", longest, MINUTES_GOAL, "at most", "min")
        )  # fmt: skip
    how = (
        f"STATUS_SOURCE=sweep, deposits 20 s apart that stand at 203, all due, nothing changed; {PER_MINUTE} calls a minute, both clocks "
        f"moved {STEP_SECONDS:.0f} s at a time; then the same with {CLOSED} closed ones after each open one, on both sides"
    )
    shown = {
        "minutes of a pass|open invoices": minutes[0],
        f"minutes of a pass|open invoices among {CLOSED} times as many closed ones": minutes[CLOSED],
    }
    return Result(tuple(figures), how, facts=facts, series=shown | schedule())


def _among(closed: int) -> str:
    return f" among {closed:,} closed" if closed else ""


def status_histories(stage: Stage, scale: float) -> Result:
    """Calls for changed invoices only, and how long they take at two quotas of the history endpoint."""
    size, figures, notes = max(200, round(OPEN_FOR_HISTORIES * scale)), [], []
    for quota in (10, 100):
        with _sweeping(stage, str(quota)) as world:
            there = _known(world, size, 0)
            urgent, usual = _change(world, there, max(5, round(size * CHANGED)))
            found, urgent_minutes = _read_changes(world, urgent)
        changed = len(urgent) + len(usual)
        figures.append(
            Figure(f"all at {quota} a minute", f"{found.histories} calls, {found.minutes:.1f} min", f"{changed} changed",
                   found.histories / changed, 1.0, "at most", "a change")
        )  # fmt: skip
        figures.append(
            Figure(f"urgent ones at {quota} a minute", f"after {urgent_minutes:.1f} min", f"all after {found.minutes:.1f} min",
                   urgent_minutes / found.minutes, URGENT_GOAL, "at most", "of the time")
        )  # fmt: skip
        notes.append(f"{found.searches} searches beside them at {quota} a minute")
    how = f"{size:,} open, {CHANGED:.0%} changed, {URGENT:.0%} of them refused; the rest as above"
    return Result(tuple(figures), how, tuple(notes))


def schedule() -> dict[str, list[tuple[float, float]]]:
    """How long a sweep leaves an open deposit alone, as the function that decides it says."""
    days = [quarter / 4 for quarter in range(4 * SCHEDULE_DAYS + 1)]
    points = [(day, seconds_to_next_sweep(day * DAY_SECONDS) / 3600) for day in days]
    return {"hours until an open deposit is looked at again|days since it was deposited": points}


@contextmanager
def _sweeping(stage: Stage, history_per_minute: str) -> Iterator[World]:
    settings = {
        "STATUS_SOURCE": "sweep",
        "REQUESTS_PER_MINUTE": str(PER_MINUTE),
        "HISTORY_REQUESTS_PER_MINUTE": history_per_minute,
    }
    with stage.world(latency_seconds=None, **settings) as world:
        world.simulator.reset()
        world.simulator.configure(token_seconds=10**9)
        yield world


def _known(world: World, size: int, closed: int) -> Crowd:
    """Open deposits that have been swept once; all are due again."""
    there = crowd(world, size, closed_between=closed)
    world.database.rows("vacuum analyze facteur.submissions")
    while world.database.row(
        "select count(*) as n from facteur.submissions where state = 'submitted' and swept_id is null"
    ).n:
        world.poll()
        world.advance(STEP_SECONDS)
    world.database.rows(KNOWN)
    world.advance(STEP_SECONDS)
    return there


def _passed(world: World, until: str = DUE) -> Pass:
    """Poll and let the clocks go on until nothing is due; counted from a full bucket."""
    before, steps = world.simulator.call_counts(), 0
    while True:
        world.poll()
        if not world.database.row(until).n:
            break
        if (steps := steps + 1) > LONGEST_STEPS:
            raise RuntimeError(f"still due after {LONGEST_STEPS} polls")
        world.advance(STEP_SECONDS)
    after = world.simulator.call_counts()
    searches, histories = (_count(after, name) - _count(before, name) for name in ("search", "history"))
    return Pass(searches, histories, steps * STEP_SECONDS / 60)


def _change(world: World, there: Crowd, count: int) -> tuple[list[str], list[str]]:
    """So many deposits anywhere get a new status; those that are refused, and the others."""
    chosen = random.Random(1).sample(list(there.ids), count)  # noqa: S311  repeatable, not secret
    urgent = chosen[: max(1, round(count * URGENT))]
    usual = chosen[len(urgent) :]
    for platform_id in chosen:
        code, more = ("REFUSED", {"reason": "OTHER"}) if platform_id in urgent else ("IN_HAND", {})
        world.simulator.add_status(platform_id, code, **more)
    return urgent, usual


def _read_changes(world: World, urgent: list[str]) -> tuple[Pass, float]:
    """The whole pass, and the minute at which the last urgent history had been read."""
    before, steps, urgent_minutes = world.simulator.call_counts(), 0, 0.0
    waiting = "select count(*) as n from facteur.submissions where platform_id = any(%(ids)s) and state = 'submitted'"
    while True:
        world.poll()
        if world.database.row(waiting, {"ids": urgent}).n:
            urgent_minutes = (steps + 1) * STEP_SECONDS / 60
        if not world.database.row(DUE).n:
            break
        if (steps := steps + 1) > LONGEST_STEPS:
            raise RuntimeError(f"still due after {LONGEST_STEPS} polls")
        world.advance(STEP_SECONDS)
    after = world.simulator.call_counts()
    searches, histories = (_count(after, name) - _count(before, name) for name in ("search", "history"))
    return Pass(searches, histories, max(steps, 1) * STEP_SECONDS / 60), urgent_minutes


def _count(counts: dict[str, dict[str, int]], endpoint: str) -> int:
    return counts.get(endpoint, {}).get("count", 0)
