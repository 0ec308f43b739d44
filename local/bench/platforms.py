"""The three platforms side by side, each by its own simulator: deposits a second, and calls for the statuses of many open invoices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.bench.ground import add_papers, check_deposited, queued, submit_in_batches, write_papers
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.simulator.core.control import Simulator, running_simulator
from local.simulator.registry import PLATFORMS
from local.world.accounts import account_secret
from local.world.levers import World

OPEN = 1_000
WARM_UP, BATCH = 10, 10
AVAILABLE_SECONDS = 20.0  # after which each stands at 203, where it stays: its buyer says no more
POLLS = 3  # until nothing of a life cycle is left to read
AN_HOUR = 3600.0  # after which nothing is new enough to be listed again
ALL_DUE = "update facteur.submissions set due_at = facteur.now() where state = 'submitted'"
FIRST_GOAL, QUIET_GOAL = 6_000.0, 40.0
RATE_GOAL = 50.0  # of what is deposited a second with the first of them
SWITCHES: dict[str, dict[str, Any]] = {"iopole": {"history_quota": 0}, "superpdp": {"company_number": ""}}


def platforms(stage: Stage, scale: float) -> Result:
    """Each platform in turn: a thousand deposits, the statuses that follow, and polls in which nothing has changed."""
    count = max(20, round(OPEN * scale / BATCH) * BATCH)
    figures: list[Figure] = []
    first_rate = 0.0
    for kind, platform in PLATFORMS.items():
        with _depositing(stage, kind) as (world, simulator):
            rate = _rate(world, count)
            first_rate = first_rate or rate
            check_deposited(world, WARM_UP + count)
            world.advance(AVAILABLE_SECONDS)
            simulator.advance(AVAILABLE_SECONDS)
            followed = _calls(world, simulator, POLLS)
            quiet = _calls(world, simulator, 1)
            world.advance(AN_HOUR)
            simulator.advance(AN_HOUR)
            later = _calls(world, simulator, 1)
        thousands = (WARM_UP + count) / 1000
        figures += [
            Figure(f"{platform.title}, deposits", f"{rate:.1f} a second", f"the first of them {first_rate:.1f} a second",
                   100 * rate / first_rate, RATE_GOAL, "at least", "%"),
            Figure(f"{platform.title}, statuses up to 203", f"{followed:,} calls", f"{WARM_UP + count:,} open",
                   followed / thousands, FIRST_GOAL, "at most", "per 1,000"),
            Figure(f"{platform.title}, a poll that finds nothing new", f"{quiet:,} calls", f"{WARM_UP + count:,} open, all due",
                   quiet / thousands, QUIET_GOAL, "at most", "per 1,000"),
            Figure(f"{platform.title}, the same an hour later", f"{later:,} calls", f"{WARM_UP + count:,} open, all due",
                   later / thousands, QUIET_GOAL, "at most", "per 1,000"),
        ]  # fmt: skip
    how = (
        f"{count:,} invoices in batches of {BATCH} with each platform's simulator, which reads each document and so limits the rate; "
        "STATUS_SOURCE=auto, budget lifted; calls for tokens are counted"
    )
    return Result(tuple(figures), how)


@contextmanager
def _depositing(stage: Stage, kind: str) -> Iterator[tuple[World, Simulator]]:
    """A world whose account named default deposits with a platform of a kind."""
    switches: dict[str, Any] = {"validate_schema": "off", "open_directory": "on", **SWITCHES.get(kind, {})}
    with (
        stage.world(latency_seconds=None, STATUS_SOURCE="auto") as world,
        running_simulator(platform=kind, **switches) as simulator,
    ):
        place = {"base_url": simulator.base_url, "auth_url": simulator.auth_url} if kind == "iopole" else {}
        world.put_secret("default", account_secret(kind, simulator, **place))
        world.new_container()
        yield world, simulator


def _rate(world: World, count: int) -> float:
    """Invoices a second, once the container is warm."""
    add_papers(world.database, write_papers(world.folder, count + WARM_UP))
    ids = queued(world)
    submit_in_batches(ids[:WARM_UP], WARM_UP)
    began = time.perf_counter()
    submit_in_batches(ids[WARM_UP:], BATCH)
    return count / (time.perf_counter() - began)


def _calls(world: World, simulator: Simulator, polls: int) -> int:
    """How many calls so many polls make while all is due."""
    before = _made(simulator)
    for _ in range(polls):
        world.database.rows(ALL_DUE)
        world.poll()
    return _made(simulator) - before


def _made(simulator: Simulator) -> int:
    return sum(each["count"] for each in simulator.call_counts().values())
