"""The schedules' work, more often: EventBridge ticks once a minute, and nobody watches a demo for that long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from local.stack import FunctionFailedError, Stack

TICK_SECONDS = {"RelaySubmissionsFunction": 0.3, "PollStatusesFunction": 1.0}
END_SECONDS = 10  # a call takes milliseconds; one that hangs ends with the emulator


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
            thread.join(timeout=END_SECONDS)


def _tick(stack: Stack, function: str, seconds: float, stop: threading.Event, errors: list[str]) -> None:
    while not stop.wait(seconds):
        try:
            stack.invoke(function)
        except FunctionFailedError as error:
            errors.append(str(error)[:500])
        except Exception as error:  # noqa: BLE001 - a thread's last word; the main thread reports it
            errors.append(f"{function}: {error!r}")
            return
