"""What operations need from the outside, in their own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from facteur.operate.model import AccountHealth, DeadLetter, FunctionRun, Installation, NamedSubmission, Waits
from facteur.operate.story_model import (
    CompanyRow,
    KnownAttempt,
    KnownOperation,
    KnownStatus,
    KnownSubmission,
    KnownTransition,
    Listed,
    Unreadable,
)


class ReadingStore(Protocol):
    """Postgres, for questions. Every method is one statement, changes nothing, and raises DatabaseUnavailableError."""

    def installation(self) -> Installation: ...
    def noted(self) -> int: ...
    def accounts(self) -> list[AccountHealth]: ...
    def waiting(self) -> list[Waits]: ...
    def runs(self) -> list[FunctionRun]: ...
    def named(self, submission_ids: Sequence[int]) -> list[NamedSubmission]: ...
    def faults(self) -> list[str]:
        """What has come apart between the company's table and the installation, a sentence each."""


class StoryStore(Protocol):
    """Postgres, for questions about single invoices. As ReadingStore; an `invoice_id` is the company's key as text."""

    def find(self, word: str, by: Sequence[str]) -> list[str]:
        """Keys of invoices whose id, number, or submission_id (as `by` names) is the word: of submissions, else of rows."""

    def submissions(self, invoice_id: str) -> list[KnownSubmission]: ...
    def attempts(self, invoice_id: str) -> list[KnownAttempt]: ...
    def transitions(self, invoice_id: str) -> list[KnownTransition]:
        """What was noted of it, and of its account until it was deposited."""

    def statuses(self, invoice_id: str) -> list[KnownStatus]: ...
    def operations(self, invoice_id: str) -> list[KnownOperation]: ...
    def row(self, invoice_id: str) -> CompanyRow: ...
    def listed(
        self, states: Sequence[str], account: str | None, since: date | None, only: str | None, limit: int
    ) -> tuple[list[Listed], int]:
        """The youngest, and how many there are altogether."""

    def unreadable(self, limit: int) -> tuple[list[Unreadable], int]: ...


class DeadLetters(Protocol):
    """The dead-letter queue."""

    def count(self) -> int:
        """Messages in it, about. Raises QueueUnavailableError."""

    def shown(self, limit: int) -> list[DeadLetter]:
        """So many of them at most; none is taken away. Raises QueueUnavailableError."""

    def redrive(self) -> int:
        """Back onto the queue they came from; how many, about where SQS moves them itself. Raises QueueUnavailableError."""
