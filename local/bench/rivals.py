"""The same invoices by what people use today: the PyPI client `iopole-api`, and a sequential client written with care."""

from __future__ import annotations

import time

import psycopg2
from iopole_api import IopoleAPI

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
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.bench.throughput import GOALS, IN_FLIGHT, LATENCY_SECONDS, explained
from local.world.levers import World

GOAL = 8.0
WARM_UP = 10
BATCHES = tuple(GOALS)  # the template's, and a large one


def rivals(stage: Stage, scale: float) -> Result:
    """Invoices a second of one worker, of `iopole-api` in a loop, and of one kept-alive connection with an update each."""
    count = max(5, round(300 * scale))
    with stage.world(latency_seconds=LATENCY_SECONDS) as world:
        papers = write_papers(world.folder, count, mark="R")
        ours = {batch: _facteur(world, count, batch) for batch in BATCHES}
        check_deposited(world, len(BATCHES) * (count + WARM_UP))
        add_papers(world.database, papers)
        theirs = {"iopole-api": _iopole_api(world, papers), "a sequential client": _sequential(world, papers)}
        figures = tuple(
            Figure(
                f"batches of {batch}, against {name}", f"{rate:.1f} a second", f"{rival:.1f} a second", rate / rival,
                GOAL, "at least", "×",
            )
            for batch, rate in ours.items()
            for name, rival in theirs.items()
        )  # fmt: skip
        slow = [batch for batch, rate in ours.items() if rate < GOAL * max(theirs.values())]
        why = explained(world, slow, min(count, 100))
    how = (
        f"the same {count} invoices, platform latency {LATENCY_SECONDS * 1e3:.0f} ms; Facteur with {IN_FLIGHT} in flight in batches of "
        f"{BATCHES[0]}, as the template has them, and of {BATCHES[1]}; iopole-api 1.0.1 in a loop as its README shows; a requests "
        "session with one update an invoice"
    )
    return Result(figures, how, why=why)


def _facteur(world: World, count: int, batch: int) -> float:
    add_papers(world.database, write_papers(world.folder, count + WARM_UP, mark=f"F{batch}"))
    ids = queued(world)
    submit_in_batches(ids[:WARM_UP], WARM_UP)
    began = time.perf_counter()
    submit_in_batches(ids[WARM_UP:], batch)
    return count / (time.perf_counter() - began)


def _iopole_api(world: World, papers: Papers) -> float:
    simulator = world.simulator
    client = IopoleAPI(
        simulator.client_id, simulator.client_secret, base_url=f"{simulator.base_url}/v1", auth_url=simulator.auth_url
    )
    client.auth()
    began = time.perf_counter()
    for path in papers.paths:
        client.send_invoice(str(path))
    return len(papers) / (time.perf_counter() - began)


def _sequential(world: World, papers: Papers) -> float:
    opened = bare.session(world.simulator, bare.token(world.simulator))
    connection = psycopg2.connect(database_dsn(world.database))
    connection.autocommit = True
    began = time.perf_counter()
    with connection.cursor() as cursor:
        for number, path in zip(papers.numbers, papers.paths, strict=True):
            platform_id = bare.deposit(opened, world.simulator, path)
            cursor.execute(bare.UPDATE, ("validated", platform_id, number))
    seconds = time.perf_counter() - began
    connection.close()
    return len(papers) / seconds
