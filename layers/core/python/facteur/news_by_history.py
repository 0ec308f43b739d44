"""News from status-history, deposit by deposit: those that are due, or those that a sweep found wanting."""

from __future__ import annotations

import time
from collections.abc import Callable

from facteur.decide_news import after_contradiction, after_news, contradiction_in, newest_of, settled_before
from facteur.errors import NotDepositedError
from facteur.metrics import Metric
from facteur.model import Due, State, StatusEvent
from facteur.news_services import PollServices, Step, not_answered

COUNTED = {State.REJECTED: Metric.REJECTIONS, State.FAILED: Metric.FAILURES}

Postpone = Callable[[Due, float], None]


def read_due_history(services: PollServices) -> Step:
    """Read the history that has been due for longest."""
    return _read_next(services.store.claim_news(1), services, services.store.postpone_news, "history")


def read_wanted_history(services: PollServices) -> Step:
    """Read the most urgent history that a sweep found wanting."""
    return _read_next(services.store.claim_histories(1), services, services.store.postpone_history, "sweep")


def _read_next(dues: list[Due], services: PollServices, postpone: Postpone, asked_by: str) -> Step:
    return read_history(dues[0], services, postpone, asked_by) if dues else Step.NOTHING


def read_history(due: Due, services: PollServices, postpone: Postpone, asked_by: str) -> Step:
    """Read one history, if the budget admits it now; else it stays due."""
    if not services.store.take_history_permit(due.account):
        postpone(due, 0)
        return Step.NO_PERMIT
    try:
        _store_history(due, services, asked_by)
    except NotDepositedError as error:
        postpone(due, not_answered(services, due.account, error, "history", "history"))
        return Step.FAILED
    return Step.DONE


def _store_history(due: Due, services: PollServices, asked_by: str) -> None:
    platform = services.platforms.of(due.account)
    began = time.monotonic()
    told = platform.history(due.platform_id)
    seconds = time.monotonic() - began
    events = [event for event in told if event.platform_id == due.platform_id]
    if len(events) < len(told):
        services.journal.warning(
            "history.foreign", submission_id=due.submission_id, account=due.account, foreign=len(told) - len(events)
        )
    store_news(due, events, events, platform.sandbox, services, asked_by, seconds)


def store_news(
    due: Due,
    life_cycle: list[StatusEvent],
    new: list[StatusEvent],
    sandbox: bool,
    services: PollServices,
    asked_by: str,
    call_seconds: float | None = None,
) -> None:
    """Store what is new of a life cycle, and let the whole of it decide what becomes of the submission.

    `call_seconds`: what the platform took to tell it, where it was told of this deposit alone.
    """
    if contradiction := contradiction_in(life_cycle):
        newest, move = None, after_contradiction(contradiction, due.age_seconds, services.limits)
        services.journal.count(Metric.CONTRADICTIONS)
    else:
        newest = newest_of(life_cycle)
        move = after_news(newest, due.lifecycle_code, due.age_seconds, sandbox, services.limits)
    settled = settled_before(life_cycle)
    told = services.store.record_news(due, new, newest, move, asked_by=asked_by, settled=settled)
    if told.state in COUNTED:
        metric = COUNTED[State(told.state)]
        services.journal.count(metric, reason=move.error_code if metric is Metric.REJECTIONS else None)
    if told.seconds_after is not None:
        services.journal.count(Metric.STATUS_TO_POSTGRES_SECONDS, told.seconds_after)
    services.journal.event(
        f"status.{told.state}",
        submission_id=due.submission_id,
        invoice_id=told.invoice_id,
        account=due.account,
        state=told.state,
        platform_id=due.platform_id,
        lifecycle_code=newest.code if newest else due.lifecycle_code,
        new_statuses=told.stored,
        error_code=move.error_code,
        platform_ms=None if call_seconds is None else round(call_seconds * 1000),
    )
