"""What a submission in doubt is asked of, and what a platform shows of it: plain frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt that may have deposited something, with what it sent. `own_key` None: it sent no key of ours.

    `number_read`: in the document itself, so that the platform shows it under this number; else nobody knows under which.
    """

    attempt_id: int
    started_at: datetime
    outcome: str
    document_sha256: str
    invoice_number: str | None
    seller_siren: str | None
    total: Decimal | None
    platform_id: str | None
    currency: str | None = None
    own_key: str | None = None
    number_read: bool = True

    def is_searchable(self, by_number: bool) -> bool:
        """Whether a search that does not show it says anything. Not `by_number`: it is asked for keys alone."""
        return bool(self.own_key or (by_number and self.invoice_number and self.number_read))


@dataclass(frozen=True, slots=True)
class Witness:
    """A deposit of the same client and seller that stands: a search that does not show it shows nothing."""

    platform_id: str
    invoice_number: str
    own_key: str | None = None


@dataclass(frozen=True, slots=True)
class DoubtClock:
    """How long a doubt has certainly lasted by two clocks, ours and the platform's: between two look-ups what says less counts.

    `looked_up_at` is by ours, `dated_at` the latest of the platform's.
    """

    seconds: float
    looked_up_at: datetime
    dated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is known of a submission in doubt. Times are seconds by the database's clock, which said `now`.

    `rivals` are attempts of other invoices under the same number whose outcome is unknown too. `clock`: None before the first look-up.
    `repeated_answer`: what the platform answered three times, without saying what became of the deposit. `excused_seconds`: of its
    time, what went by for a cause that many share, or before anybody had time for it. `earlier`: the id of a deposit of ours with a key,
    which was answered before the oldest attempt began; None: there is none.
    """

    submission_id: int
    invoice_id: str
    empty_lookups: int
    doubt_seconds: float
    waited_seconds: float
    duplicate_verdict: bool
    attempts: tuple[Attempt, ...]
    now: datetime
    clock: DoubtClock | None = None
    rivals: tuple[Attempt, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    repeated_answer: str | None = None
    excused_seconds: float = 0.0
    earlier: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Which numbers the platform is asked for, and beside which witnesses; `since` the oldest attempt, by our clock, which says `now`.

    `keys`: those of ours that were sent, where the platform takes any. `earlier`: the id of a deposit of ours from before `since`.
    """

    numbers: tuple[str, ...]
    witnesses: tuple[Witness, ...]
    since: datetime
    now: datetime
    keys: tuple[str, ...] = ()
    earlier: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a deposit is by our own tables; `refused`: the platform refused it. `sent`: SHA-256 of what he sent, under `numbers`."""

    invoice_id: str
    refused: bool
    sent: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deposit that the platform shows for a number and seller, or a key of ours. None: the platform did not say."""

    platform_id: str
    created_at: datetime | None
    refused: bool
    seller_siren: str | None
    total: Decimal | None
    currency: str | None = None
    invoice_number: str | None = None
    own_key: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the platform's search shows of a question: deposits that may bear its numbers, and which witnesses beside them.

    `dated_at`: when the platform says that it answered, at the latest. `sellers`: whose the witnesses are, as it shows them.
    `lacking`: a deposit of ours that its list ends before: it is not whole, and what it does not show may be there.
    """

    candidates: tuple[Candidate, ...]
    witnesses: frozenset[str]
    dated_at: datetime | None
    sellers: frozenset[str] = frozenset()
    lacking: str | None = None
