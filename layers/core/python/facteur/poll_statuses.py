"""Ask the platform what happened to deposits whose news are due, and store it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from facteur.decide import ACCOUNT_PAUSE_SECONDS
from facteur.decide_news import after_contradiction, after_news, contradiction_in, newest_of
from facteur.decision import Limits
from facteur.errors import AccountRefusedError, NotDepositedError, PlatformBusyError
from facteur.model import Due, State
from facteur.ports import Journal, NewsStore, Platforms

AT_ONCE = 20
NO_PERMIT_SECONDS = 15.0
FAILED_READ_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PollServices:
    """What a poll works with."""

    store: NewsStore
    platforms: Platforms
    journal: Journal
    limits: Limits
    answer_seconds: float


def poll_statuses(services: PollServices, remaining_seconds: float = float("inf")) -> int:
    """Read histories one by one while there are permits and time. Overlapping runs take different rows.

    Returns:
        How many histories were read.

    Raises:
        DatabaseUnavailableError: nothing is lost, the rows are due again.
        EnvironmentMismatchError: this database belongs to another environment.
    """
    stop_at = time.monotonic() + remaining_seconds - services.answer_seconds
    read = 0
    while time.monotonic() < stop_at:
        asked = [_ask(due, services, stop_at) for due in services.store.claim_news(AT_ONCE)]
        read += sum(asked)
        if not any(asked):
            break
    return read


def _ask(due: Due, services: PollServices, stop_at: float) -> bool:
    """Read one history, if there is time and the budget admits it now; else it waits a moment."""
    if time.monotonic() >= stop_at:
        services.store.postpone_news(due, 0)
        return False
    if not services.store.take_history_permit(due.account):
        services.store.postpone_news(due, NO_PERMIT_SECONDS)
        return False
    return _read(due, services)


def _read(due: Due, services: PollServices) -> bool:
    try:
        _store_history(due, services)
    except AccountRefusedError as error:
        services.store.pause(f"account:{due.account}", ACCOUNT_PAUSE_SECONDS, error.problem.code)
        services.store.postpone_news(due, ACCOUNT_PAUSE_SECONDS)
        services.journal.count("AccountRefused")
        services.journal.warning(
            "history.refused", submission_id=due.submission_id, account=due.account, error_code=error.problem.code
        )
    except NotDepositedError as error:
        delay = error.retry_after_seconds if isinstance(error, PlatformBusyError) else None
        if error.problem.http_status == 429:
            services.store.pause("history", delay or FAILED_READ_SECONDS, error.problem.code)
        else:
            services.store.platform_silent(due.account)
        services.store.postpone_news(due, delay or FAILED_READ_SECONDS)
        services.journal.warning(
            "history.unavailable",
            submission_id=due.submission_id,
            error_code=error.problem.code,
            http_status=error.problem.http_status,
        )
    else:
        return True
    return False


def _store_history(due: Due, services: PollServices) -> None:
    platform = services.platforms.of(due.account)
    told = platform.history(due.platform_id)
    events = [event for event in told if event.platform_id == due.platform_id]
    if len(events) < len(told):
        services.journal.warning("history.foreign", submission_id=due.submission_id, events=len(told) - len(events))
    if contradiction := contradiction_in(events):
        newest, move = None, after_contradiction(contradiction, due.age_seconds, services.limits)
        services.journal.count("Contradictions")
    else:
        newest = newest_of(events)
        move = after_news(newest, due.lifecycle_code, due.age_seconds, platform.sandbox, services.limits)
    state, stored = services.store.record_news(due, events, newest, move)
    if state == State.REJECTED:
        services.journal.count("Rejections")
    services.journal.event(
        f"status.{state}",
        submission_id=due.submission_id,
        platform_id=due.platform_id,
        lifecycle_code=newest.code if newest else due.lifecycle_code,
        new_statuses=stored,
        error_code=move.error_code,
    )
