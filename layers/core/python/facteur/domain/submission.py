"""Invoices, submissions, answers: plain frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from facteur.errors import Problem


class State(StrEnum):
    """The states of a submission; docs/states.md draws their transitions."""

    PENDING = "pending"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Invoice:
    """The company's row, as the view facteur.invoice_source shows it. The document itself stays out of every repr."""

    invoice_id: str
    ready: bool
    account: str
    document_uri: str | None
    document: bytes | None = field(repr=False)
    document_bytes: int | None
    file_name: str | None
    invoice_number: str | None
    seller_siren: str | None
    issue_date: date | None
    total: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission whose message arrived: to be deposited (pending) or looked up (in doubt). `invoice` is None where the row is gone.

    `read_first`: its account was refused, and nothing is deposited before a read of it was answered. `store`: where its document
    lies, which `store_refuses` to give any. `store_gives`, `platform_answers`: since its last failure another's document was read there,
    or another's call was answered.
    """

    submission_id: int
    state: State
    account: str
    invoice_id: str
    tries: int
    waited_seconds: float
    age_seconds: float
    doubtful_sha256: tuple[str, ...]
    invoice: Invoice | None
    read_first: bool = False
    store: str | None = None
    store_refuses: bool = False
    store_gives: bool = False
    platform_answers: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What a claim is for: a look-up, or a deposit of the document with this hash, with this platform and client.

    `takes_key`: the platform takes a key of ours with it.
    """

    row: Waiting
    sha256: str | None = None
    platform: Mapping[str, str] | None = None
    takes_key: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a submission. `attempt_id` is the attempt opened for a deposit; a look-up has none. `failed`: there is no lease.

    `own_key`: what the deposit is sent with, where the platform takes a key of ours.
    """

    submission_id: int
    lease_token: str
    attempt_id: int | None
    failed: bool = False
    own_key: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt that may have deposited something, with what it sent. `own_key` None: it sent no key of ours."""

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
    time, what went by for a cause that many share, or before anybody had time for it.
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


@dataclass(frozen=True, slots=True)
class Question:
    """Which numbers the platform is asked for, and beside which witnesses; `since` the oldest attempt, by our clock, which says `now`.

    `keys`: those of ours that were sent, where the platform takes any.
    """

    numbers: tuple[str, ...]
    witnesses: tuple[Witness, ...]
    since: datetime
    now: datetime
    keys: tuple[str, ...] = ()


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
    """

    candidates: tuple[Candidate, ...]
    witnesses: frozenset[str]
    dated_at: datetime | None
    sellers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Deposited under the platform's id."""

    platform_id: str
    http_status: int
    response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform refused this invoice for good; nothing was deposited.

    `perhaps_duplicate`: its words do not say why, so that an earlier attempt may be what it minds.
    """

    problem: Problem
    response: str = field(repr=False)
    perhaps_duplicate: bool = False


Answer = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One entry of a deposit's life cycle. `raw` never holds attachments.

    `occurred_at` is None where the platform gave no readable date; `date_given` is what it gave, to the letter. `date_believed` is
    False where `occurred_at` is the moment at which we heard of it. `invoice_number`: of the invoice that it is about, where it says.
    `settled`: a person said that the deposit stands in spite of it.
    """

    status_id: str
    platform_id: str
    code: str
    platform_code: str
    network_code: str | None
    label: str
    occurred_at: datetime | None
    caused_by: str | None
    audience: str | None
    reason: str | None
    message: str | None
    raw: dict[str, Any] = field(repr=False)
    date_given: str | None = None
    date_believed: bool = True
    invoice_number: str | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A deposit whose status is due, with the statuses known of it in the order in which we heard of them.

    `heard_at` is the database's now, `deposited_at` when the deposit was made at the earliest. `swept_code`, `swept_at` and
    `swept_state` are what a sweep had seen of it. `late_seconds`: since it was due.
    """

    submission_id: int
    account: str
    platform_id: str
    lifecycle_code: str | None
    age_seconds: float
    heard_at: datetime
    deposited_at: datetime
    known: tuple[StatusEvent, ...] = ()
    swept_code: str | None = None
    swept_at: datetime | None = None
    swept_state: str | None = None
    late_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to a submission next. None leaves a column as it is; `waited_seconds` and `empty_lookups` are added.

    `shared`: many wait for the cause, and the wait is nobody's invoice; `store` does not give its document, for `store_reason`.
    """

    state: State
    due_in_seconds: float = 0
    platform_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    waited_seconds: float = 0
    empty_lookups: int = 0
    duplicate_verdict: bool | None = None
    clock: DoubtClock | None = None
    shared: bool | None = None
    store: str | None = None
    store_reason: str | None = None
