"""What follows from an answer, a look-up, or news: pure functions, no I/O, no clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from facteur.errors import (
    AccountRefusedError,
    DocumentMissingError,
    DocumentUnusableError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.lifecycle import CLOSING, DUPLICATE_REASONS, REJECTING, VERDICTS, label_of
from facteur.model import Accepted, Answer, Attempt, Candidate, Doubt, Move, Rejected, State, StatusEvent

LONGEST_BACK_OFF_SECONDS = 3600.0
ACCOUNT_PAUSE_SECONDS = 300.0  # long enough to be quiet, short enough that a mended secret is noticed soon
DOCUMENT_PATIENCE_SECONDS = 900.0  # an application may write the row a little before the document
FIRST_NEWS_SECONDS = 5.0  # the sandbox shows the first statuses within a second
EMPTY_LOOKUPS_BEFORE_RESEND = 4
CLOCK_SKEW = timedelta(minutes=5)  # between our database and the platform
SILENT_SANDBOX_SECONDS = 3600.0
LOOKUP_FRACTIONS = (1 / 16, 3 / 16, 7 / 16, 1.0)  # of RESEND_AFTER_SECONDS: when the look-ups of a doubt are due

LOOKED_UP = "looked_up"
SILENT = frozenset({"platform_unreachable", "no_answer"})

Jitter = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things are tried, in seconds."""

    resend_after_seconds: float
    give_up_after_seconds: float
    follow_up_seconds: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The next move, what to store on the attempt, and whether the whole account pauses."""

    move: Move
    outcome: str = "not_deposited"
    problem: Problem | None = None
    platform_id: str | None = None
    response: str | None = field(default=None, repr=False)
    pause_seconds: float | None = None

    @property
    def answered(self) -> bool | None:
        """Whether the platform is up, as far as this call shows; None: it shows nothing."""
        if self.problem is None:
            return True if self.outcome == LOOKED_UP else None
        if self.problem.http_status is None:
            return False if self.problem.code in SILENT else None
        return self.problem.http_status < 500 and self.problem.http_status != 408


def back_off(tries: int, jitter: Jitter) -> float:
    """Seconds until the next try: exponential with full jitter, at least one second, at most an hour."""
    return max(1.0, jitter(min(LONGEST_BACK_OFF_SECONDS, 5.0 * 2.0 ** min(tries, 12))))


def after_answer(answer: Answer, limits: Limits) -> Decision:
    """The platform answered the deposit."""
    if isinstance(answer, Accepted):
        move = Move(State.SUBMITTED, FIRST_NEWS_SECONDS, platform_id=answer.platform_id)
        return Decision(
            move, "accepted", Problem("accepted", "deposited", answer.http_status), answer.platform_id, answer.response
        )
    if isinstance(answer, Rejected):
        return Decision(
            _final(State.REJECTED, answer.problem, CORRECT_IT), "rejected", answer.problem, response=answer.response
        )
    move = _doubt(answer.problem, limits, duplicate=True)
    return Decision(move, "duplicate", answer.problem, response=answer.response)


def after_unknown(problem: Problem, limits: Limits) -> Decision:
    """The deposit may have arrived: look it up, soon at first."""
    return Decision(_doubt(problem, limits, duplicate=False), "unknown", problem)


def after_failure(
    error: ProblemError, tries: int, waited: float, age: float, limits: Limits, jitter: Jitter, state: State
) -> Decision:
    """Certainly nothing was deposited, or a look-up did not come through: the row waits in its state, and at last a person must look."""
    problem = error.problem
    if _for_a_person(error, age):
        return Decision(_final(State.FAILED, problem, MENDING.get(problem.code, MEND_DOCUMENT)), problem=problem)
    if isinstance(error, AccountRefusedError):
        move = _wait(state, ACCOUNT_PAUSE_SECONDS, problem, PAUSED)
        return Decision(move, problem=problem, pause_seconds=ACCOUNT_PAUSE_SECONDS)
    named = error.retry_after_seconds if isinstance(error, PlatformBusyError) else None
    delay = back_off(tries, jitter) if named is None else min(86400.0, max(1.0, named))
    if waited + delay > limits.give_up_after_seconds:
        return Decision(_final(State.FAILED, problem, GIVEN_UP), problem=problem)
    move = _wait(state, delay, problem, "It is tried again by itself", waited=delay)
    return Decision(move, problem=problem, pause_seconds=delay if problem.http_status == 429 else None)


def plausible(doubt: Doubt, candidates: Iterable[Candidate], held: frozenset[str]) -> list[Candidate]:
    """Candidates that may be a doubtful attempt's deposit, the platform's good ones first, then oldest first."""
    started = [attempt.started_at for attempt in doubt.attempts]
    earliest = min(started) - CLOCK_SKEW if started else None
    sellers = {attempt.seller_siren for attempt in doubt.attempts if attempt.seller_siren}

    def possible(candidate: Candidate) -> bool:
        return (
            candidate.platform_id not in held
            and not (earliest and candidate.created_at and candidate.created_at < earliest)
            and not (candidate.seller_siren and sellers and candidate.seller_siren not in sellers)
            and not (doubt.duplicate_verdict and candidate.refused)
        )

    epoch = earliest or datetime.min.replace(tzinfo=UTC)
    return sorted(filter(possible, candidates), key=lambda c: (c.refused, c.created_at or epoch, c.platform_id))


def is_ours(candidate: Candidate, sha256: str | None, attempts: Sequence[Attempt]) -> bool:
    """Whether a candidate holds what an attempt sent: the same bytes or, where the platform shows no copy, the same known amount."""
    if sha256 is not None:
        return any(attempt.document_sha256 == sha256 for attempt in attempts)
    return candidate.total is not None and any(attempt.total == candidate.total for attempt in attempts)


def attribute(attempts: Sequence[Attempt], ours: Sequence[Candidate]) -> list[tuple[int, str]]:
    """Which attempt made which deposit: the latest open one that had begun by then, each attempt once."""
    free = [attempt for attempt in attempts if attempt.outcome in {"unknown", "not_found"}]
    pairs = []
    for candidate in sorted(ours, key=lambda c: (c.created_at is not None, c.created_at), reverse=True):
        begun = [a for a in free if candidate.created_at is None or a.started_at <= candidate.created_at] or free[:1]
        if begun:
            pairs.append((begun[-1].attempt_id, candidate.platform_id))
            free.remove(begun[-1])
    return pairs


def after_look_up(doubt: Doubt, ours: Sequence[Candidate], strangers: Sequence[Candidate], limits: Limits) -> Move:
    """A look-up came through: adopt what is ours, stop at conflicting evidence, else look again, and at last send again."""
    known = [attempt.platform_id for attempt in doubt.attempts if attempt.outcome == "accepted" and attempt.platform_id]
    if known or ours:
        return Move(State.SUBMITTED, FIRST_NEWS_SECONDS, platform_id=known[0] if known else ours[0].platform_id)
    if strangers:
        problem = Problem("conflicting_deposit", "the platform has another document under this number and seller")
        return _final(State.FAILED, problem, f"Compare it with deposit {strangers[0].platform_id} at the platform")
    if not _unknown(doubt) and not doubt.duplicate_verdict:
        return Move(State.PENDING)
    asked = doubt.empty_lookups + 1
    if asked >= EMPTY_LOOKUPS_BEFORE_RESEND and doubt.doubt_seconds >= limits.resend_after_seconds:
        return _not_found(doubt, limits)
    problem = Problem("in_doubt", f"a deposit's outcome is unknown, and look-up {asked} did not find it")
    delay = next_look_up(asked, doubt.doubt_seconds, limits.resend_after_seconds)
    return _wait(State.IN_DOUBT, delay, problem, "It is looked up again", empty_lookups=1)


def next_look_up(empty_lookups: int, doubt_seconds: float, resend_after_seconds: float) -> float:
    """Seconds until the next look-up of a doubt, after so many empty ones."""
    if empty_lookups == 0:
        return min(15.0, resend_after_seconds / 16)
    fraction = LOOKUP_FRACTIONS[min(empty_lookups, len(LOOKUP_FRACTIONS) - 1)]
    return max(resend_after_seconds / 64, fraction * resend_after_seconds - doubt_seconds)


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
    return _wait(
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


CORRECT_IT = "Correct the invoice, then set technical_status back to 'pending'"
MEND_DOCUMENT = "Mend the document, then set technical_status back to 'pending'"
MENDING = {  # problem code -> what a person does where it is not the document that must change
    "not_identifiable": "Complete the invoice, then set technical_status back to 'pending'",
    "document_uri_unusable": "Correct document_uri, then set technical_status back to 'pending'",
    "document_changed": "Look the number up at the platform. To send it again, put back the document sent first, "
    "then set technical_status back to 'pending'",
}
GIVEN_UP = "Given up; when the cause is mended, set technical_status back to 'pending'"
PAUSED = "The account pauses and tries again by itself; check secret, customer-id, and platform URL"


def _refused_later(event: StatusEvent, limits: Limits) -> Move:
    problem = Problem(
        event.reason or event.code,
        f"{event.code} {label_of(event.code)}, said by {event.caused_by or 'the platform'}",
        platform_code=event.reason,
        platform_message=event.message,
    )
    if event.reason in DUPLICATE_REASONS:
        return _doubt(problem, limits, duplicate=True)
    return _final(State.REJECTED, problem, CORRECT_IT)


def _for_a_person(error: ProblemError, age: float) -> bool:
    late = isinstance(error, DocumentMissingError) and age > DOCUMENT_PATIENCE_SECONDS
    return late or isinstance(error, DocumentUnusableError)


def _unknown(doubt: Doubt) -> bool:
    return any(attempt.outcome in {"unknown", "not_found"} for attempt in doubt.attempts)


def _not_found(doubt: Doubt, limits: Limits) -> Move:
    if not doubt.duplicate_verdict and doubt.waited_seconds + doubt.doubt_seconds <= limits.give_up_after_seconds:
        return Move(State.PENDING, waited_seconds=doubt.doubt_seconds)
    if not doubt.duplicate_verdict:
        problem = Problem("given_up", "no deposit of this invoice was ever answered, and the platform does not have it")
        return _final(State.FAILED, problem, "Ask the platform why, then set technical_status back to 'pending'")
    problem = Problem("duplicate", "the platform calls this invoice a duplicate, and the other deposit is not ours")
    if _unknown(doubt):
        return _final(
            State.FAILED, problem, "An earlier attempt's outcome is unknown: look the number up at the platform"
        )
    return _final(State.REJECTED, problem, "Another deposit used this number: give the invoice its own, or leave it")


def _doubt(problem: Problem, limits: Limits, *, duplicate: bool) -> Move:
    return Move(
        State.IN_DOUBT,
        next_look_up(0, 0, limits.resend_after_seconds),
        error_code=problem.code,
        error_message=problem.sentence("It is looked up before anything is sent again"),
        duplicate_verdict=duplicate,
    )


def _wait(
    state: State, delay: float, problem: Problem, next_step: str, *, waited: float = 0, empty_lookups: int = 0
) -> Move:
    return Move(
        state,
        delay,
        error_code=problem.code,
        error_message=problem.sentence(next_step),
        waited_seconds=waited,
        empty_lookups=empty_lookups,
    )


def _final(state: State, problem: Problem, next_step: str) -> Move:
    return Move(state, error_code=problem.platform_code or problem.code, error_message=problem.sentence(next_step))
