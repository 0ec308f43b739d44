"""Ask the platform what became of attempts whose outcome nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facteur.domain.decide_look_up import (
    after_blind_look_up,
    after_look_up,
    blindness,
    decided,
    lasted,
    may_be_sent_again,
)
from facteur.domain.decision import LOOKED_UP, Decision, Outcome
from facteur.domain.doubt import Candidate, Doubt, Holder, Question, Shown
from facteur.domain.evidence import (
    Evidence,
    attribute,
    has_our_key,
    weighed,
)
from facteur.domain.submission import Claim, State, Waiting
from facteur.errors import NotDepositedError, PlatformBusyError, Problem, UnreadableCopyError
from facteur.platforms.port import Platform
from facteur.submit_invoices.services import Lease, Services

MOST_COMPARED = 20  # copies of one each-up; a number that shows more is looked at by a person


@dataclass(frozen=True, slots=True)
class LookUp:
    """A claimed doubt that is looked up."""

    row: Waiting
    claim: Claim
    doubt: Doubt


def look_up_deposits(claimed: Sequence[tuple[Waiting, Claim]], services: Services, lease: Lease) -> None:
    """Look up claimed doubts, those of one account with one question, and record each by itself."""
    look_ups = [LookUp(row, claim, services.store.doubt(row.submission_id)) for row, claim in claimed]
    for account in dict.fromkeys(each.row.account for each in look_ups):
        _look_up([each for each in look_ups if each.row.account == account], services, lease)


def _look_up(look_ups: Sequence[LookUp], services: Services, lease: Lease) -> None:
    """A look-up that fails, or shows none of our deposits, is not an empty one."""
    began, asked = services.clock(), [each for each in look_ups if not decided(each.doubt)]
    shown: Mapping[int, Shown] = {}
    failure = None
    try:
        lease.check()
        platform = services.platforms.of(look_ups[0].row.account)
        shown = _shown(asked, platform, services)
    except NotDepositedError as error:
        failure = error
    for each in look_ups:
        found: list[tuple[int, str]] = []
        mixed_up: tuple[Candidate, ...] = ()
        answer = shown.get(each.row.submission_id)
        try:
            if failure:
                raise failure
            decision, found, mixed_up = _judged(each, answer, platform, services, lease)
        except NotDepositedError as error:
            decision = services.failed(each.row, error, each.doubt.waited_seconds)
        outcome = Outcome(each.row, each.claim, decision, found, *_shown_by(answer, mixed_up))
        (state,) = services.store.record([outcome])
        services.report(each.row, state, decision, services.clock() - began)


def _shown(look_ups: Sequence[LookUp], platform: Platform, services: Services) -> dict[int, Shown]:
    """Doubts are asked for together; what may be sent again after this look-up is asked for alone, for nothing else may hide it."""
    last = [each for each in look_ups if may_be_sent_again(each.doubt, services.limits)]
    answers: dict[int, Shown] = {}
    for ask, asked in ((platform.shown_alone, last), (platform.shown, [each for each in look_ups if each not in last])):
        if asked:
            found = ask([question(each.doubt) for each in asked])
            answers |= {each.row.submission_id: answer for each, answer in zip(asked, found, strict=True)}
    return answers


def question(doubt: Doubt) -> Question:
    """What the platform is asked for: the doubtful attempts' numbers and keys, beside the witnesses'."""
    asked = [each for each in doubt.attempts if each.outcome != "accepted"]
    numbers = {each.invoice_number for each in asked if each.invoice_number}
    keys = {each.own_key for each in asked if each.own_key}
    since = min((each.started_at for each in doubt.attempts), default=doubt.now)
    return Question(tuple(sorted(numbers)), doubt.witnesses, since, doubt.now, tuple(sorted(keys)), doubt.earlier)


def _judged(
    one: LookUp, shown: Shown | None, platform: Platform, services: Services, lease: Lease
) -> tuple[Decision, list[tuple[int, str]], tuple[Candidate, ...]]:
    """What follows, which attempt made which deposit, and the deposits that another invoice has."""
    doubt, limits = one.doubt, services.limits
    clock = lasted(doubt, shown.dated_at if shown else None, limits)
    if shown is None:
        return Decision(after_look_up(doubt, Evidence(), clock, limits), LOOKED_UP), [], ()
    lease.check()
    holders = services.store.taken_elsewhere(doubt.invoice_id, [each.platform_id for each in shown.candidates])
    copies, unread = _copies(_to_compare(shown.candidates, doubt, holders), platform)
    senders = services.store.senders(doubt.invoice_id, [each for each in copies.values() if each])
    evidence = weighed(doubt, shown.candidates, copies, holders, senders, shown.sellers)
    if unread & {each.platform_id for each in evidence.in_the_way}:
        raise UnreadableCopyError  # its bytes would decide: they are asked for again
    certain = any(not each.refused for each in evidence.ours)
    by_number = platform.capabilities.by_number
    problem = None if certain else blindness(doubt, shown, platform.answers_what_is_asked, by_number=by_number)
    if problem:
        move = after_blind_look_up(doubt, problem, one.row.tries, limits, services.jitter, evidence.ours)
        return Decision(move, LOOKED_UP), [], evidence.mixed_up
    move = after_look_up(doubt, evidence, clock, limits)
    found = attribute(doubt.attempts, evidence.ours, copies) if move.state is State.SUBMITTED else []
    return Decision(move, LOOKED_UP), found, evidence.mixed_up


def _to_compare(candidates: Sequence[Candidate], doubt: Doubt, holders: Mapping[str, Holder]) -> Sequence[Candidate]:
    """Those whose bytes say more than our key. Beside one that bears it and stands, what shows no number and is nobody's changes
    nothing, however much of that there is."""
    keyed = [each for each in candidates if has_our_key(each, doubt.attempts)]
    known = any(not each.refused and each.platform_id not in holders for each in keyed)
    return [
        each
        for each in candidates
        if each not in keyed
        and not (each.refused and _own(holders.get(each.platform_id), doubt))
        and not (known and each.invoice_number is None and each.platform_id not in holders)
    ]


def _own(holder: Holder | None, doubt: Doubt) -> bool:
    """Whether our tables know it as this invoice's: of one that was refused there is nothing to compare."""
    return holder is not None and holder.invoice_id == doubt.invoice_id


def _shown_by(
    answer: Shown | None, mixed_up: Sequence[Candidate]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The witnesses, and the ids of deposits with the invoice number that each is shown under, or has by its bytes."""
    if answer is None:
        return (), ()
    numbers = [(each.platform_id, each.invoice_number) for each in (*answer.candidates, *mixed_up)]
    return tuple(answer.witnesses), tuple((platform_id, number) for platform_id, number in numbers if number)


def _copies(candidates: Sequence[Candidate], platform: Platform) -> tuple[dict[str, str | None], set[str]]:
    """The SHA-256 of what each holds, and of which it could not be read just now."""
    if len(candidates) > MOST_COMPARED:
        words = f"the platform shows {len(candidates)} deposits that may be this invoice"
        raise PlatformBusyError(Problem("search_too_wide", words, 200))
    found, unread = dict[str, str | None](), set[str]()
    for each in candidates:
        try:
            found[each.platform_id] = platform.sha256_of(each.platform_id)
        except UnreadableCopyError:
            found[each.platform_id] = None
            unread.add(each.platform_id)
    return found, unread
