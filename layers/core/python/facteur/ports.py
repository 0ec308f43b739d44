"""What the use cases need from the outside, in their own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Protocol

from facteur.decision import Decision, Outcome
from facteur.metrics import Metric
from facteur.model import Claim, Doubt, Holder, Intent, Invoice, Waiting


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


class SubmissionStore(Protocol):
    """Postgres, for submit_invoices. Every method is one statement and raises DatabaseUnavailableError."""

    def read(self, submission_ids: Sequence[int]) -> list[Waiting]: ...
    def claim(self, intents: Sequence[Intent]) -> list[Claim]:
        """Lease rows, or fail them where they may not be worked on at all. Those not returned are left alone."""

    def record(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Store what became of claims, all or none; the states afterwards."""

    def record_unclaimed(self, waiting: Waiting, decision: Decision) -> str: ...
    def begin_read(self, account: str) -> bool:
        """Whether the harmless read that ends an account's waiting is this caller's to make; nobody else gets it for a minute."""

    def read_answered(self, account: str) -> None:
        """That read was answered as documented: the account goes on, at first with one deposit at a time."""

    def store_answered(self, store: str) -> None:
        """A document of a store that refused was read: what waits for it is due."""

    def withdraw(self, submission_id: int) -> bool: ...
    def begin_alone(self, submission_id: int) -> Alone | None:
        """A row that is worked on with no other beside it. None: there is nothing to do any more."""

    def end_alone(self, submission_id: int, *, raised: bool) -> None:
        """That work has ended; where it `raised` before it claimed anything, that counts like a worker's death."""

    def doubt(self, submission_id: int) -> Doubt: ...
    def taken_elsewhere(self, invoice_id: str, platform_ids: Sequence[str]) -> Mapping[str, Holder]:
        """Which of these deposits are another invoice's, or ones of this one that the platform refused."""


class RelayStore(Protocol):
    """Postgres, for relay_submissions."""

    def check_environment(self, base_url: str) -> None: ...
    def take_notes(self, limit: int) -> NotesTaken: ...
    def end_expired_leases(self) -> int: ...
    def repeat_write_backs(self, limit: int) -> tuple[int, int]: ...
    def vitals(self) -> Vitals: ...
    def unnamed_kinds(self) -> Mapping[str, int]:
        """Finished documents by kind, of kinds that nobody has named as invoices or left out. Reads the whole view."""

    def begin_run(self) -> int: ...
    def passed(self) -> None:
        """This run has done all that was due: it runs well, though it goes on watching."""

    def oldest_waiting(self) -> Mapping[str, float]:
        """The age in seconds of whatever has waited for longest, by reason."""

    def look(self, run: int) -> tuple[bool, bool]:
        """Whether anything is due, and whether this run is still the newest."""

    def pick_due(self, limit: int) -> AbstractContextManager[DueBatch]:
        """A transaction that holds due rows locked; it commits what was marked."""


class DueBatch(Protocol):
    """Due rows, locked until the transaction ends."""

    @property
    def submission_ids(self) -> Sequence[int]: ...
    def mark_queued(self, submission_ids: Sequence[int]) -> None: ...


class Queue(Protocol):
    """SQS: it only carries ids."""

    def send(self, submission_ids: Sequence[int]) -> list[int]:
        """The ids that were certainly accepted."""


class Journal(Protocol):
    """One event per invoice and outcome, and the counts that alarms watch."""

    def event(self, name: str, **fields: Any) -> None: ...
    def warning(self, name: str, **fields: Any) -> None: ...
    def count(self, metric: Metric, value: float = 1, reason: str | None = None) -> None:
        """Add to a metric; with a reason, also to what is counted of that reason (one of metrics.REASONS, else `other`)."""
