"""How near to the limit (in flight ÷ latency) one worker deposits."""

from __future__ import annotations

import time
from collections.abc import Sequence

from local.bench import bare
from local.bench.ground import (
    Papers,
    add_papers,
    check_deposited,
    queued,
    submit_in_batches,
    write_papers,
)
from local.bench.profile import clock_profiled
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.world.levers import World

IN_FLIGHT = 10
LATENCY_SECONDS = 0.1
WARM_UP = 10
GOALS = {10: 85.0, 100: 95.0}
WHY = {
    10: (
        "A batch of ten is one round of calls. Before it the rows are read and their attempts committed, after it the answers are",
        "committed; neither may overlap the calls of its own rows (never twice), and one invocation has no others. Connections to the",
        "platform are opened anew in each invocation. The rest is the interpreter's lock: ten threads prepare and",
        "parse in turn. What would have to change: larger batches, which read and claim ahead (BatchSize in the template; a batch that",
        "comes back then brings more rows with it), or more invocations at once (SubmitMaximumConcurrency), which fill the gaps.",
    ),
    100: (
        "A batch of a hundred is ten rounds of calls, a second at the limit. Before the first call rows are read and claimed and",
        "connections opened, and after the last one its answers are recorded, as in a batch of ten, but once in ten rounds. Between them",
        "the interpreter's lock is what is missing: each call is prepared and its answer parsed in turn with the nine others and with the",
        "claims and records of their rows, so it begins late; the bare loop pays for the first part of that too. What would have to",
        "change: batches of a thousand, where the ends weigh a tenth; and less Python in each call (an HTTP client below requests), or",
        "a worker of two processes, without which nothing gets past the bare loop of posts.",
    ),
}


def throughput(stage: Stage, scale: float) -> Result:
    """2,000 invoices in batches of ten and of a hundred, and a bare threaded loop of posts beside them."""
    count = max(20, round(2000 * scale / 100) * 100)
    limit = IN_FLIGHT / LATENCY_SECONDS
    figures: list[Figure] = []
    with stage.world(latency_seconds=LATENCY_SECONDS) as world:
        floor = _bare_rate(world, write_papers(world.folder, count, mark="B"))
        deposited = 0
        for batch, goal in GOALS.items():
            papers = write_papers(world.folder, count + WARM_UP, mark=f"F{batch}")
            rate = _rate(world, papers, batch)
            deposited += len(papers)
            check_deposited(world, deposited)
            beside = f"limit {limit:.0f} a second; bare loop of posts {floor:.1f}"
            figures.append(
                Figure(f"batches of {batch}", f"{rate:.1f} a second", beside, 100 * rate / limit, goal, "at least", "%")
            )
        slow = [batch for batch, figure in zip(GOALS, figures, strict=True) if not figure.met]
        why = explained(world, slow, min(count, 100), bare_percent=100 * floor / limit)
    how = (
        f"{count:,} invoices, documents on disk, platform latency {LATENCY_SECONDS * 1000:.0f} ms, {IN_FLIGHT} in flight, "
        "Postgres with fsync, budget lifted; one worker, one batch after the other"
    )
    facts = {f"a second in {batch}s": figure.value * limit / 100 for batch, figure in zip(GOALS, figures, strict=True)}
    return Result(tuple(figures), how, why=why, facts=facts)


def _rate(world: World, papers: Papers, batch: int) -> float:
    """Invoices a second, once the container is warm."""
    add_papers(world.database, papers)
    ids = queued(world)
    submit_in_batches(ids[:WARM_UP], WARM_UP)
    began = time.perf_counter()
    submit_in_batches(ids[WARM_UP:], batch)
    return (len(ids) - WARM_UP) / (time.perf_counter() - began)


def _bare_rate(world: World, papers: Papers) -> float:
    began = time.perf_counter()
    bare.deposit_in_threads(world.simulator, papers.paths, IN_FLIGHT)
    return len(papers) / (time.perf_counter() - began)


def explained(world: World, batches: Sequence[int], count: int, bare_percent: float | None = None) -> tuple[str, ...]:
    """For each size of batch that is too slow: why, what would have to change, and a profile."""
    lines = [line for batch in batches for line in (*WHY[batch], "", *_profiled(world, batch, count), "")]
    if lines and bare_percent is not None:
        lines.insert(
            0,
            f"The bare loop of posts, {IN_FLIGHT} threads that do nothing else, itself reaches {bare_percent:.1f} % of the limit.\n",
        )
    return tuple(lines)


def _profiled(world: World, batch: int, count: int) -> tuple[str, ...]:
    add_papers(world.database, write_papers(world.folder, count, mark=f"P{batch}"))
    ids = queued(world)
    with clock_profiled() as found:
        submit_in_batches(ids, batch)
    return (
        f"{count} in batches of {batch}, by the clock of the worker's main thread (the profiler itself slows it down):",
        *found.steps(),
    )
