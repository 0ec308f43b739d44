"""What operations need from the outside, in their own words."""

from __future__ import annotations

from typing import Protocol

from facteur.operate.model.status import DeadLetter


class DeadLetters(Protocol):
    """The dead-letter queue."""

    def count(self) -> int:
        """Messages in it, about. Raises QueueUnavailableError."""

    def shown(self, limit: int) -> list[DeadLetter]:
        """So many of them at most; none is taken away. Raises QueueUnavailableError."""

    def redrive(self) -> int:
        """Back onto the queue they came from; how many, about where SQS moves them itself. Raises QueueUnavailableError."""
