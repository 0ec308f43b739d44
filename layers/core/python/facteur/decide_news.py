"""What follows from the life cycle that a platform tells of a deposit: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.decision import CORRECT_IT, Limits, final, in_doubt, wait
from facteur.errors import Problem
from facteur.lifecycle import CLOSING, DUPLICATE_REASONS, REJECTING, VERDICTS, label_of
from facteur.model import Move, State, StatusEvent
from facteur.news import Open, Seen, Sighting

SILENT_SANDBOX_SECONDS = 3600.0
SILENT_SECONDS = 3600.0  # by then a deposit shows a status, or something is wrong
LONGEST_UNSEEN_SECONDS = 21600.0
URGENT, USUAL, NOT_PRESSING = range(3)
URGENT_CODES = REJECTING | {"207", "210"}
NO_NEWS_STATES = frozenset({"PENDING", "PROCESSING", "CONVERTED", "VALID"})
REFUSING_STATES = frozenset({"INVALID", "DUPLICATED", "WRONG_ROUTING", "NOT_DELIVERED", "CONVERSION_FAILED"})


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


def next_look(age_seconds: float) -> float:
    """Seconds until a sweep looks at a deposit again: a look costs a two-hundredth of a call, so a day is never needed."""
    return min(LONGEST_UNSEEN_SECONDS, max(60.0, age_seconds / 40))


def seen(deposit: Open, sighting: Sighting | None, due_in: float, limits: Limits) -> Seen:
    """What follows from how a search shows a deposit; None: it does not. Where it shows no status, the state must do."""
    over = deposit.age_seconds > limits.follow_up_seconds
    code, told = (sighting.code, True) if sighting and sighting.code else (_told_by_state(sighting), False)
    return Seen(
        deposit.submission_id,
        deposit.platform_id,
        code,
        sighting.at if sighting and told else None,
        told,
        sighting.created_at if sighting else None,
        due_in,
        urgency(code),
        wanted=not told and (over or deposit.age_seconds > SILENT_SECONDS),
        over=over,
    )


def urgency(code: str | None) -> int:
    """Whose history is read first: those of rejections, refusals, and disputes."""
    if code is None:
        return NOT_PRESSING
    return URGENT if code in URGENT_CODES or code.removeprefix("state:") in REFUSING_STATES else USUAL


def _told_by_state(sighting: Sighting | None) -> str | None:
    state = sighting.state if sighting else None
    return None if state is None or state in NO_NEWS_STATES else f"state:{state}"


def settled_before(events: Sequence[StatusEvent]) -> StatusEvent | None:
    """What held before the newest instant."""
    latest = max((event.occurred_at for event in events), default=None)
    return newest_of([event for event in events if event.occurred_at != latest])


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
