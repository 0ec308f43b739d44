"""A feed that is not read: whose fault that is, as another call of the account says, and when it is read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from facteur.errors import CursorRefusedError, NotDepositedError, PlatformBusyError
from facteur.platforms.port import Platform
from facteur.poll_statuses.feed_store import Place
from facteur.poll_statuses.services import FEED, TOO_MANY, PollServices, not_answered

RIGHTS = frozenset({401, 403})
LATER = frozenset({408, TOO_MANY})
# After which histories are read instead (facteur.accounts_with_failing_feed), and the feed now and then.
GIVES_WAY_SECONDS = 3600.0
NOW_AND_THEN_SECONDS = 600.0


@dataclass(slots=True)
class Reading:
    """One turn: how far it came, and when the platform said that it was.

    `nobodys`: statuses whose invoice no deposit of ours bears. `foreign`: when statuses came of none of our deposits, which nobody has
    counted.
    """

    account: str
    place: Place
    cursor: str | None
    pages: int = 0
    dated_at: datetime | None = None
    platform: Platform | None = None
    nobodys: set[str] = field(default_factory=set)
    foreign: list[datetime] = field(default_factory=list)


def after_failure(reading: Reading, error: NotDepositedError, services: PollServices) -> float:
    """Do what follows from a read that was not answered; seconds until the next turn.

    The account is concerned only where its other calls are not answered either: else deposits go on. A place that is refused, or on
    which the platform has failed for an hour, is given up, and the feed read from its beginning: what is known adds nothing.
    """
    account, failing = reading.account, reading.place.failing_seconds
    of_account = None if isinstance(error, CursorRefusedError) else _of_account(reading, error, services)
    if of_account:
        not_answered(services, account, of_account, FEED, f"account:{account}")
    elif isinstance(error, CursorRefusedError) or (
        reading.cursor and is_lost(error.problem.http_status, 0.0 if reading.pages else failing)
    ):
        _begin_again(reading, error, services)
    else:
        not_answered(services, account, error, FEED, f"account:{account}", concerns_account=False)
    named = error.retry_after_seconds if isinstance(error, PlatformBusyError) else None
    return max(named or 0.0, NOW_AND_THEN_SECONDS if failing >= GIVES_WAY_SECONDS else 0.0)


def is_lost(status: int | None, failing_seconds: float) -> bool:
    """Whether a place is no use any more, of which the platform answers so though it answers other calls; `failing_seconds`: always."""
    if status in RIGHTS:
        return False
    if status is not None and 400 <= status < 500 and status not in LATER:
        return True
    return failing_seconds >= GIVES_WAY_SECONDS


def _of_account(reading: Reading, error: NotDepositedError, services: PollServices) -> NotDepositedError | None:
    """What concerns the account: nobody answered at all, it asks to slow down, or another call is not answered either."""
    if reading.platform is None or error.problem.http_status in {None, TOO_MANY}:
        return error
    if reading.pages:
        return None  # it was answered a moment ago
    services.store.owe(reading.account)
    try:
        reading.platform.probe()
    except NotDepositedError as other:
        return other
    services.store.platform_answered(reading.account)
    return None


def _begin_again(reading: Reading, error: NotDepositedError, services: PollServices) -> None:
    services.feeds.reset(reading.account)
    services.count_put_off()
    services.journal.warning(
        "feed.reset", account=reading.account, http_status=error.problem.http_status, error_code=error.problem.code,
        next_step="nothing at first: its feed is read again from the beginning, and what is stored already is not stored twice; if it "
        "stays so, ask the platform why it refuses the place where the feed was left, or fails on it",
    )  # fmt: skip
