"""What is known of one invoice, and the story it makes. Times are aware datetimes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class KnownSubmission:
    """A row of facteur.submissions, with what holds it."""

    submission_id: int
    invoice_id: str
    account: str
    state: str
    due_at: datetime | None
    queued_at: datetime | None
    lease_until: datetime | None
    platform_id: str | None
    invoice_number: str | None
    seller_siren: str | None
    issue_date: date | None
    total: Decimal | None
    currency: str | None
    lifecycle_code: str | None
    written_status: str
    write_back_due_at: datetime | None
    write_back_error: str | None
    mismatch: str | None
    empty_lookups: int
    last_error_code: str | None
    last_error_message: str | None
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None
    # a reason of facteur.waiting, with its account's or store's words, its end, and the command that helps
    waits_for: str | None
    waits_detail: str | None
    waits_until: datetime | None
    waits_step: str | None
    overdue_seconds: float | None  # since it was due


@dataclass(frozen=True, slots=True)
class KnownAttempt:
    """What of a row of facteur.attempts never changes."""

    attempt_id: int
    started_at: datetime
    document_sha256: str
    invoice_number: str | None


@dataclass(frozen=True, slots=True)
class KnownTransition:
    """A row of facteur.transitions."""

    at: datetime
    subject: str
    submission_id: int | None
    account: str
    from_state: str | None
    to_state: str
    reason: str | None
    detail: str | None
    platform_id: str | None
    by_whom: str | None


@dataclass(frozen=True, slots=True)
class KnownStatus:
    """A row of facteur.status_events, without its raw JSON."""

    submission_id: int
    code: str
    label: str
    occurred_at: datetime
    caused_by: str | None
    reason: str | None
    message: str | None
    platform_id: str
    audience: str | None


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """What a person did."""

    at: datetime
    who: str
    why: str
    operation: str


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """The company's row as facteur.invoice_source shows it now; `problem` says why it does not."""

    ready: bool
    account: str | None
    technical_status: str | None
    invoice_number: str | None
    seller_siren: str | None
    issue_date: date | None
    total: Decimal | None
    currency: str | None
    document: str | None  # where it lies
    problem: str | None
    lacks: str | None = None  # why it is not ready, as far as its columns say


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a story."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Story:
    """One invoice: what it is, what happened, what happens next, and the command that helps. `state` None: nothing was opened for it."""

    invoice_id: str
    account: str | None
    invoice_number: str | None
    seller_siren: str | None
    total: Decimal | None
    currency: str | None
    state: str | None
    submission_id: str | None  # the platform's id
    lifecycle_code: str | None
    row: CompanyRow
    told: str  # what its row was given; the name is one that --json keeps
    happenings: tuple[Happening, ...]
    next_step: str
    help: str | None


@dataclass(frozen=True, slots=True)
class Stories:
    """Every invoice that a word names: several where it is a key of one and a number of another."""

    stories: tuple[Story, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `facteur list`."""

    invoice_id: str
    account: str
    state: str
    invoice_number: str | None
    total: Decimal | None
    currency: str | None
    since: datetime
    due_at: datetime | None
    submission_id: str | None
    lifecycle_code: str | None
    age_seconds: float  # since it was opened
    about: str | None
    status: str | None = None  # the life cycle's, with its French name


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that the mapping could not read; it is tried again by itself."""

    invoice_id: str
    error: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list shows, and how many more there are."""

    invoices: tuple[Listed, ...]
    unreadable: tuple[Unreadable, ...]
    more: int
    unopened: str | None = None  # what the relay has not taken up, where it does not run
