"""Whose the deposits are that a look-up shows, and which attempt made them: pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto

from facteur.domain.doubt import Attempt, Candidate, Doubt, Holder
from facteur.domain.identity import may_be_of, may_share_number, plain, same_invoice

UNKNOWN = "unknown"  # in the place of a SHA-256: of what a person adopted, and nobody compared


class Kinship(Enum):
    """Whose a deposit is that the platform shows under a doubt's number."""

    OURS = auto()
    UNSURE = auto()  # it may be ours, and nothing proves it: a person compares
    ANOTHERS = auto()  # another document under our number
    STRANGERS = auto()  # of another seller than ours is shown as, and of another amount: it does not concern us


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a look-up found: our own deposits, best first, those in the way, and whose the known ones are.

    `mixed_up`: those in the way that our tables know as another invoice's, each with the number that the platform shows or its bytes
    have; not where nobody knows which bytes that invoice sent.
    """

    ours: tuple[Candidate, ...] = ()
    in_the_way: tuple[Candidate, ...] = ()
    holders: Mapping[str, Holder] | None = None
    mixed_up: tuple[Candidate, ...] = ()


def kinship(candidate: Candidate, sha256: str | None, doubt: Doubt, shown_sellers: Collection[str] = ()) -> Kinship:
    """By our key or the bytes where the platform shows them; else by number, seller, amount and currency, if all agree.

    What is not shown is no evidence, neither for nor against. A deposit that another open doubt could claim as well, one that the
    platform refused, and one with another key are settled by the bytes alone. That it is of another seller counts only where a
    witness is shown (`shown_sellers`) to be of ours: else our rows may name sellers that their documents do not.
    """
    if has_our_key(candidate, doubt.attempts):
        return Kinship.OURS
    if sha256 is not None and any(attempt.document_sha256 == sha256 for attempt in doubt.attempts):
        return Kinship.OURS
    sellers = {attempt.seller_siren for attempt in doubt.attempts if attempt.seller_siren}
    totals = {attempt.total for attempt in doubt.attempts}
    another_amount = candidate.total is not None and None not in totals and candidate.total not in totals
    # A row may name another seller than its document, and a copy may be a converted one: neither alone makes it a stranger's.
    known = bool(candidate.seller_siren and sellers and sellers.issubset(shown_sellers))
    foreign = known and candidate.seller_siren not in sellers and another_amount
    if sha256 is not None:
        return Kinship.STRANGERS if foreign else Kinship.ANOTHERS
    another_key = candidate.own_key is not None
    contested = candidate.refused or another_key or any(may_be_of(candidate, rival) for rival in doubt.rivals)
    if not contested and any(same_invoice(candidate, attempt) for attempt in doubt.attempts):
        return Kinship.OURS
    return Kinship.STRANGERS if foreign else Kinship.UNSURE


def has_our_key(candidate: Candidate, attempts: Iterable[Attempt]) -> bool:
    """Whether it was sent with the key of one of these attempts: nobody else knows it, in whichever case the platform shows it."""
    return candidate.own_key is not None and any(
        attempt.own_key is not None and attempt.own_key.casefold() == candidate.own_key.casefold()
        for attempt in attempts
    )


def weighed(
    doubt: Doubt,
    candidates: Iterable[Candidate],
    copies: Mapping[str, str | None],
    holders: Mapping[str, Holder],
    senders: Collection[Attempt] = (),
    shown_sellers: Collection[str] = (),
) -> Evidence:
    """Sort what was shown, the platform's good deposits first, then oldest first.

    Args:
        copies: the SHA-256 of each candidate's copy; None where the platform shows none, or it was not asked for one.
        holders: those that our own tables know as somebody's.
        senders: attempts of other invoices that sent one of these copies.
        shown_sellers: whose the witnesses are, as the platform shows them.
    """
    swapped = tuple(
        _under_its_number(each, copies.get(each.platform_id), doubt)
        for each in candidates
        if each.platform_id in holders
        and _wrongly_taken(each, copies.get(each.platform_id), holders[each.platform_id], doubt)
    )
    free = [each for each in candidates if each.platform_id not in holders]
    free = [each for each in free if not (doubt.duplicate_verdict and each.refused)]  # the duplicate itself
    free = [each for each in free if not _is_anothers(each, copies.get(each.platform_id), senders, doubt)]
    theirs = _sent_elsewhere(doubt, holders)
    free = [each for each in free if has_our_key(each, doubt.attempts) or copies.get(each.platform_id) not in theirs]
    free.sort(key=lambda c: (c.refused, c.created_at or datetime.min.replace(tzinfo=UTC), c.platform_id))
    kin = {each.platform_id: kinship(each, copies.get(each.platform_id), doubt, shown_sellers) for each in free}
    ours = tuple(each for each in free if kin[each.platform_id] is Kinship.OURS)
    others = tuple(each for each in free if kin[each.platform_id] in {Kinship.UNSURE, Kinship.ANOTHERS})
    certain = tuple(each for each in swapped if UNKNOWN not in holders[each.platform_id].sent)
    return Evidence(ours, swapped + others, holders, certain)


def _under_its_number(candidate: Candidate, sha256: str | None, doubt: Doubt) -> Candidate:
    """With the number of the attempt that sent its key or bytes, where the platform shows none."""
    sent = [each for each in doubt.attempts if each.document_sha256 == sha256 or has_our_key(candidate, [each])]
    numbers = [each.invoice_number for each in sent]
    return candidate if candidate.invoice_number or not numbers else replace(candidate, invoice_number=numbers[-1])


def _is_anothers(candidate: Candidate, sha256: str | None, senders: Collection[Attempt], doubt: Doubt) -> bool:
    """Whether a deposit is a document that other rows sent, and we did not, of another number or seller than ours: it is theirs by its
    bytes, whether its doubt is settled or not, and however little the platform shows of it. What it shows under our number, and they
    sent under another, was mixed up.
    """
    theirs = [each for each in senders if each.document_sha256 == sha256]
    if not theirs or has_our_key(candidate, doubt.attempts):
        return False
    if any(each.document_sha256 == sha256 for each in doubt.attempts):
        return False
    numbers = {plain(each.invoice_number) for each in doubt.attempts}
    shown = plain(candidate.invoice_number)
    mixed_up = bool(shown) and shown in numbers and all(plain(each.invoice_number) != shown for each in theirs)
    return not mixed_up and not any(may_share_number(their, ours) for their in theirs for ours in doubt.attempts)


def _sent_elsewhere(doubt: Doubt, holders: Mapping[str, Holder]) -> frozenset[str]:
    """The SHA-256 of what other rows sent under this number and we did not: a second deposit of it, by hand say, is theirs as well.

    Not where their own was refused: then another that stands has the number, and ours may be meant to take its place.
    """
    standing = [each for each in holders.values() if each.invoice_id != doubt.invoice_id and not each.refused]
    sent = frozenset().union(*(each.sent for each in standing))
    return sent - {attempt.document_sha256 for attempt in doubt.attempts}


def _wrongly_taken(candidate: Candidate, sha256: str | None, holder: Holder, doubt: Doubt) -> bool:
    """Whether a deposit that is another's by our tables is this one by what the platform shows: its answers were mixed up.

    By our key, or the bytes where there is a copy, else by the number: so one that the platform refused stays where it is.
    """
    if has_our_key(candidate, doubt.attempts):
        return holder.invoice_id != doubt.invoice_id
    if sha256 is not None:
        return any(attempt.document_sha256 == sha256 for attempt in doubt.attempts) and sha256 not in holder.sent
    if candidate.refused:
        return False
    number = plain(candidate.invoice_number)
    ours = {plain(attempt.invoice_number) for attempt in doubt.attempts}
    return bool(number and number in ours and holder.numbers and number not in map(plain, holder.numbers))


def attribute(
    attempts: Sequence[Attempt], ours: Sequence[Candidate], copies: Mapping[str, str | None]
) -> list[tuple[int, str]]:
    """Which attempt made which deposit: one with its key or bytes, the latest open one that had begun by then, each attempt once.

    Where one of them stands, a refused one is no attempt's: it would be taken for the invoice's. Where the platform refused them all
    the oldest comes first: that one is adopted, and a later one is a person's, by hand.
    """
    free = [attempt for attempt in attempts if attempt.outcome in {"unknown", "not_found"}]
    pairs = []
    standing = [each for each in ours if not each.refused]
    latest_first = sorted(standing, key=lambda c: (c.created_at is not None, c.created_at), reverse=True)
    for candidate in latest_first or ours:
        sha256 = copies.get(candidate.platform_id)
        keyed = [each for each in free if has_our_key(candidate, [each])]
        fitting = keyed or [each for each in free if sha256 in {None, each.document_sha256}]
        begun = [each for each in fitting if candidate.created_at is None or each.started_at <= candidate.created_at]
        if chosen := begun[-1:] or fitting[:1]:
            pairs.append((chosen[0].attempt_id, candidate.platform_id))
            free.remove(chosen[0])
    return pairs
