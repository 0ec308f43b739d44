"""Ctrl-C and its like, kept away from moments in which they would leave a process or a file behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say_stopping() -> None:
    """In a signal's handler: past every buffer and lock of whoever was just printing."""
    os.write(sys.stdout.fileno(), "\nstopping …\n".encode())


class Interrupted(KeyboardInterrupt):
    """Somebody asked the demo to stop; `exit_code` is what a shell expects of a program that a signal ended."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interruption:
    """While installed, the first signal raises Interrupted, at once or at the end of a `deferred` block.

    Later signals are ignored until `is_over`: what follows the first is the clean-up, and an impatient second Ctrl-C must not cut it
    short.
    """

    def __init__(self, heard: Callable[[], object] = lambda: None) -> None:
        """`heard` is called at once, by the first signal: what follows it may take a while."""
        self._heard = heard
        self._depth = 0
        self._pending: int | None = None
        self._raised = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        previous = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a start or a clean-up run to its end; an interruption that came meanwhile is raised after it."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self._raise_pending()

    def is_over(self) -> None:
        """What was interrupted is cleaned up: the next signal is heard again."""
        self._pending, self._raised = None, False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._pending is None:
            self._heard()
        self._pending = number
        self._raise_pending()

    def _raise_pending(self) -> None:
        if self._pending is not None and self._depth == 0 and not self._raised:
            self._raised = True
            raise Interrupted(self._pending)
