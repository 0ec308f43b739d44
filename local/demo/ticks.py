"""The schedules' work, more often: EventBridge ticks once a minute, and nobody watches a demo for that long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.stack import FunctionFailedError, Stack

TICK_SECONDS = {"RelaySubmissionsFunction": 0.3, "PollStatusesFunction": 1.0}
FAILURES_IN_A_ROW = 5  # fewer are the next tick's business, as they are the schedule's
END_SECONDS = 10  # a call takes milliseconds; one that hangs ends with the emulator

Say = Callable[[str], None]


@contextmanager
def ticking(
    stack: Stack,
    say: Say | None = None,
    prepare: Callable[[], None] = lambda: None,
    scheduled: Callable[[str], bool] = lambda _function: True,
) -> Iterator[list[str]]:
    """Invoke relay and poll again and again, each in a thread; yields the list of why a thread gave up.

    Args:
        stack: whose functions they are.
        say: where given, no thread ever gives up, and each failure and each recovery is said in a line.
        prepare: called before each run of the relay.
        scheduled: whether a function is to be invoked at this moment.
    """
    stop = threading.Event()
    errors: list[str] = []
    threads = [
        threading.Thread(
            target=_tick,
            args=(_work(stack, name, prepare, scheduled), name, seconds, stop, errors, say),
            name=name,
            daemon=True,
        )
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


def _work(
    stack: Stack, function: str, prepare: Callable[[], None], scheduled: Callable[[str], bool]
) -> Callable[[], None]:
    def work() -> None:
        if not scheduled(function):
            return
        try:
            if function == "RelaySubmissionsFunction":
                prepare()
        finally:  # whatever could not be prepared, what can go out goes
            stack.invoke(function)

    return work


def _tick(
    work: Callable[[], None], function: str, seconds: float, stop: threading.Event, errors: list[str], say: Say | None
) -> None:
    failures, failing_since = 0, 0.0
    while not stop.wait(seconds):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a thread's last word; the main thread reports it
            failures += 1
            failing_since = failing_since or time.monotonic()
            if say is None and (failures == FAILURES_IN_A_ROW or not isinstance(error, FunctionFailedError)):
                errors.append(f"{function}: {error!r}")
                return
            if say is not None and failures == FAILURES_IN_A_ROW:
                say(f"✖ {function} fails, and is called again until it works: {_words(error)}")
        else:
            if say is not None and failures >= FAILURES_IN_A_ROW:
                say(f"✔ {function} works again after {time.monotonic() - failing_since:.0f} s")
            failures, failing_since = 0, 0.0


def _words(error: Exception) -> str:
    """One line of an error: of a function's, its own message."""
    text = str(error) if isinstance(error, FunctionFailedError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
