"""What follows from the life cycle that a platform tells of a deposit: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.decision import CORRECT_IT, Limits, final, in_doubt, wait
from facteur.errors import Problem
from facteur.lifecycle import CLOSING, DUPLICATE_REASONS, REJECTING, VERDICTS, label_of
from facteur.model import Move, State, StatusEvent

SILENT_SANDBOX_SECONDS = 3600.0


def newest_of(events: Sequence[StatusEvent]) -> StatusEvent | None:
    """The current status: newest by the platform's clock, not by arrival or number; at one instant an ending one wins."""
    return max(events, key=lambda e: (e.occurred_at, e.code in REJECTING | CLOSING, e.code, e.status_id), default=None)


def contradiction_in(events: Sequence[StatusEvent]) -> tuple[str, ...]:
    """The verdicts of the newest instant, where they do not mean the same; empty where nothing is contradictory."""
    latest = max((event.occurred_at for event in events), default=None)
    verdicts = {event.code for event in events if event.occurred_at == latest} & VERDICTS
    agree = len(verdicts) < 2 or verdicts <= REJECTING or verdicts <= CLOSING
    return () if agree else tuple(sorted(verdicts))


def after_contradiction(codes: Sequence[str], age_seconds: float, limits: Limits) -> Move:
    """Both are kept and neither is believed: the life cycle stays where it was until a newer status settles it."""
    if age_seconds > limits.follow_up_seconds:
        return Move(State.CLOSED)
    problem = Problem("contradictory_statuses", f"the platform tells {' and '.join(codes)} of one instant")
    return wait(
        State.SUBMITTED, next_news(age_seconds), problem, "Ask the platform which one holds; a newer status settles it"
    )


def after_news(
    newest: StatusEvent | None, known_code: str | None, age_seconds: float, sandbox: bool, limits: Limits
) -> Move:
    """The platform told the history of a deposit."""
    code = newest.code if newest else known_code
    if newest and newest.code in REJECTING:
        return _refused_later(newest, limits)
    if (
        code in CLOSING
        or age_seconds > limits.follow_up_seconds
        or (sandbox and code is None and age_seconds > SILENT_SANDBOX_SECONDS)
    ):
        return Move(State.CLOSED)
    return Move(State.SUBMITTED, next_news(age_seconds))


def next_news(age_seconds: float) -> float:
    """Seconds until the next look at a deposit's life cycle: from a minute for a young one to a day for an old one."""
    return min(86400.0, max(60.0, age_seconds / 10))


def _refused_later(event: StatusEvent, limits: Limits) -> Move:
    problem = Problem(
        event.reason or event.code,
        f"{event.code} {label_of(event.code)}, said by {event.caused_by or 'the platform'}",
        platform_code=event.reason,
        platform_message=event.message,
    )
    if event.reason in DUPLICATE_REASONS:
        return in_doubt(problem, limits, duplicate=True)
    return final(State.REJECTED, problem, CORRECT_IT)
