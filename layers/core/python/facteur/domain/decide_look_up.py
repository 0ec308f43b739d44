"""What follows from a look-up: pure functions, no I/O, no clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from facteur.domain.decide_deposit import FIRST_STATUS_SECONDS, back_off
from facteur.domain.decision import Jitter, Limits, final, next_look_up, wait
from facteur.domain.doubt import Candidate, Doubt, DoubtClock, Holder, Shown
from facteur.domain.evidence import Evidence
from facteur.domain.submission import Move, State
from facteur.errors import Problem

EMPTY_LOOKUPS_BEFORE_RESEND = 4
SEND_AGAIN = (
    "Correct the invoice where that names a mistake in it, and facteur reject before it goes back to 'pending': another document "
    "is not sent otherwise. Else ask the platform why; facteur retry sends it again, once it was looked up again"
)
PICKED_UP_SECONDS = 60.0  # a look-up that is due is begun within a minute
NUMBER_UNKNOWN = "number_unknown"
UNDATED = 1 / 2  # of the time that our clock alone says
BELIEVED = timedelta(days=1)  # a platform's Date that is further from ours says nothing


def lasted(doubt: Doubt, dated_at: datetime | None, limits: Limits) -> DoubtClock:
    """How long a doubt has lasted by both clocks, once the platform has answered and said that it is `dated_at`.

    The platform's time begins with the first look-up: nobody knows what it was at the attempt. Its Date counts as far as it passes
    the latest one seen; one that is old, stands still, goes back, or is absurd adds nothing. Where it does not say, our clock may
    have been set forward, which makes a look-up due at once: no more counts than the wait that was planned and a minute, and of that so
    much less that one jump over the longest wait is made good by the others.
    """
    known, latest = doubt.clock, doubt.clock.dated_at if doubt.clock else None
    ours = (doubt.now - known.looked_up_at).total_seconds() if known else doubt.doubt_seconds
    seconds = known.seconds if known else 0.0
    if dated_at is None:
        planned = next_look_up(doubt.empty_lookups, seconds, limits.resend_after_seconds)
        counted = UNDATED * min(planned + min(planned, PICKED_UP_SECONDS), max(0.0, ours))
        return DoubtClock(seconds + counted, doubt.now, latest + timedelta(seconds=counted) if latest else None)
    if abs(dated_at - doubt.now) > BELIEVED:
        return DoubtClock(seconds, doubt.now, latest)
    theirs = (dated_at - latest).total_seconds() if latest else 0.0
    return DoubtClock(seconds + max(0.0, min(ours, theirs)), doubt.now, max(dated_at, latest) if latest else dated_at)


def decided(doubt: Doubt) -> bool:
    """Whether it is known without a search what follows: a deposit that was answered after all, or nothing unknown."""
    return bool(_accepted(doubt)) or (not _unknown(doubt) and not doubt.duplicate_verdict)


def may_be_sent_again(doubt: Doubt, limits: Limits) -> bool:
    """Whether a look-up that finds nothing now can be the last one: the platform's clock counts no more than ours."""
    ours = max(0.0, (doubt.now - doubt.clock.looked_up_at).total_seconds() if doubt.clock else doubt.doubt_seconds)
    seconds = (doubt.clock.seconds if doubt.clock else 0.0) + ours
    return doubt.empty_lookups + 1 >= EMPTY_LOOKUPS_BEFORE_RESEND and seconds >= limits.resend_after_seconds


def after_look_up(doubt: Doubt, evidence: Evidence, clock: DoubtClock, limits: Limits) -> Move:
    """A look-up whose silence counts: adopt what is ours, stop at conflicting evidence, else look again, and at last send again.

    Of ours, one that the platform refused is no answer yet: it may be an older one of the same bytes, and the good one may come up.
    """
    asked = doubt.empty_lookups + 1
    asked_enough = asked >= EMPTY_LOOKUPS_BEFORE_RESEND and clock.seconds >= limits.resend_after_seconds
    known = _accepted(doubt) or [each.platform_id for each in evidence.ours if asked_enough or not each.refused]
    if known:
        return Move(State.SUBMITTED, FIRST_STATUS_SECONDS, platform_id=known[0])
    if decided(doubt):
        return Move(State.PENDING)
    if evidence.in_the_way and (asked_enough or not _unknown(doubt)):  # ours may still come up beside them
        return _in_the_way(doubt, evidence.in_the_way[0], evidence.holders or {})
    if asked_enough:
        return _not_found(doubt, evidence, limits)
    if _too_long(doubt, limits):
        words = (
            f"looked up {asked} times, and the platform's clock has moved on by only {clock.seconds:.0f} s meanwhile"
        )
        return final(State.FAILED, Problem("given_up", words), LOOK_AT_THE_PLATFORM)
    problem = Problem("in_doubt", f"a deposit's outcome is unknown, and look-up {asked} did not find it")
    delay = next_look_up(asked, clock.seconds, limits.resend_after_seconds)
    return wait(State.IN_DOUBT, delay, problem, "It is looked up again", empty_lookups=1, clock=clock)


def blindness(
    doubt: Doubt, shown: Shown, answers_what_is_asked: Callable[[], bool], *, by_number: bool = True
) -> Problem | None:
    """Why a look-up that found nothing says nothing; None: its silence counts. Not `by_number`: the search goes by our keys alone."""
    if not _is_searchable(doubt, by_number):
        words = "no number could be read in what was sent, so nobody knows under which one the platform shows it"
        keyless = "it is not known with which key of ours it was sent, and this platform's search knows no numbers"
        return Problem(NUMBER_UNKNOWN, words if by_number else keyless)
    if not doubt.witnesses:
        words = "no other deposit of this account and seller has been shown by its search yet"
        return Problem("no_witness", f"{words}, so an empty answer and a blind one look the same")
    if not shown.witnesses:
        words = f"the search shows none of the deposits that it must have, such as {doubt.witnesses[0].platform_id}"
        return Problem("search_not_credible", f"{words}, so it says nothing of this one")
    if shown.lacking:
        words = f"the list ends before deposit {shown.lacking}, which it must have, so it says nothing of this one"
        return Problem("search_not_whole", words)
    if not answers_what_is_asked():
        return Problem(
            "search_not_credible", "the search shows deposits under a number that nobody has, so it says nothing"
        )
    return None


def _is_searchable(doubt: Doubt, by_number: bool) -> bool:
    asked = [attempt for attempt in doubt.attempts if attempt.outcome != "accepted"]
    return bool(asked) and all(attempt.is_searchable(by_number) for attempt in asked)


def after_blind_look_up(
    doubt: Doubt, problem: Problem, tries: int, limits: Limits, jitter: Jitter, refused: Sequence[Candidate] = ()
) -> Move:
    """Such a look-up is a failed one: nothing is sent, and at last a person must look. `refused`: what it showed of ours, if anything."""
    delay = back_off(tries, jitter)
    if _too_long(doubt, limits) or doubt.waited_seconds + delay > limits.give_up_after_seconds:
        otherwise = ENTER_ANEW if problem.code == NUMBER_UNKNOWN else LOOK_AT_THE_PLATFORM
        return final(State.FAILED, problem, _refused_there(doubt, refused[0]) if refused else otherwise)
    step = "It is looked up again; a further invoice that is deposited for this seller is such a witness"
    return wait(
        State.IN_DOUBT, delay, problem, step if problem.code == "no_witness" else "It is looked up again", waited=delay
    )


LOOK_AT_THE_PLATFORM = (
    "Look its number up at the platform: if it is there, `facteur adopt` it; if it is not, set technical_status back to "
    "'pending', and it is looked up once more before anything is sent"
)

ENTER_ANEW = (
    "Look for it at the platform: if it is there, `facteur adopt` it; if it is not, enter it as a row of its own, "
    "with a number of its own"
)


def _refused_there(doubt: Doubt, refused: Candidate) -> str:
    """Another deposit of the same bytes may stand that such a search does not show: only a person can say that there is none."""
    return (
        f"It shows deposit {refused.platform_id} of this very document, which the platform refused. Look the number up there: if no "
        f'other has it, facteur adopt id:{doubt.invoice_id} {refused.platform_id} --unverified --why "…", and a corrected one can follow'
    )


def _in_the_way(doubt: Doubt, other: Candidate, holders: Mapping[str, Holder]) -> Move:
    if holder := holders.get(other.platform_id):
        words = f"the platform shows deposit {other.platform_id}, which row id:{holder.invoice_id} has, as this invoice"
        return final(
            State.FAILED,
            Problem("conflicting_deposit", words),
            "Compare both at the platform; nothing is sent again meanwhile",
        )
    problem = Problem(
        "conflicting_deposit", "the platform has another deposit under this number, which is not certainly ours"
    )
    step = (
        f"Compare it with deposit {other.platform_id} at the platform: if that is this invoice, facteur adopt id:{doubt.invoice_id} "
        f'{other.platform_id} --why "…"; if not, enter this invoice as a row of its own, with a number of its own'
    )
    return final(State.FAILED, problem, step)


def _not_found(doubt: Doubt, evidence: Evidence, limits: Limits) -> Move:
    if doubt.repeated_answer and not doubt.duplicate_verdict:
        words = (
            f"it was sent three times, the platform does not have it, and each call ended so: {doubt.repeated_answer}"
        )
        return final(State.FAILED, Problem("unknown_thrice", words.rstrip(".")), SEND_AGAIN)
    if not doubt.duplicate_verdict and doubt.waited_seconds + _own_seconds(doubt) <= limits.give_up_after_seconds:
        return Move(State.PENDING, waited_seconds=_own_seconds(doubt))
    if not doubt.duplicate_verdict:
        problem = Problem("given_up", "no deposit of this invoice was ever answered, and the platform does not have it")
        return final(State.FAILED, problem, "Ask the platform why, then set technical_status back to 'pending'")
    holders = _bearing_out(doubt, evidence.holders or {})
    words, step = _whose(doubt, holders)
    problem = Problem("duplicate", f"the platform calls this invoice a duplicate, and {words}")
    if _unknown(doubt):
        return final(State.FAILED, problem, f"An earlier attempt's outcome is unknown. {LOOK_AT_THE_PLATFORM}")
    if not holders:  # a verdict that nothing bears out is a question, however old
        return final(State.FAILED, problem, f"{step}. If it is this invoice, facteur adopt it")
    return final(State.REJECTED, problem, step)


def _bearing_out(doubt: Doubt, holders: Mapping[str, Holder]) -> Mapping[str, Holder]:
    """Who has the other deposit: the one that is called a duplicate is no evidence that it is one."""
    called = {each.platform_id for each in doubt.attempts if each.outcome == "duplicate"}
    return {key: each for key, each in holders.items() if key not in called or each.invoice_id != doubt.invoice_id}


def _whose(doubt: Doubt, holders: Mapping[str, Holder]) -> tuple[str, str]:
    """Who has the number, as far as our own tables know, and what a person does."""
    own_number = "Give this invoice a number of its own, or leave it"
    for platform_id, holder in sorted(holders.items(), key=lambda item: item[1].refused):
        if holder.invoice_id != doubt.invoice_id:
            return f"row id:{holder.invoice_id} deposited this number (deposit {platform_id})", own_number
        return (
            f"its own rejected deposit {platform_id} keeps the number",
            "Correct the invoice under a number of its own, or ask the platform to free this one",
        )
    return "the other deposit is not shown as ours", own_number


def _too_long(doubt: Doubt, limits: Limits) -> bool:
    return max(_own_seconds(doubt), doubt.waited_seconds) > limits.give_up_after_seconds


def _own_seconds(doubt: Doubt) -> float:
    """Of the doubt's time, what is the invoice's own: while the platform was down, or its account waited, nobody could look."""
    return max(0.0, doubt.doubt_seconds - doubt.excused_seconds)


def _accepted(doubt: Doubt) -> list[str]:
    return [each.platform_id for each in doubt.attempts if each.outcome == "accepted" and each.platform_id]


def _unknown(doubt: Doubt) -> bool:
    return any(attempt.outcome in {"unknown", "not_found"} for attempt in doubt.attempts)
