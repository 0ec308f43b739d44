"""The queue's answers over a real socket: one that never ends holds up no run of the relay, and takes nothing that was accepted away."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from facteur.aws.sqs import SqsQueue
from facteur.relay_submissions.run import RelayServices, relay_submissions
from tests.dripping import client_of, dripping
from tests.integration.relay.test_relay import BASE_URL, FussyQueue, Notebook, finish_many, queued
from tests.rows import Rows

DRIPPED_FROM = 11  # batches that begin with this id, or a later one
FAR = float("inf")


def answer(_: str, asked: bytes) -> bytes | None:
    ids = [each["Id"] for each in json.loads(asked)["Entries"]]
    if int(ids[0]) >= DRIPPED_FROM:
        return None
    return json.dumps({"Successful": [{"Id": each, "MessageId": each} for each in ids], "Failed": []}).encode()


@pytest.fixture
def url() -> Iterator[str]:
    with dripping(answer) as url:
        yield url


@pytest.fixture
def silent_url() -> Iterator[str]:
    with dripping(lambda _path, _body: None) as url:
        yield url


def queue_at(url: str, refusals: list[tuple[str, int]], **seconds: float) -> SqsQueue:
    sqs = client_of("sqs", url)
    return SqsQueue(lambda: sqs, f"{url}/queue", lambda code, count: refusals.append((code, count)), **seconds)


def sent(url: str, ids: Sequence[int], until: float = FAR) -> tuple[list[int], list[tuple[str, int]]]:
    """What was accepted within a second, and what was refused."""
    refusals = list[tuple[str, int]]()
    return queue_at(url, refusals, send_seconds=1.0).send(ids, until), refusals


@pytest.mark.parametrize(("messages", "accepted"), [(35, 10), (10, 10), (5, 5)])
def test_an_answer_that_drips_is_waited_for_no_longer_than_the_send_may_take(
    url: str, messages: int, accepted: int
) -> None:
    began = time.monotonic()

    taken, refusals = sent(url, range(1, messages + 1))

    assert taken == list(range(1, accepted + 1))
    assert sum(count for _, count in refusals) == messages - accepted
    assert {code for code, _ in refusals} <= {"no_answer_in_time"}
    assert time.monotonic() - began < 10


def test_one_batch_alone_is_waited_for_no_longer_either(url: str) -> None:
    taken, refusals = sent(url, range(DRIPPED_FROM, DRIPPED_FROM + 3))

    assert (taken, refusals) == ([], [("no_answer_in_time", 3)])


def services(rows: Rows, queue: Any, watch_seconds: float = 0) -> RelayServices:
    return RelayServices(rows.relay, queue, Notebook(), ("iopole", BASE_URL), watch_seconds)


def test_a_run_ends_when_its_function_does_whatever_the_queue_does(rows: Rows, silent_url: str) -> None:
    """110 seconds of watching, 5 of notes and 40 of sending were more than the function has."""
    finish_many(rows, 3)
    refusals, began, willing = list[tuple[str, int]](), time.monotonic(), FussyQueue()

    relay_submissions(services(rows, queue_at(silent_url, refusals), watch_seconds=110), remaining_seconds=2.0)

    assert time.monotonic() - began < 10
    assert refusals == [("no_answer_in_time", 3)]
    assert queued(rows) == []
    relay_submissions(services(rows, willing))
    assert sorted(willing.sent) == queued(rows) == [1, 2, 3]


def test_nothing_is_sent_or_opened_by_a_run_whose_time_is_over(rows: Rows) -> None:
    finish_many(rows, 1)
    noted, queue = rows.finish(), FussyQueue()

    relay_submissions(services(rows, queue, watch_seconds=110), remaining_seconds=0.0)

    assert queue.sent == queued(rows) == []
    assert rows.states(noted) == []
    relay_submissions(services(rows, queue), remaining_seconds=60.0)
    assert len(queue.sent) == 2


PROGRAM = """
import sys
from facteur.aws.sqs import SqsQueue
from tests.dripping import client_of
sqs = client_of("sqs", sys.argv[1])
print(SqsQueue(lambda: sqs, sys.argv[1] + "/queue", print, send_seconds=1.0).send(range(30), float("inf")))
"""


def test_a_call_that_is_left_behind_keeps_no_program_from_its_end(silent_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, silent_url], capture_output=True, text=True, timeout=15, check=True
    )

    assert done.stdout.splitlines() == ["no_answer_in_time 10"] * 3 + ["[]"]
