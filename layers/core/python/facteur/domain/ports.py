"""What the use cases need from the outside, in their own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from facteur.domain.metrics import Metric
from facteur.domain.submission import Invoice


class Document(Protocol):
    """A document ready to be sent; `open` may be called again for a repeat, `close` frees what it holds."""

    @property
    def file_name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def number_read(self) -> bool:
        """Whether it says its number, so that a look-up by it finds it."""

    @property
    def seller_siren(self) -> str | None:
        """Whose invoice it is, as its row says."""

    def open(self) -> IO[bytes]: ...
    def close(self) -> None: ...


class Documents(Protocol):
    """Where the companies' documents lie."""

    def far(self, invoice: Invoice) -> bool:
        """Whether fetching it waits for a network, so that several are better fetched at once."""

    def fetch(self, invoice: Invoice, hold_bytes: int | None, longest_bytes: int) -> Document | None:
        """The invoice's document, or None where it is larger than `hold_bytes`. Raises DocumentError, also above `longest_bytes`."""


@dataclass(frozen=True, slots=True)
class NotesTaken:
    """What one pass over the notes did."""

    notes: int
    opened: int
    repeated: int
    broken: int
    mismatched: int = 0  # rows that newly ask for another invoice than was sent for their key
    oldest_seconds: float | None = None  # since the oldest writer's transaction began
    not_shown: int = 0  # keys that the view does not show


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the whole installation is; docs/metrics.md says what each value means. `forgotten` is looked at once a day."""

    overdue_seconds: float
    doubt_seconds: float
    unwritten_seconds: float
    undeposited_days: int
    failed: int
    breakers_open: int
    accounts_paused: int
    rate_percent: float
    budget_use_percent: float
    forgotten: int | None
    silent_seconds: float
    unread_seconds: float
    not_shown: int
    unverified: int
    faults: Sequence[str]  # of the installation, each with what puts it right


@dataclass(frozen=True, slots=True)
class Alone:
    """What a message that came before names. `failed`: workers died over it twice, and it has been failed for that."""

    invoice_id: str
    account: str
    failed: bool


class DueBatch(Protocol):
    """Due rows, locked until the transaction ends."""

    @property
    def submission_ids(self) -> Sequence[int]: ...
    def mark_queued(self, submission_ids: Sequence[int]) -> None: ...


class Queue(Protocol):
    """SQS: it only carries ids."""

    def send(self, submission_ids: Sequence[int], until: float) -> list[int]:
        """The ids that were certainly accepted by `until` (monotonic)."""


class Journal(Protocol):
    """One event per invoice and outcome, and the counts that alarms watch."""

    def event(self, name: str, **fields: Any) -> None: ...
    def warning(self, name: str, **fields: Any) -> None: ...
    def count(self, metric: Metric, value: float = 1, reason: str | None = None, provider: str | None = None) -> None:
        """Add to a metric; with a reason, also to what is counted of that reason (one of metrics.REASONS, else `other`).

        `provider`: the kind of platform that it is about; what is in metrics.BY_PROVIDER is counted of that kind as well.
        """
