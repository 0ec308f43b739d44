"""The queue's answers over a real socket: one that never ends holds up no run of the relay, and takes nothing that was accepted away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from facteur.aws.clients import CONFIG
from facteur.aws.sqs import SqsQueue

DRIPPED_FROM = 11  # batches that begin with this id, or a later one


class DrippingSqs(BaseHTTPRequestHandler):
    """Answers a batch at once or, a byte at a time, never."""

    over = threading.Event()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ids = [each["Id"] for each in asked["Entries"]]
        answer = json.dumps({"Successful": [{"Id": each, "MessageId": each} for each in ids], "Failed": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        if int(ids[0]) < DRIPPED_FROM:
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            return
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.over.wait(0.1):
            self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    DrippingSqs.over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), DrippingSqs)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    DrippingSqs.over.set()
    server.shutdown()
    server.server_close()


def sent(url: str, ids: Sequence[int]) -> tuple[list[int], list[tuple[str, int]]]:
    """What was accepted within a second, and what was refused."""
    refusals = list[tuple[str, int]]()
    sqs = boto3.client(
        "sqs",
        endpoint_url=url,
        region_name="eu-west-3",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=CONFIG,
    )
    queue = SqsQueue(lambda: sqs, f"{url}/queue", lambda code, count: refusals.append((code, count)), send_seconds=1.0)
    return queue.send(ids), refusals


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
