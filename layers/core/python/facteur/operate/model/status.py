"""What operations answer: plain frozen values. Times are aware datetimes, durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation as a whole. A last run is None where there was none yet."""

    version: str | None
    submit_from: str | None
    watching: bool
    relay_began_seconds_ago: float | None
    poll_began_seconds_ago: float | None
    deposits_enabled: bool | None  # as the relay last ran; None: it never did
    rate_percent: int
    budget_use_percent: int
    undeposited_days: int  # since the oldest invoice that is not deposited yet was issued; 0: there is none
    unreadable_rows: int
    silent_seconds: float = 0.0  # of the deposit that has never shown a status for longest
    unread_seconds: float = 0.0  # since when the search has shown what no status says
    # whose search shows none of their deposits, whose statuses somebody hides or takes, or whose feed fails
    accounts_not_shown: int = 0
    faults: tuple[str, ...] = ()  # what has come apart between the company's table and what was installed
    followed_by_nobody: int = 0  # deposits of a client that no account is any more
    tallies: Mapping[str, int] = field(
        default_factory=dict
    )  # what was counted of late and leaves no row, as facteur.tallies
    rejected_percent: int = 0  # of the last hour's invoices


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """One account: submissions by state, and what keeps them."""

    account: str
    states: Mapping[str, int]
    oldest_overdue_seconds: float
    oldest_doubt_seconds: float
    write_backs_waiting: int
    mismatched: int
    paused_until: datetime | None
    pause_reason: str | None
    breaker_open: bool
    held: bool = False  # by a person
    held_until: datetime | None = None  # None: until somebody resumes it
    held_by: str | None = None
    held_why: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionRun:
    """How the last run of a function ended. `error`: the class of what it raised. `ok_seconds_ago`: since one ended well; None: never."""

    name: str
    ended_seconds_ago: float
    error: str | None
    ok_seconds_ago: float | None
    failures: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How many wait for one reason, since when the oldest, until when at least, and the command that helps. `what` is the sentence."""

    reason: str
    account: str | None
    count: int
    oldest: datetime
    oldest_seconds: float
    until: datetime | None
    until_seconds: float | None
    detail: str | None
    next_step: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class NamedSubmission:
    """What is known of a submission that a dead letter names; `why` is the code of its last error."""

    submission_id: int
    invoice_id: str
    invoice_number: str | None
    account: str
    state: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not well, and the command that helps."""

    what: str
    help: str


@dataclass(frozen=True, slots=True)
class Status:
    """One screen. `dead_letters` is None where no queue is known."""

    installation: Installation
    accounts: tuple[AccountHealth, ...]
    dead_letters: int | None
    troubles: tuple[Trouble, ...]
    waiting: tuple[Waits, ...] = ()
    runs: tuple[FunctionRun, ...] = ()
