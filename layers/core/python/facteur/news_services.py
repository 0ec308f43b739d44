"""What the sources of news share: their services, what a step comes to, and what an unanswered call means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from facteur.decide import ACCOUNT_PAUSE_SECONDS
from facteur.decision import Limits, platform_failed
from facteur.errors import AccountRefusedError, NotDepositedError, PlatformBusyError
from facteur.metrics import Metric
from facteur.news_ports import NewsPlatforms, PullStore, SweepStore
from facteur.ports import Journal

FAILED_READ_SECONDS = 60.0


class Step(Enum):
    """What one step of a source came to."""

    DONE = "done"
    FAILED = "failed"  # the platform did not answer; what was to be done is due later
    NO_PERMIT = "no permit"
    NOTHING = "nothing due"


@dataclass(frozen=True, slots=True)
class PollServices:
    """What a poll works with. `call_seconds` and `history_seconds`: how long the budget takes for one more permit."""

    store: SweepStore
    pulls: PullStore
    platforms: NewsPlatforms
    journal: Journal
    limits: Limits
    answer_seconds: float
    source: str
    call_seconds: float
    history_seconds: float
    wait: Callable[[float], None]


def not_answered(services: PollServices, account: str, error: NotDepositedError, what: str, key: str) -> float:
    """Pause what the platform wants paused (`key`: the account's or an endpoint's bucket); seconds until it is due again."""
    problem = error.problem
    delay = (error.retry_after_seconds if isinstance(error, PlatformBusyError) else None) or FAILED_READ_SECONDS
    if isinstance(error, AccountRefusedError):
        delay = ACCOUNT_PAUSE_SECONDS
        services.store.pause(f"account:{account}", delay, problem.code, refused=True)
        services.journal.count(Metric.ACCOUNT_REFUSED)
    elif problem.http_status == 429:
        services.store.pause(key, delay, problem.code)
    else:
        services.store.platform_silent(account)
    if platform_failed(problem):
        services.journal.count(Metric.PLATFORM_ERRORS)
    name = f"{what}.refused" if isinstance(error, AccountRefusedError) else f"{what}.unavailable"
    services.journal.warning(name, account=account, error_code=problem.code, http_status=problem.http_status)
    return delay
