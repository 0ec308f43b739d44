"""What follows from a look-up: pure functions, no I/O, no clock of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from facteur.decide import FIRST_NEWS_SECONDS
from facteur.decision import Limits, final, next_look_up, wait
from facteur.errors import Problem
from facteur.model import Attempt, Candidate, Doubt, Move, State

EMPTY_LOOKUPS_BEFORE_RESEND = 4
SEND_AGAIN = "Ask the platform why. facteur retry sends it again, once it was looked up again"
CLOCK_SKEW = timedelta(minutes=5)  # between our database and the platform


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


def _unknown(doubt: Doubt) -> bool:
    return any(attempt.outcome in {"unknown", "not_found"} for attempt in doubt.attempts)


def _not_found(doubt: Doubt, limits: Limits) -> Move:
    if doubt.repeated_answer and not doubt.duplicate_verdict:
        told = (
            f"it was sent three times, the platform does not have it, and answered each time: {doubt.repeated_answer}"
        )
        return final(State.FAILED, Problem("unknown_thrice", told.rstrip(".")), SEND_AGAIN)
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
