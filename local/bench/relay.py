"""How near the relay comes to a bare loop of SendMessageBatch."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any

import boto3
from botocore.config import Config

from facteur.aws.sqs import THREADS
from local.bench import bare
from local.bench.profile import cpu_profiled
from local.bench.result import Figure, Result, rounds
from local.bench.stage import COUNTED, Stage
from local.bench.statements import count_from_now, slowest
from local.world.levers import World

ROUNDS = 3
GOAL = 85.0
FILL = """
insert into facteur.submissions (invoice_id, account, state, due_at, invoice_number, seller_siren)
select 'r' || n, 'default', 'pending', facteur.now() - interval '1 hour', 'R-' || n, '732829320'
from generate_series(1, %(count)s) n
"""
STATEMENTS_MS = "select coalesce(sum(ms), 0) as ms from public.bench_statements"
CHANGE = (
    "Rows are marked when SQS has them, in the transaction that holds them, and only then are the next picked. What would have to change:",
    "the next rows picked and sent while the last are marked, which takes a second connection and its transaction; or no mark at all, and",
    "with it no knowledge of what is on the queue. The rest is reading each answer for the ids that SQS accepted, and the log line that",
    "names them, a hundred to a line; a line for each would take a tenth of the time.",
    "",
)
SENT = "select count(*) filter (where queued_at is not null) as queued, count(*) as n from facteur.submissions"


def relay(stage: Stage, scale: float) -> Result:
    """50,000 due rows through the handler, and as many ids through boto3 alone with the same number of threads; in turn."""
    count, times = max(1000, round(50_000 * scale)), rounds(ROUNDS, scale)
    ours: list[float] = []
    floors: list[float] = []
    why: tuple[str, ...] = ()
    with stage.world(*COUNTED) as world:
        world.relay()  # the daily scan and the connection are not what is measured
        for _ in range(times):
            floors.append(count / _bare(world, count))
            ours.append(count / _relayed(world, count))
        rate, floor = median(ours), median(floors)
        if 100 * rate / floor < GOAL:
            why = _why(world, min(count, 5000))
    figure = Figure(
        "Relay",
        f"{rate:,.0f} rows a second",
        f"bare loop {floor:,.0f} a second",
        100 * rate / floor,
        GOAL,
        "at least",
        "%",
    )
    how = f"{count:,} due rows, budget lifted, {times} rounds of relay and bare loop in turn ({THREADS} threads each); medians"
    return Result((figure,), how, why=why)


def _relayed(world: World, count: int) -> float:
    _fill(world, count)
    began = time.perf_counter()
    world.relay()
    seconds = time.perf_counter() - began
    found = world.database.row(SENT)
    if found.queued != count or found.n != count:
        raise RuntimeError(f"{count} rows expected on the queue, found {found.queued} of {found.n}")
    _empty(world)
    return seconds


def _bare(world: World, count: int) -> float:
    client = boto3.client("sqs", config=Config(max_pool_connections=16))

    def send(ids: list[int]) -> Any:
        entries = [{"Id": str(i), "MessageBody": json.dumps({"submission_id": i})} for i in ids]
        return client.send_message_batch(QueueUrl=world.queue_url, Entries=entries)  # type: ignore[arg-type]

    began = time.perf_counter()
    bare.send_bare(send, list(range(1, count + 1)), THREADS)
    seconds = time.perf_counter() - began
    client.purge_queue(QueueUrl=world.queue_url)
    return seconds


def _fill(world: World, count: int) -> None:
    world.database.rows("truncate facteur.submissions cascade")
    world.database.rows("insert into facteur.budgets (key) values ('account:default') on conflict do nothing")
    world.database.rows(FILL, {"count": count})
    world.database.rows("analyze facteur.submissions")


def _empty(world: World) -> None:
    boto3.client("sqs").purge_queue(QueueUrl=world.queue_url)


def _why(world: World, count: int) -> tuple[str, ...]:
    _fill(world, count)
    count_from_now(world.database)
    began = time.perf_counter()
    world.relay()
    seconds = time.perf_counter() - began
    statements = slowest(world.database)
    in_postgres = float(world.database.row(STATEMENTS_MS).ms) / 1000
    _empty(world)
    _fill(world, count)
    with cpu_profiled() as found:
        world.relay()
    _empty(world)
    return (
        f"{count:,} rows took {seconds:.2f} s, {in_postgres:.2f} s ({in_postgres / seconds:.0%}) of it in Postgres, while nothing is sent:",
        *statements,
        *CHANGE,
        "CPU time of all threads, in another run:",
        *found.own_time(),
    )
