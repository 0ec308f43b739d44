"""The schedules' work, more often: EventBridge ticks once a minute, and nobody watches a demo for that long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from local.stack import FunctionFailedError, Stack

TICK_SECONDS = {"RelaySubmissionsFunction": 0.3, "PollStatusesFunction": 1.0}
FAILURES_IN_A_ROW = 5  # fewer are the next tick's business, as they are the schedule's
END_SECONDS = 10  # a call takes milliseconds; one that hangs ends with the emulator


@contextmanager
def ticking(stack: Stack) -> Iterator[list[str]]:
    """Invoke relay and poll again and again, each in a thread; yields the list of why a thread gave up."""
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
            thread.join(timeout=END_SECONDS)


def _tick(stack: Stack, function: str, seconds: float, stop: threading.Event, errors: list[str]) -> None:
    failures = 0
    while not stop.wait(seconds):
        try:
            stack.invoke(function)
            failures = 0
        except Exception as error:  # noqa: BLE001 - a thread's last word; the main thread reports it
            failures += 1
            if failures == FAILURES_IN_A_ROW or not isinstance(error, FunctionFailedError):
                errors.append(f"{function}: {error!r}")
                return
