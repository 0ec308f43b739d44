"""What depositing one invoice costs: CPU of the worker, and round trips to Postgres."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import psycopg2

from local.bench import bare
from local.bench.ground import (
    Papers,
    add_papers,
    check_deposited,
    database_dsn,
    queued,
    submit_in_batches,
    write_papers,
)
from local.bench.profile import cpu_profiled
from local.bench.result import Figure, Result, rounds
from local.bench.stage import COUNTED, Stage
from local.bench.statements import count_from_now, counted, slowest
from local.world.levers import World

BATCH = 10
WARM_UP = 10
ROUNDS = 3
CHANGE = (
    "Beside what the loop does, each document is parsed for its number, each outcome becomes a log line and metrics, and each call changes",
    "threads. What would have to change: one line and one set of metrics for a batch, where no invoice has a line of its own.",
    "",
)


def cpu_per_deposit(stage: Stage, scale: float) -> Result:
    """CPU seconds per invoice against a bare loop of the same reads and posts and as many statements; rounds of both in turn."""
    times = rounds(ROUNDS, scale)
    count = max(20, round(1000 * scale / BATCH) * BATCH)
    ours: list[float] = []
    floors: list[float] = []
    statements = 0
    why: tuple[str, ...] = ()
    with stage.world(*COUNTED) as world:
        _deposit(world, write_papers(world.folder, WARM_UP, mark="W"))
        for turn in range(times):
            papers = write_papers(world.folder, count, mark=f"F{turn}")
            add_papers(world.database, papers)
            ids = queued(world)
            count_from_now(world.database)
            ours.append(_cpu(lambda ids=ids: submit_in_batches(ids, BATCH)) / count)  # type: ignore[misc]
            statements = counted(world.database)
            bare_papers = write_papers(world.folder, count, mark=f"B{turn}")
            floors.append(_bare(world, bare_papers, statements) / count)
        check_deposited(world, WARM_UP + times * count)
        ratio = median(ours) / median(floors)
        if ratio > 1.35:
            add_papers(world.database, write_papers(world.folder, 100, mark="P"))
            ids = queued(world)
            with cpu_profiled() as found:
                submit_in_batches(ids, BATCH)
            why = (*CHANGE, "A hundred deposits under the profiler (CPU time of all threads):", *found.own_time(20))
    figure = Figure(
        "CPU per deposit",
        f"{median(ours) * 1e3:.2f} ms",
        f"bare loop {median(floors) * 1e3:.2f} ms",
        ratio,
        1.35,
        "at most",
        "×",
    )
    how = (
        f"{times} rounds of {count:,} invoices in batches of {BATCH}, platform latency 0; the loop is sequential, reads the same "
        f"documents, posts with requests, parses the answer and runs as many statements with psycopg2 as Facteur did in the round "
        f"before ({statements:,} in the last one, {statements / count:.2f} an invoice); medians"
    )
    return Result((figure,), how, why=why)


def round_trips(stage: Stage, scale: float) -> Result:
    """Statements that Postgres counts, BEGIN and COMMIT among them, while batches of ten are deposited."""
    count = max(20, round(500 * scale / BATCH) * BATCH)
    with stage.world(*COUNTED) as world:
        _deposit(world, write_papers(world.folder, WARM_UP, mark="W"))
        papers = write_papers(world.folder, count)
        add_papers(world.database, papers)
        ids = queued(world)
        count_from_now(world.database)
        submit_in_batches(ids, BATCH)
        calls, why = counted(world.database), slowest(world.database)
        check_deposited(world, WARM_UP + count)
    figure = Figure(
        "Round trips", f"{calls:,} statements", f"{count:,} invoices", calls / count, 1.3, "at most", "an invoice"
    )
    return Result((figure,), f"{count:,} invoices in batches of {BATCH}, counted by pg_stat_statements", why)


def _deposit(world: World, papers: Papers) -> None:
    add_papers(world.database, papers)
    submit_in_batches(queued(world), BATCH)


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _bare(world: World, papers: Papers, statements: int) -> float:
    """The loop anybody would write who may run so many statements: each writes back what was deposited since the one before."""
    add_papers(world.database, papers)
    world.database.rows("delete from facteur.changes")  # nobody deposits these a second time
    opened = bare.session(world.simulator, bare.token(world.simulator))
    connection = psycopg2.connect(database_dsn(world.database))
    connection.autocommit = True

    def loop() -> None:
        run, deposited = 0, []
        with connection.cursor() as cursor:
            for rank, (number, path) in enumerate(zip(papers.numbers, papers.paths, strict=True), 1):
                deposited.append((number, bare.deposit(opened, world.simulator, path)))
                while run < statements * rank // len(papers):
                    numbers, ids = [each[0] for each in deposited], [each[1] for each in deposited]
                    cursor.execute(bare.UPDATE_MANY, ("validated", numbers, ids))
                    run, deposited = run + 1, []

    spent = _cpu(loop)
    connection.close()
    world.database.rows("delete from facteur.changes")
    return spent
