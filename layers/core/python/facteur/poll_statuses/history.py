"""Statuses from status-history, deposit by deposit: those that are due, or those that a sweep found wanting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from facteur.domain.decide_status import DAY_SECONDS, is_over, merged, rule, rule_unread
from facteur.domain.metrics import Metric
from facteur.domain.status_updates import Ruling, StatusesStored
from facteur.domain.submission import Due, State, StatusEvent
from facteur.errors import NotDepositedError, StatementRefusedError
from facteur.poll_statuses.services import PollServices, Step, alone, not_answered_of_one

UNREAD_AT_ONCE = 100
NOTHING_DECIDED = 0  # a ruling that knew fewer statuses than there are moves nothing
MOST_RULINGS = 3  # others may store statuses of the same deposit meanwhile
COUNTED = {State.REJECTED: Metric.REJECTIONS, State.FAILED: Metric.FAILURES}

Postpone = Callable[[Due, float], None]


def read_due_history(services: PollServices) -> Step:
    """Read the history that has been due for longest."""
    return _read_next(
        services.store.claim_status_updates(1), services, services.store.postpone_status_update, "history"
    )


def read_wanted_history(services: PollServices) -> Step:
    """Read the most urgent history that a sweep found wanting."""
    return _read_next(services.store.claim_histories(1), services, services.store.postpone_history, "sweep")


def _read_next(dues: list[Due], services: PollServices, postpone: Postpone, asked_by: str) -> Step:
    return read_history(dues[0], services, postpone, asked_by) if dues else Step.NOTHING


def act_on_unread(services: PollServices) -> None:
    """Verdicts that the search has shown for an hour, and whose history cannot be read: they count without their reason."""
    for due in services.store.unread_verdicts(UNREAD_AT_ONCE):
        with alone(services, "verdict", submission_id=due.submission_id, account=due.account):
            if ruling := rule_unread(due, services.limits):
                stored = services.store.record_status_update(
                    due, [], ruling, decided_on=len(due.known), asked_by="nobody", over=is_over(due, services.limits)
                )
                _report(due, ruling, stored, services, None)


def read_history(due: Due, services: PollServices, postpone: Postpone, asked_by: str) -> Step:
    """Read one history, if the budget admits it now; else it stays due. A former client's deposit is not asked for: the account would be
    shown another one under its id."""
    if services.store.is_former(due):
        if is_over(due, services.limits):
            services.pulls.close(due)
        else:
            postpone(due, DAY_SECONDS)
        return Step.DONE
    if not services.store.take_history_permit(due.account):
        postpone(due, 0)
        return Step.NO_PERMIT
    step = Step.FAILED
    with alone(services, "history", submission_id=due.submission_id, account=due.account):
        try:
            _store_history(due, services, asked_by)
            step = Step.DONE
        except NotDepositedError as error:
            postpone(due, not_answered_of_one(services, due.account, due.platform_id, error))
    return step


def _store_history(due: Due, services: PollServices, asked_by: str) -> None:
    platform = services.platforms.of(due.account)
    began = time.monotonic()
    shown = platform.history(due.platform_id)
    seconds = time.monotonic() - began
    services.failing.pop(due.account, None)
    events = [event for event in shown if event.platform_id == due.platform_id]
    if len(events) < len(shown):
        services.journal.warning(
            "history.foreign", submission_id=due.submission_id, account=due.account, foreign=len(shown) - len(events)
        )
    store_statuses(due, events, platform.sandbox, services, asked_by, seconds)


def store_statuses(
    due: Due,
    heard: list[StatusEvent],
    sandbox: bool,
    services: PollServices,
    asked_by: str,
    call_seconds: float | None = None,
) -> Sequence[StatusEvent]:
    """Store what is new of what was heard, and let it and all that was known decide what becomes of the submission.

    A status that Postgres refuses is put off by itself, and a verdict beside it counts; which ones were.

    `call_seconds`: what the platform took to answer, where it was asked for this deposit alone.
    """
    put_off: Sequence[StatusEvent] = ()
    for _ in range(MOST_RULINGS):
        events = merged(due, heard)
        ruling = rule(due, events, sandbox, services.limits)
        new = events[len(due.known) :]
        over = is_over(due, services.limits)
        try:
            stored = services.store.record_status_update(
                due, new, ruling, decided_on=len(events), asked_by=asked_by, over=over
            )
        except StatementRefusedError:
            if not new:
                raise
            known, put_off = _store_each(due, new, ruling, services, asked_by)
            due, heard = replace(due, known=known), []
            continue
        _report(due, ruling, stored, services, call_seconds)
        if stored.known is None:
            break
        due, heard = replace(due, known=stored.known), []
    return put_off


def _store_each(
    due: Due, new: Sequence[StatusEvent], ruling: Ruling, services: PollServices, asked_by: str
) -> tuple[tuple[StatusEvent, ...], list[StatusEvent]]:
    """Each in a transaction of its own, and nothing moves yet; what is known then, and which were refused."""
    known, put_off = due.known, list(new)
    for event in new:
        with alone(services, "status", submission_id=due.submission_id, account=due.account):
            stored = services.store.record_status_update(
                due, [event], ruling, decided_on=NOTHING_DECIDED, asked_by=asked_by, over=False
            )
            known = stored.known if stored.known is not None else known
            put_off.remove(event)
    return known, put_off


def _report(
    due: Due, ruling: Ruling, stored: StatusesStored, services: PollServices, call_seconds: float | None
) -> None:
    move, current, count = ruling.move, ruling.current, services.journal.count
    provider = services.platforms.provider_of(due.account)
    if stored.moved and stored.state in COUNTED:
        metric = COUNTED[State(stored.state)]
        count(metric, reason=move.error_code if metric is Metric.REJECTIONS else None, provider=provider)
    if stored.objected:
        count(Metric.FAILURES)
    if ruling.contradiction:
        count(Metric.CONTRADICTIONS)
    if stored.seconds_after is not None:
        count(Metric.STATUS_TO_POSTGRES_SECONDS, stored.seconds_after, provider=provider)
    services.journal.event(
        f"status.{stored.state}",
        submission_id=due.submission_id,
        invoice_id=stored.invoice_id,
        account=due.account,
        state=stored.state,
        platform_id=due.platform_id,
        lifecycle_code=current.code if current else due.lifecycle_code,
        new_statuses=stored.stored,
        error_code=move.error_code,
        platform_ms=None if call_seconds is None else round(call_seconds * 1000),
    )
