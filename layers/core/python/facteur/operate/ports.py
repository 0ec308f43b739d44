"""What operations need from the outside, in their own words."""

from __future__ import annotations

from typing import Protocol

from facteur.operate.model import AccountHealth, Installation


class ReadingStore(Protocol):
    """Postgres, for questions. Every method is one statement, changes nothing, and raises DatabaseUnavailableError."""

    def installation(self) -> Installation: ...
    def accounts(self) -> list[AccountHealth]: ...


class DeadLetters(Protocol):
    """The dead-letter queue."""

    def count(self) -> int:
        """Messages in it, about. Raises QueueUnavailableError."""
