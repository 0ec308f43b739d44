"""Invoices, submissions, answers: plain frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from facteur.domain.doubt import DoubtClock
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
    or another's call was answered. `doubtful`: an attempt of the invoice, in whichever submission, may have deposited it.
    `pinned`: a deposit was made with its account's client before.
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
    doubtful: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What a claim is for: a look-up, or a deposit of the document with this hash, with this platform and client.

    `takes_key`: the platform takes a key of ours with it. `number_read`: the document says its number, which is the row's.
    """

    row: Waiting
    sha256: str | None = None
    platform: Mapping[str, str] | None = None
    takes_key: bool = False
    number_read: bool = True


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
class Accepted:
    """Deposited under the platform's id."""

    platform_id: str
    http_status: int
    response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform refused this invoice for good; nothing was deposited."""

    problem: Problem
    response: str = field(repr=False)


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
    `swept_state` are what a sweep had seen of it. `late_seconds`: since it was due. `refused_after`: it was rejected for that when so many
    of its statuses were known.
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
    refused_after: int | None = None


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
