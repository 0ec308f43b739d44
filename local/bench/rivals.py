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
from local.bench.throughput import IN_FLIGHT, LATENCY_SECONDS
from tests.world import World

GOAL = 8.0
BATCH = 100
WARM_UP = 10


def rivals(stage: Stage, scale: float) -> Result:
    """Invoices a second of one worker, of `iopole-api` in a loop, and of one kept-alive connection with an update each."""
    count = max(5, round(300 * scale))
    with stage.world(latency_seconds=LATENCY_SECONDS) as world:
        papers = write_papers(world.folder, count + WARM_UP)
        ours = _facteur(world, papers)
        check_deposited(world, len(papers))
        package = _iopole_api(world, papers.part(0, count))
        careful = _sequential(world, papers.part(0, count))
    figures = tuple(
        Figure(name, f"{ours:.1f} a second", f"{rival:.1f} a second", ours / rival, GOAL, "at least", "×")
        for name, rival in (("against iopole-api", package), ("against a sequential client", careful))
    )
    how = (
        f"the same {count} invoices, platform latency {LATENCY_SECONDS * 1e3:.0f} ms; Facteur with {IN_FLIGHT} in flight in batches of "
        f"{BATCH}; iopole-api 1.0.1 in a loop as its README shows; a requests session with one update an invoice"
    )
    return Result(figures, how)


def _facteur(world: World, papers: Papers) -> float:
    add_papers(world.database, papers)
    ids = queued(world)
    submit_in_batches(ids[:WARM_UP], WARM_UP)
    began = time.perf_counter()
    submit_in_batches(ids[WARM_UP:], BATCH)
    return (len(ids) - WARM_UP) / (time.perf_counter() - began)


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
