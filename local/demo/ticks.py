"""The schedules' work, more often: EventBridge ticks once a minute, and nobody watches a demo for that long.

Where it is said what fails, so is what becomes of the function behind the queue, which nobody calls from here.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.world.stack import FunctionFailedError, Stack

RELAY, WORKER = "RelaySubmissionsFunction", "SubmitInvoicesFunction"
TICK_SECONDS = {RELAY: 0.3, "PollStatusesFunction": 1.0}
WORKER_LOOK_SECONDS = 2.0
FAILED = re.compile(r"Lambda \S*submit-invoices failed processing SQS batch .*\((errorType=.*)\)")
WORKED = re.compile(r'"message": ?"submission\..*"service": ?"submit_invoices"')  # what it says of each invoice
FAILURES_IN_A_ROW = 5  # fewer end no demo: they are the next tick's business, as they are the schedule's
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
    works = {name: (_work(stack, name, prepare, scheduled), seconds) for name, seconds in TICK_SECONDS.items()}
    if say is not None and stack.emulator_log:
        works[WORKER] = WorkerLog(stack.emulator_log).look, WORKER_LOOK_SECONDS
    threads = [
        threading.Thread(target=_tick, args=(work, name, seconds, stop, errors, say), name=name, daemon=True)
        for name, (work, seconds) in works.items()
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
            if function == RELAY:
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
            if say is not None and failures == 1:
                say(f"✖ {function} fails, and is called again until it works: {_words(error)}")
        else:
            if say is not None and failures:
                say(f"✔ {function} works again after {time.monotonic() - failing_since:.0f} s")
            failures, failing_since = 0, 0.0


class WorkerLog:
    """What the emulator's log says of the function behind the queue: it fails, from an error until an invoice that it worked.

    The function's own log would not do: one that cannot be loaded writes none.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._failing: str | None = None

    def look(self) -> None:
        """Raises FunctionFailedError as long as it fails."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        lines = new[: new.rfind(b"\n") + 1]
        self._read += len(lines)
        for line in lines.decode(errors="replace").splitlines():
            if failed := FAILED.search(line):
                self._failing = failed[1]
            elif WORKED.search(line):
                self._failing = None
        if self._failing:
            raise FunctionFailedError(self._failing)


def _words(error: Exception) -> str:
    """One line of an error: of a function's, its own message."""
    text = str(error) if isinstance(error, FunctionFailedError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
