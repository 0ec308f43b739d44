"""How long a committed row waits until the platform has it, while nothing else happens."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from local.bench.ground import Papers, add_papers, write_papers
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.simulator.core.control import ROOT
from local.world.levers import World

SECONDS = 600.0
EVERY_SECONDS = 2.0
GOAL_SECONDS = 1.0
WARM_UP = 3
PATIENCE_SECONDS = 30.0
# What EventBridge does: a run each minute, which the next one ends. In one container, so one after the other here.
RELAY = """
from functions.relay_submissions.app import handler
while True: handler({}, None)
"""
# What an event source mapping does: long polls, the function, and what it did not fail is deleted.
SUBMIT = """
import boto3, sys
from functions.submit_invoices.app import handler
sqs, url = boto3.client("sqs"), sys.argv[1]
while True:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", [])
    if found:
        records = [{"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]} for m in found]
        failed = {f["itemIdentifier"] for f in handler({"Records": records}, None)["batchItemFailures"]}
        for m in found:
            if m["MessageId"] not in failed: sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
"""


def latency(stage: Stage, scale: float) -> Result:
    """Single rows at odd moments; from the commit to the instant at which the platform stored the document."""
    count, every = max(5, round(SECONDS / EVERY_SECONDS * scale)), min(EVERY_SECONDS, EVERY_SECONDS * scale * 50)
    dice = random.Random(1)  # noqa: S311  repeatable, not secret
    with stage.world(latency_seconds=None, RELAY_WATCH_SECONDS="50") as world:
        world.simulator.reset()
        papers = write_papers(world.folder, WARM_UP + count)
        with _running("relay", RELAY), _running("submit", SUBMIT, world.queue_url):
            committed: dict[str, float] = {}
            for rank, number in enumerate(papers.numbers):
                add_papers(world.database, papers.part(rank, rank + 1))
                committed[number] = time.time()
                time.sleep(dice.uniform(0.5, 1.5) * every)
            waits = _waits(world, papers, committed)
    ordered = sorted(waits)
    p50, p95 = _quantile(ordered, 0.5), _quantile(ordered, 0.95)
    figure = Figure(
        "Latency", f"p95 {p95:.2f} s", f"p50 {p50:.2f} s, most {ordered[-1]:.2f} s", p95, GOAL_SECONDS, "at most", "s"
    )
    how = (
        f"{count} single rows at random moments over {count * every / 60:.1f} minutes, from the commit to the simulator's ledger; "
        "relay watching, relay and submit each a process of its own, SQS by the emulator with long polls"
    )
    series = {
        "share of invoices at the platform|seconds after the commit": [
            (wait, (n + 1) / len(ordered)) for n, wait in enumerate(ordered)
        ]
    }
    return Result((figure,), how, series=series)


def _waits(world: World, papers: Papers, committed: dict[str, float]) -> list[float]:
    """Seconds for each invoice but the first, which warm the containers up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(ledger := world.simulator.ledger()) < len(papers) and time.monotonic() < deadline:
        time.sleep(0.1)
    if len(ledger) != len(papers):
        raise RuntimeError(f"{len(papers)} deposits expected, found {len(ledger)}")
    stored = {entry["number"]: _instant(entry["accepted_at"]) for entry in ledger}
    return [stored[number] - committed[number] for number in papers.numbers[WARM_UP:]]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def _running(name: str, program: str, *words: str) -> Iterator[None]:
    """A function's container, for as long as it is needed."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended by itself, with exit code {process.returncode}")
        finally:
            process.kill()
