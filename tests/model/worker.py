"""A run of the product in a thread of its own, that goes on only when a test says so: of all threads one runs, the others wait."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Any

from tests.model.calls import Before, Call, Fault

Run = Callable[[Before], object]

HANGS_SECONDS = 60.0  # real ones, between two calls
NAME = "worker of the model"


class DiedError(BaseException):
    """The worker's process has ended: whatever it still tries, in a `finally` say, it does not."""


class Worker:
    """A run that stops before every call. `at`: which one; None: the run is over."""

    def __init__(self, run: Run, hangs_seconds: float = HANGS_SECONDS) -> None:
        self._hangs_seconds = hangs_seconds
        self._turns, self._stops = SimpleQueue[Fault | None](), SimpleQueue[Call | None]()
        self._dead = False
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._work, args=(run,), name=NAME, daemon=True)
        self.at: Call | None = None
        self._thread.start()
        self._await_stop()

    def go_on(self, fault: Fault) -> None:
        """Make that call, which meets this fault, and go on to the next. Raises what the run raises."""
        self._turns.put(fault)
        self._await_stop()

    def die(self) -> None:
        """Before that call."""
        if self.at is not None:
            self._turns.put(None)
            self._await_stop()

    def _await_stop(self) -> None:
        self.at = None
        try:
            self.at = self._stops.get(timeout=self._hangs_seconds)
        except Empty:
            raise AssertionError(f"a worker made no call for {self._hangs_seconds:g} s:\n{self._stack()}") from None
        if self.at is None:
            self._thread.join(self._hangs_seconds)
            if self._raised:
                raise self._raised

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)) if frame else "its thread is gone"

    def _work(self, run: Run) -> None:
        try:
            run(self._before)
        except DiedError:
            pass
        except BaseException as error:  # noqa: BLE001  raised where the test waits
            self._raised = error
        self._stops.put(None)

    def _before(self, call: Call) -> Fault:
        fault = None
        if not self._dead:
            self._stops.put(call)
            fault = self._turns.get()
        if fault is None:
            self._dead = True
            raise DiedError
        return fault


class AtOnce(Executor):
    """Threads of a run that are none: what is submitted is done by whoever submits it, so that a run stops at one place at a time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  kept as a pool keeps it; a death is none
            future.set_exception(error)
        return future
