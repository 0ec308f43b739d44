"""What follows from the life cycle that a platform shows of a deposit: pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from facteur.domain.decision import CORRECT_IT, Limits, final, in_doubt, wait
from facteur.domain.lifecycle import BUYERS, CLOSING, ENDING, REJECTING, VERDICTS, is_step, label_of, says_duplicate
from facteur.domain.status_updates import Ruling
from facteur.domain.submission import Due, Move, State, StatusEvent
from facteur.errors import Problem

SILENT_SANDBOX_SECONDS = 3600.0
SILENT_SECONDS = 3600.0  # by then a deposit shows a status, or something is wrong
DAY_SECONDS = 86400.0
BELIEVED = timedelta(days=1)  # a platform's date may lie so long before the deposit, or after our now
EARLIEST = datetime.min.replace(tzinfo=UTC)
STATE = "state:"  # before what stands in a status's place where the search shows none


def believed(event: StatusEvent, due: Due) -> StatusEvent:
    """The status with a date that can be true: from a day before the deposit to a day from now, else the moment we heard of it."""
    at = event.occurred_at
    if at is not None and due.deposited_at - BELIEVED <= at <= due.heard_at + BELIEVED:
        return event
    return replace(event, occurred_at=due.heard_at, date_believed=False)


def merged(due: Due, heard: Iterable[StatusEvent]) -> list[StatusEvent]:
    """All statuses of a deposit in the order in which we heard of them: those known, then what was heard now by its date.

    Of what was heard at once a refusal counts as heard first: no date says that the buyer had spoken before.
    """
    known = {identity(event) for event in due.known}
    new = {identity(event): believed(event, due) for event in apart(heard) if identity(event) not in known}
    return [*due.known, *sorted(new.values(), key=lambda e: (e.code not in REJECTING, _at(e), e.code))]


def any_new(due: Due, heard: Iterable[StatusEvent]) -> bool:
    """Whether any of these is not known yet of the deposit."""
    return len(merged(due, heard)) > len(due.known)


def identity(event: StatusEvent) -> tuple[str, str]:
    """What makes two statuses of a deposit one: a platform may use an id again for another code."""
    return event.status_id, event.code


def apart(heard: Iterable[StatusEvent]) -> Iterator[StatusEvent]:
    """What one reading shows under one id and code of several dates or for several readers is several: all but the oldest are numbered."""
    met: defaultdict[tuple[str, str, str], list[StatusEvent]] = defaultdict(list)
    for event in sorted(heard, key=lambda e: (e.occurred_at is None, _at(e), e.audience or "")):
        alike = met[event.platform_id, *identity(event)]
        again = any(event.occurred_at in {None, e.occurred_at} and e.audience == event.audience for e in alike)
        if not alike or not again:
            alike.append(event)
            yield replace(event, status_id=f"{event.status_id}#{len(alike)}") if len(alike) > 1 else event


def newest_of(events: Iterable[StatusEvent]) -> StatusEvent | None:
    """By the platform's clock, not by arrival or number; at one instant an ending one wins."""
    return max(events, key=lambda e: (_at(e), e.code in ENDING, e.code, e.status_id), default=None)


def current_of(events: Sequence[StatusEvent]) -> StatusEvent | None:
    """A refusing status wherever it stands, else an ending one, else the newest. A genuine refusal counts before one as a duplicate."""
    events = [event for event in events if not is_step(event.code)]
    refusals = [event for event in events if event.code in REJECTING]
    genuine = [event for event in refusals if not is_duplicate(event)]
    return newest_of(genuine or refusals or [event for event in events if event.code in CLOSING] or events)


def reached_in(events: Iterable[StatusEvent]) -> StatusEvent | None:
    """What a deposit has reached by itself: its newest status that neither refuses it nor is a step on the platform's way."""
    return newest_of(event for event in events if event.code not in REJECTING and not is_step(event.code))


def contradiction_in(events: Sequence[StatusEvent]) -> tuple[str, ...]:
    """Codes that exclude each other; empty where there are none.

    A refusing one and what the buyer said, heard later or at once (`events` is in that order); or verdicts of the newest instant.
    What the buyer said before may be overtaken by a refusal.
    """
    refused = next((at for at, event in enumerate(events) if event.code in REJECTING), None)
    if refused is not None:
        said = {event.code for event in events[refused + 1 :]} & BUYERS
        return tuple(sorted(said | {event.code for event in events if event.code in REJECTING})) if said else ()
    latest = max(map(_at, events), default=None)
    verdicts = {event.code for event in events if _at(event) == latest} & VERDICTS
    agree = len(verdicts) < 2 or verdicts <= CLOSING
    return () if agree else tuple(sorted(verdicts))


def is_duplicate(event: StatusEvent) -> bool:
    """Whether a refusal says no more than that the platform has this invoice already."""
    return event.code in REJECTING and says_duplicate(event.reason)


def rule(due: Due, events: Sequence[StatusEvent], sandbox: bool, limits: Limits) -> Ruling:
    """What follows from all statuses of a deposit, in the order in which we heard of them. What a person has settled is settled."""
    shown = [event for event in _with_refusal_shown(due, events) if not event.settled]
    if contradiction := contradiction_in(shown):
        return _contradicted(due, shown, contradiction, limits)
    events = [event for event in events if not event.settled]
    current = current_of(events)
    if current and is_duplicate(current):
        return _called_a_duplicate(due, current, reached_in(events), limits)
    followed = limits.follow_up_seconds + (DAY_SECONDS if _lags(due, events) else 0)
    return Ruling(after_history(current, due.lifecycle_code, due.age_seconds, sandbox, followed), current)


def _with_refusal_shown(due: Due, events: Sequence[StatusEvent]) -> Sequence[StatusEvent]:
    """With the refusal that the search showed, where the deposit was rejected for it and no status says it yet."""
    after, code = due.refused_after, due.swept_code
    if after is None or code not in REJECTING or any(event.code in REJECTING for event in events):
        return events
    shown = StatusEvent("", due.platform_id, code, code, None, label_of(code), due.swept_at, None, None, None, None, {})
    return [*events[:after], shown, *events[after:]]


def is_over(due: Due, limits: Limits) -> bool:
    """Whether a deposit is older than any is followed."""
    return due.age_seconds > limits.follow_up_seconds


def _lags(due: Due, events: Sequence[StatusEvent]) -> bool:
    """Whether the search has shown a status that no history has: an empty or old answer is not yet the last word."""
    shown = due.swept_code
    return bool(shown) and not str(shown).startswith(STATE) and all(event.code != shown for event in events)


def rule_unread(due: Due, limits: Limits) -> Ruling | None:
    """What follows from a verdict that the search has shown for an hour and no status says yet; None: nothing."""
    code, state = due.swept_code or "", due.swept_state
    label = f"{code} {label_of(code)}" if code in REJECTING else f"state {state}"
    problem = Problem("reason_not_known", f"the platform's search shows {label}; the reason is not known yet")
    if says_duplicate(state):
        return _asked_about(due, problem, reached_in(due.known), limits)
    if code in REJECTING:
        return Ruling(final(State.REJECTED, problem, CORRECT_IT))
    if state:
        return _objected(
            due, replace(problem, code="refused_state"), "Ask the platform why, then correct the invoice", limits
        )
    return None


def after_contradiction(codes: Sequence[str], age_seconds: float, limits: Limits) -> Move:
    """All are kept and none is believed: the life cycle stays where it was until a newer status settles it."""
    if age_seconds > limits.follow_up_seconds:
        return Move(State.CLOSED)
    problem = Problem("contradictory_statuses", f"the platform reports {' and '.join(codes)} of one deposit")
    return wait(State.SUBMITTED, seconds_to_next_read(age_seconds), problem, "Ask the platform which one holds")


def after_history(
    current: StatusEvent | None, known_code: str | None, age_seconds: float, sandbox: bool, followed_seconds: float
) -> Move:
    """The platform showed the history of a deposit, which is followed for so long, and nothing in it contradicts."""
    if current and current.code in REJECTING:
        return final(State.REJECTED, _problem_of(current), CORRECT_IT)
    silent = sandbox and current is None and known_code is None and age_seconds > SILENT_SANDBOX_SECONDS
    if silent or age_seconds > followed_seconds or (current and current.code in CLOSING):
        return Move(State.CLOSED)
    return Move(State.SUBMITTED, seconds_to_next_read(age_seconds))


def seconds_to_next_read(age_seconds: float) -> float:
    """Seconds until a deposit's life cycle is read again: from a minute for a young one to a day for an old one."""
    return min(86400.0, max(60.0, age_seconds / 10))


def settled_before(events: Sequence[StatusEvent]) -> StatusEvent | None:
    """What was true before a contradiction: the newest status that is no part of it."""
    codes, latest = contradiction_in(events), max(map(_at, events), default=None)
    refused = any(code in REJECTING for code in codes)
    return newest_of([e for e in events if (e.code not in codes if refused else _at(e) != latest)])


def _contradicted(due: Due, events: Sequence[StatusEvent], codes: tuple[str, ...], limits: Limits) -> Ruling:
    move, settled = after_contradiction(codes, due.age_seconds, limits), settled_before(events)
    if REJECTING.isdisjoint(codes):
        return Ruling(move, settled, contradiction=codes)
    said = Problem(
        "contradictory_statuses", f"the platform refused this deposit and reported {' and '.join(codes)} of it"
    )
    objected = _objected(due, said, "Ask the platform and the buyer which one holds", limits)
    return replace(objected, current=settled, contradiction=codes)


def _called_a_duplicate(due: Due, refusal: StatusEvent, reached: StatusEvent | None, limits: Limits) -> Ruling:
    return replace(_asked_about(due, _problem_of(refusal), reached, limits), current=reached)


def _asked_about(due: Due, problem: Problem, reached: StatusEvent | None, limits: Limits) -> Ruling:
    """A duplicate is a question: is there another deposit of ours? What this one has reached by itself it keeps."""
    question = in_doubt(problem, limits, duplicate=True)
    if reached is None:
        return Ruling(question)
    said = replace(
        problem, code="duplicate", message=f"{problem.message}, as a duplicate, after {reached.code} {reached.label}"
    )
    objected = _objected(due, said, "Look for another deposit under this number at the platform", limits)
    return replace(objected, move=question, otherwise=objected.move)


def _objected(due: Due, problem: Problem, next_step: str, limits: Limits) -> Ruling:
    """The deposit stands and is followed for as long as any, and its row shows an error: a person decides."""
    move = wait(State.SUBMITTED, seconds_to_next_read(due.age_seconds), problem, next_step)
    said = replace(problem, message=move.error_message or problem.message)
    return Ruling(replace(move, state=State.CLOSED) if is_over(due, limits) else move, objection=said)


def _problem_of(event: StatusEvent) -> Problem:
    return Problem(
        event.reason or event.code,
        f"{event.code} {label_of(event.code)}, said by {event.caused_by or 'the platform'}",
        platform_code=event.reason,
        platform_message=event.message,
    )


def _at(event: StatusEvent) -> datetime:
    return event.occurred_at or EARLIEST
