"""Ctrl-C and SIGTERM, kept away from moments in which they would leave a process or a file behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Somebody asked the demo to stop; `exit_code` is what a shell expects of a program that a signal ended."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interruption:
    """While installed, a signal raises Interrupted at once, or at the end of a `deferred` block."""

    def __init__(self) -> None:
        self._depth = 0
        self._number: int | None = None

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

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._number = number
        self._raise_pending()

    def _raise_pending(self) -> None:
        if self._number is not None and self._depth == 0:
            number, self._number = self._number, None
            raise Interrupted(number)
