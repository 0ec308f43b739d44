"""What the sources of statuses share: their services, what a step comes to, what an unanswered call means, and what is put off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from facteur.domain.decide_deposit import ACCOUNT_PAUSE_SECONDS
from facteur.domain.decision import Limits, platform_failed
from facteur.domain.metrics import Metric
from facteur.domain.ports import Journal
from facteur.errors import (
    AccountRefusedError,
    FacteurError,
    NotDepositedError,
    PlatformBusyError,
    StatementRefusedError,
)

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms
    from facteur.poll_statuses.feed_store import PostgresFeeds
    from facteur.poll_statuses.pull_store import PostgresPulls
    from facteur.poll_statuses.store import PostgresStatuses

FEED = "feed"
FAILED_READ_SECONDS = 60.0
UNAUTHORISED, NOT_FOUND, TOO_MANY = 401, 404, 429


class Step(Enum):
    """What one step of a source came to."""

    DONE = "done"
    FAILED = "failed"  # the platform did not answer; what was to be done is due later
    NO_PERMIT = "no permit"
    NOTHING = "nothing due"


@dataclass(frozen=True, slots=True)
class PollServices:
    """What a poll works with. `call_seconds` and `history_seconds`: how long the budget takes for one more permit.

    `failing`: per account, the deposits whose histories were not answered since one was. A single one is poison of its own; only
    two of them say something about the account. `put_off`: how many of what, so far.
    """

    store: PostgresStatuses
    pulls: PostgresPulls
    feeds: PostgresFeeds
    platforms: AccountPlatforms
    journal: Journal
    limits: Limits
    answer_seconds: float
    source: str
    call_seconds: float
    history_seconds: float
    wait: Callable[[float], None]
    failing: dict[str, set[str]] = field(default_factory=dict)
    put_off: list[int] = field(default_factory=list)

    def count_put_off(self, count: int = 1) -> None:
        """What raised or was refused by itself, and is tried again."""
        self.put_off.append(count)
        self.journal.count(Metric.STATUSES_PUT_OFF, count)


@contextmanager
def alone(services: PollServices, what: str, **about: Any) -> Iterator[None]:
    """One slice, page, deposit or acknowledgement: where it raises it is put off, counted and logged, and the others go on.

    Raises:
        FacteurError: what concerns them all: Postgres does not answer, or a setting is wrong.
    """
    try:
        yield
    except FacteurError as error:
        if not isinstance(error, StatementRefusedError):
            raise
        _put_off(services, what, str(error), about)
    except Exception as error:  # noqa: BLE001  whatever one of them is, it must not stop the others
        _put_off(services, what, type(error).__name__, about)


def _put_off(services: PollServices, what: str, cause: str, about: dict[str, Any]) -> None:
    """The error's own text may quote what the platform sent."""
    services.count_put_off()
    services.journal.warning(f"{what}.put_off", cause=cause, **about)


def not_answered_of_one(services: PollServices, account: str, platform_id: str, error: NotDepositedError) -> float:
    """A call about a single deposit was not answered; seconds until it is due again.

    The account, and its breaker, are concerned only where a second deposit's call is not answered either, or nobody answered at all;
    and never by a 404: nobody has recorded how a platform says that a young deposit has no history yet.
    """
    failing = services.failing.setdefault(account, set())
    failing.add(platform_id)
    status = error.problem.http_status
    if status in {None, UNAUTHORISED, TOO_MANY} or (len(failing) > 1 and status != NOT_FOUND):
        return not_answered(services, account, error, "history", "history")
    return not_answered(services, account, error, "history", "history", concerns_account=False)


def not_answered(
    services: PollServices,
    account: str,
    error: NotDepositedError,
    what: str,
    key: str,
    *,
    concerns_account: bool = True,
) -> float:
    """Pause what the platform wants paused (`key`: the account's or an endpoint's bucket); seconds until it is due again."""
    problem, provider = error.problem, services.platforms.provider_of(account)
    delay = (error.retry_after_seconds if isinstance(error, PlatformBusyError) else None) or FAILED_READ_SECONDS
    if isinstance(error, AccountRefusedError):
        delay = ACCOUNT_PAUSE_SECONDS
    if not concerns_account:
        services.count_put_off()
    elif isinstance(error, AccountRefusedError):
        services.store.pause(f"account:{account}", delay, problem.code, refused=True)
        services.journal.count(Metric.ACCOUNT_REFUSED, provider=provider)
    elif problem.http_status == TOO_MANY:
        services.store.pause(key, delay, problem.code)
    else:
        services.store.platform_silent(account)
    if platform_failed(problem):
        services.journal.count(Metric.PLATFORM_ERRORS, provider=provider)
    name = f"{what}.refused" if isinstance(error, AccountRefusedError) else f"{what}.unavailable"
    code = problem.platform_code or problem.code
    services.journal.warning(
        name, account=account, error_code=code, http_status=problem.http_status,
        next_step=_next_step(error, concerns_account=concerns_account),
    )  # fmt: skip
    return delay


def _next_step(error: NotDepositedError, *, concerns_account: bool) -> str:
    if not concerns_account:
        return (
            "nothing at first: it is read again, deposits and other reads go on; if it stays so, ask the platform why it does not answer "
            "this call"
        )
    if isinstance(error, AccountRefusedError):
        return "facteur doctor: it says what to correct in the account's secret, or at the platform"
    if error.problem.http_status == TOO_MANY:
        return "nothing: the platform asks to slow down, and is asked again later"
    return "nothing at first: it is read again; if it stays so, see the platform's status page, and facteur doctor"
