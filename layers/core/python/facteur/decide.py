"""What follows from an answer, a look-up, or news: pure functions, no I/O, no clock of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from facteur.decision import CORRECT_IT, Decision, Jitter, Limits, final, in_doubt, next_look_up, wait
from facteur.errors import (
    AccountRefusedError,
    DocumentMissingError,
    DocumentUnusableError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.model import Accepted, Answer, Attempt, Candidate, Doubt, Move, Rejected, State

LONGEST_BACK_OFF_SECONDS = 3600.0
ACCOUNT_PAUSE_SECONDS = 300.0  # long enough to be quiet, short enough that a mended secret is noticed soon
DOCUMENT_PATIENCE_SECONDS = 900.0  # an application may write the row a little before the document
FIRST_NEWS_SECONDS = 5.0  # the sandbox shows the first statuses within a second
EMPTY_LOOKUPS_BEFORE_RESEND = 4
UNAUTHORISED = 401
CLOCK_SKEW = timedelta(minutes=5)  # between our database and the platform


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
            final(State.REJECTED, answer.problem, CORRECT_IT), "rejected", answer.problem, response=answer.response
        )
    move = in_doubt(answer.problem, limits, duplicate=True)
    return Decision(move, "duplicate", answer.problem, response=answer.response)


def after_unknown(problem: Problem, limits: Limits) -> Decision:
    """The deposit may have arrived: look it up, soon at first."""
    return Decision(in_doubt(problem, limits, duplicate=False), "unknown", problem)


def after_failure(
    error: ProblemError, tries: int, waited: float, age: float, limits: Limits, jitter: Jitter, state: State
) -> Decision:
    """Certainly nothing was deposited, or a look-up did not come through: the row waits in its state, and at last a person must look."""
    problem = error.problem
    if _for_a_person(error, age):
        return Decision(final(State.FAILED, problem, MENDING.get(problem.code, MEND_DOCUMENT)), problem=problem)
    if isinstance(error, AccountRefusedError):
        move = wait(state, _pause_seconds(problem, tries, jitter), problem, PAUSED)
        return Decision(move, problem=problem, pause_seconds=ACCOUNT_PAUSE_SECONDS)
    named = error.retry_after_seconds if isinstance(error, PlatformBusyError) else None
    delay = back_off(tries, jitter) if named is None else min(86400.0, max(1.0, named))
    if waited + delay > limits.give_up_after_seconds:
        return Decision(final(State.FAILED, problem, GIVEN_UP), problem=problem)
    move = wait(state, delay, problem, "It is tried again by itself", waited=delay)
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
    if not _unknown(doubt) and not doubt.duplicate_verdict:
        return Move(State.PENDING)
    asked = doubt.empty_lookups + 1
    asked_enough = asked >= EMPTY_LOOKUPS_BEFORE_RESEND and doubt.doubt_seconds >= limits.resend_after_seconds
    if strangers and (asked_enough or not _unknown(doubt)):  # ours may still come up beside them
        problem = Problem("conflicting_deposit", "the platform has another document under this number and seller")
        return final(State.FAILED, problem, f"Compare it with deposit {strangers[0].platform_id} at the platform")
    if asked_enough:
        return _not_found(doubt, limits)
    problem = Problem("in_doubt", f"a deposit's outcome is unknown, and look-up {asked} did not find it")
    delay = next_look_up(asked, doubt.doubt_seconds, limits.resend_after_seconds)
    return wait(State.IN_DOUBT, delay, problem, "It is looked up again", empty_lookups=1)


MEND_DOCUMENT = "Mend the document, then set technical_status back to 'pending'"
MENDING = {  # problem code -> what a person does where it is not the document that must change
    "not_identifiable": "Complete the invoice, then set technical_status back to 'pending'",
    "number_differs": "Correct the invoice's number or its document, then set technical_status back to 'pending'",
    "document_uri_unusable": "Correct document_uri, then set technical_status back to 'pending'",
    "document_changed": "Look the number up at the platform. To send it again, put back the document sent first, "
    "then set technical_status back to 'pending'",
}
GIVEN_UP = "Given up; when the cause is mended, set technical_status back to 'pending'"
PAUSED = "The account pauses and tries again by itself; check secret, customer-id, and platform URL"


def _pause_seconds(problem: Problem, tries: int, jitter: Jitter) -> float:
    """As long as its account. Where a firewall may refuse just this invoice, others get their turn before it."""
    in_its_words = problem.platform_code or problem.platform_message or problem.http_status == UNAUTHORISED
    own_fault = problem.code == "account_refused" and not in_its_words
    return ACCOUNT_PAUSE_SECONDS + (back_off(tries, jitter) if own_fault else 0)


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
        return final(State.FAILED, problem, "Ask the platform why, then set technical_status back to 'pending'")
    problem = Problem("duplicate", "the platform calls this invoice a duplicate, and the other deposit is not ours")
    if _unknown(doubt):
        return final(
            State.FAILED, problem, "An earlier attempt's outcome is unknown: look the number up at the platform"
        )
    return final(State.REJECTED, problem, "Another deposit used this number: give the invoice its own, or leave it")
