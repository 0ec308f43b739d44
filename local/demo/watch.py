"""What has been seen of the invoices so far, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping

from local.demo.application import Sight
from local.demo.cases import Case
from local.demo.outcome import is_over


class Watch:
    """The latest sight of every invoice, and seconds since the watch began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.sights: Mapping[int, Sight] = {}
        self.seconds = 0.0
        self.first_answer: float | None = None
        self.last_answer: float | None = None

    def look(self, cases: Mapping[int, Case], sights: Mapping[int, Sight]) -> None:
        """Take a new sight of all invoices."""
        self.sights = sights
        self.seconds = time.monotonic() - self._began
        waiting = [key for key, case in cases.items() if case.finished and sights[key].technical_status == "pending"]
        if self.first_answer is None and len(waiting) < len([case for case in cases.values() if case.finished]):
            self.first_answer = self.seconds
        if self.last_answer is None and not waiting:
            self.last_answer = self.seconds

    def over(self, cases: Mapping[int, Case]) -> bool:
        return all(is_over(case, self.sights[key]) for key, case in cases.items())
