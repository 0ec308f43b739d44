"""How late statuses are in Postgres while deposits share the budget. Time is simulated, five seconds at a step."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from facteur.domain.decide_sweep import seconds_to_next_sweep
from local.bench.ground import add_papers, queued, submit_in_batches, write_papers
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.world.crowd import KNOWN, crowd
from local.world.levers import World

OPEN = 1_000
PER_MINUTE, HISTORIES_PER_MINUTE = 180, 60
STEP_SECONDS, MINUTES = 5.0, 30.0
LONGEST_STEPS = 400  # after the last change
DEPOSITS_A_STEP = 5  # a third of the budget
CHANGES_A_STEP = 1
APART = 3600 / OPEN  # the open ones are up to an hour old
GOAL_SECONDS, DEPOSIT_GOAL_SECONDS = 120.0, 60.0
CHANGES = (
    ("IN_HAND", "204"),
    ("PARTIALLY_APPROVED", "206"),
    ("APPROVED", "205"),
    ("PAYMENT_SENT", "211"),
    ("PAYMENT_RECEIVED", "212"),
)
CODES = "select platform_id, lifecycle_code from facteur.submissions where platform_id = any(%(ids)s)"
YOUNGEST = 60.0
WAITED = """
select extract(epoch from a.started_at - s.created_at)::float as seconds
from facteur.attempts a join facteur.submissions s on s.id = a.submission_id where a.outcome = 'accepted'
"""


@dataclass
class Watch:
    """Changes that Postgres does not show yet, and how late those were that it does."""

    ages: dict[str, float] = field(default_factory=dict)  # deposit -> its age at the beginning
    changed: dict[str, int] = field(default_factory=dict)  # deposit -> how many changes it has had
    waiting: dict[str, float] = field(default_factory=dict)  # deposit -> when it changed
    late: list[tuple[float, float]] = field(default_factory=list)  # age, seconds

    def unchanged(self) -> list[str]:
        """Deposits that another status may come to."""
        return [each for each in self.ages if each not in self.waiting and self.changed.get(each, 0) < len(CHANGES)]

    def change(self, platform_id: str, now: float) -> str:
        """The next status of a deposit, in the platform's words."""
        self.waiting[platform_id] = now
        self.changed[platform_id] = self.changed.get(platform_id, 0) + 1
        return CHANGES[self.changed[platform_id] - 1][0]

    def look(self, world: World, now: float) -> None:
        """What Postgres shows by now."""
        for row in world.database.rows(CODES, {"ids": list(self.waiting)}):
            if row.lifecycle_code == CHANGES[self.changed[row.platform_id] - 1][1]:
                self.late.append((self.ages[row.platform_id] + now, now - self.waiting.pop(row.platform_id)))


def freshness(stage: Stage, scale: float) -> Result:
    """Statuses come at random to a thousand deposits of the last hour while others are deposited all the time."""
    steps, count = max(5, round(MINUTES * 60 / STEP_SECONDS * scale)), max(100, round(OPEN * min(1, scale * 10)))
    settings = {
        "STATUS_SOURCE": "sweep", "REQUESTS_PER_MINUTE": str(PER_MINUTE), "HISTORY_REQUESTS_PER_MINUTE": str(HISTORIES_PER_MINUTE),
    }  # fmt: skip
    with stage.world(latency_seconds=None, **settings) as world:
        world.simulator.reset()
        world.simulator.configure(token_seconds=10**9)
        watch, deposits = _hour(world, steps, count)
        waits = sorted(row.seconds for row in world.database.rows(WAITED))
        calls = world.simulator.call_counts()
    late = sorted(seconds for _, seconds in watch.late)
    if not late or not waits:
        raise RuntimeError("nothing was seen or nothing was deposited: the measurement is void")
    p95, waited = _quantile(late, 0.95), _quantile(waits, 0.95)
    figures = (
        Figure("Freshness", f"p95 {p95:.0f} s, p50 {_quantile(late, 0.5):.0f} s",
               f"{len(late)} statuses, {len(watch.waiting)} never seen", p95, GOAL_SECONDS, "at most", "s"),
        Figure("deposits meanwhile", f"{len(waits)} of {deposits}, p95 {waited:.0f} s", "not starved", waited,
               DEPOSIT_GOAL_SECONDS, "at most", "s"),
    )  # fmt: skip
    notes = ["calls: " + ", ".join(f"{name} {found['count']:,}" for name, found in calls.items())]
    notes += _by_age(watch)
    how = (
        f"{count:,} open deposits up to an hour old, {steps * STEP_SECONDS / 60:.0f} simulated minutes of {PER_MINUTE} calls a minute, "
        f"{DEPOSITS_A_STEP} new invoices and {CHANGES_A_STEP} status every {STEP_SECONDS:.0f} s; from the platform's status to Postgres"
    )
    series = {
        "share of statuses in Postgres|seconds after the platform's status": [
            (wait, (n + 1) / len(late)) for n, wait in enumerate(late)
        ]
    }
    return Result(figures, how, tuple(notes), why=_schedule(), series=series)


def _hour(world: World, steps: int, count: int) -> tuple[Watch, int]:
    """Change, deposit, relay, submit, poll, and let both clocks go on; over and over."""
    dice, watch, apart = random.Random(1), Watch(), APART * OPEN / count  # noqa: S311  repeatable, not secret
    there = crowd(world, count, youngest=YOUNGEST, apart=apart)
    watch.ages = {platform_id: YOUNGEST + apart * (count - 1 - rank) for rank, platform_id in enumerate(there.ids)}
    world.poll()
    world.database.rows(KNOWN)
    papers = write_papers(world.folder, steps * DEPOSITS_A_STEP)
    for step in range(steps):
        for platform_id in dice.sample(watch.unchanged(), CHANGES_A_STEP):
            world.simulator.add_status(platform_id, watch.change(platform_id, step * STEP_SECONDS))
        add_papers(world.database, papers.part(step * DEPOSITS_A_STEP, (step + 1) * DEPOSITS_A_STEP))
        if ids := queued(world):
            submit_in_batches(ids, 10)
        _poll(world, watch, step)
    for step in range(steps, steps + LONGEST_STEPS):  # what has changed last counts as well
        if not watch.waiting:
            break
        _poll(world, watch, step)
    return watch, len(papers)


def _poll(world: World, watch: Watch, step: int) -> None:
    world.poll()
    watch.look(world, step * STEP_SECONDS)
    world.advance(STEP_SECONDS)


def _schedule() -> tuple[str, ...]:
    """How long a deposit is left alone, by its age: more than that it cannot be late while the budget suffices."""
    words = "A sweep looks at a deposit again after"
    return tuple(
        f"{words} {seconds_to_next_sweep(minutes * 60):4.0f} s where it is {minutes} minutes old"
        for minutes in (5, 15, 30, 60, 90)
    )


def _by_age(watch: Watch) -> list[str]:
    """How late statuses are of deposits of each age."""
    lines = []
    for minutes in range(0, 120, 15):
        late = sorted(seconds for age, seconds in watch.late if minutes <= age / 60 < minutes + 15)
        if late:
            lines.append(
                f"deposits {minutes} to {minutes + 15} minutes old: p95 {_quantile(late, 0.95):.0f} s of {len(late)}"
            )
    return lines


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
