"""The schedules' work, more often: EventBridge ticks once a minute, and nobody watches a demo for that long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config

from local.stack import Stack

TICK_SECONDS = {"RelaySubmissionsFunction": 0.3, "PollStatusesFunction": 1.0}
CALL_TIMEOUT_SECONDS = 60


@contextmanager
def ticking(stack: Stack) -> Iterator[list[str]]:
    """Invoke relay and poll again and again, each in a thread; yields the growing list of what went wrong."""
    stop = threading.Event()
    errors: list[str] = []
    threads = [
        threading.Thread(target=_tick, args=(stack, name, seconds, stop, errors), name=name, daemon=True)
        for name, seconds in TICK_SECONDS.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=CALL_TIMEOUT_SECONDS)


def _tick(stack: Stack, function: str, seconds: float, stop: threading.Event, errors: list[str]) -> None:
    config = Config(read_timeout=CALL_TIMEOUT_SECONDS, retries={"max_attempts": 0})
    client = stack.aws.session.client("lambda", endpoint_url=stack.aws.endpoint_url, config=config)
    try:
        while not stop.wait(seconds):
            answer = client.invoke(FunctionName=stack.resources[function], Payload=b"{}")
            if "FunctionError" in answer:
                errors.append(f"{function}: {answer['Payload'].read().decode()[:500]}")
    except Exception as error:  # noqa: BLE001 - a thread's last word; the main thread reports it
        errors.append(f"{function}: {error!r}")
