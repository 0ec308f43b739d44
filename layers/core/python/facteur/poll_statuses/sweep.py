"""Statuses from the platform's search: pages of what was deposited in a time, compared with what was last seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from facteur.domain.decide_status import SILENT_SECONDS
from facteur.domain.decide_sweep import seconds_to_next_sweep, seen
from facteur.domain.metrics import Metric
from facteur.domain.status_updates import Listing, Open, Page, Seen, Sighting, Slice
from facteur.errors import NotDepositedError, StatementRefusedError
from facteur.platforms.port import Paging, Platform
from facteur.poll_statuses.services import PollServices, Step, alone, not_answered

MARGIN = timedelta(seconds=1)  # an instant inside an id is not quite that of the deposit
WIDE_MARGIN = timedelta(seconds=60)  # where only our own clock says when something was deposited
FRUITFUL = 1 / 4  # of a full page, or of many short ones, must be ours for another one to be read
MANY_PAGES = 4  # of one listing: far fewer than the budget admits at once
FEWER = 4  # where many pages show none of ours, a quarter of the numbers is asked for instead
LATE_SECONDS = 600.0  # the search may take so long to show a deposit
TELLING = 10  # deposits that a page must miss before it says something about the search
BY_NUMBER_SECONDS = 86400.0


@dataclass(slots=True)
class Sweep:
    """One slice while it is looked at. `answered`: submissions that the platform was asked for, shown or not."""

    slice: Slice
    services: PollServices
    in_time: Callable[[], bool]
    sightings: dict[str, Sighting] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    refused: bool = False
    blind: bool = False  # the platform has no search: histories are read as if it showed none of ours
    pages: int = 0
    unreadable: int = 0

    @property
    def platform(self) -> Platform:
        return self.services.platforms.of(self.slice.account)

    def missing(self) -> list[Open]:
        """Due deposits that no page has shown yet."""
        return [m for m in self.slice.members if m.due and m.platform_id not in self.sightings]

    def permitted(self) -> bool:
        """Whether there is time for one more call, and the budget admits it."""
        self.refused = not (self.in_time() and self.services.store.take_permit(self.slice.account))
        return not self.refused

    def add(self, page: Page) -> int:
        """How many of the slice's deposits a page shows."""
        ours = {member.platform_id for member in self.slice.members}
        found = {each.platform_id: each for each in page.sightings if each.platform_id in ours}
        self.sightings |= found
        self.pages += 1
        self.unreadable += page.unreadable
        return len(found)


def sweep(services: PollServices, in_time: Callable[[], bool], *, young: bool, but: Collection[str] = ()) -> Step:
    """Look at one slice. `young`: rather at one of the last hour. `but`: accounts that are followed otherwise."""
    claimed = services.store.claim_slice(young, but)
    if claimed is None:
        return Step.NOTHING
    step = Step.FAILED
    with alone(services, "sweep", account=claimed.account, deposits=len(claimed.members)):
        step = _look_at(claimed, services, in_time)
    return step  # noqa: RET504  FAILED where that raised


def _look_at(claimed: Slice, services: PollServices, in_time: Callable[[], bool]) -> Step:
    """What the pages before a failing one have shown is kept: a platform that fails often is read bit by bit."""
    swept, failure = Sweep(claimed, services, in_time), None
    try:
        if (paging := swept.platform.capabilities.search) is None:
            swept.blind = True
            swept.answered |= {member.submission_id for member in claimed.members}
        else:
            _search_by_number(swept, paging) if claimed.by_number else _search_by_date(swept, paging)
    except NotDepositedError as error:
        failure = error
    unseen, delay = _record(swept), None
    if failure:
        delay = not_answered(services, claimed.account, failure, "search", f"account:{claimed.account}")
    if unseen:
        services.store.release(unseen, delay)
    if failure:
        return Step.FAILED
    return Step.NO_PERMIT if swept.refused else Step.DONE


def _search_by_date(swept: Sweep, paging: Paging) -> None:
    """Page through the slice's time; what is late and not shown there is searched for by number."""
    members = swept.slice.members
    margin = MARGIN if all(member.dated for member in members) else WIDE_MARGIN
    since, until = members[0].deposited_at - margin, members[-1].deposited_at + margin
    listing = Listing()
    while swept.permitted():
        page = swept.platform.shown_between(since, until, listing.offset, with_numbers=swept.slice.with_numbers)
        if page is None:
            _give_up_dates(swept, "refused", paging)
            return
        found = swept.add(page)
        listing.add(page.ids)
        if listing.whole or not swept.missing():
            _after_dates(swept, paging)
            return
        full = len(page.ids) >= paging.page and found < FRUITFUL * paging.page
        if full or _fruitless(swept, listing) or listing.offset > paging.last_offset:
            _give_up_dates(swept, "crowded", paging)
            return


def _fruitless(swept: Sweep, listing: Listing) -> bool:
    """Whether many pages, however short, have shown little of ours: the next ones may be more than the budget admits at once."""
    return swept.pages >= MANY_PAGES and len(swept.sightings) < FRUITFUL * listing.offset


def _after_dates(swept: Sweep, paging: Paging) -> None:
    """All pages were read: what is young may show later, what is not has another date than we think."""
    late = [member for member in swept.missing() if member.age_seconds >= LATE_SECONDS]
    if len(late) >= TELLING and not swept.sightings:
        _give_up_dates(swept, "fruitless", paging)
        return
    swept.answered |= {m.submission_id for m in swept.missing()} - {m.submission_id for m in late}
    _search_by_number(swept, paging, late)


def _give_up_dates(swept: Sweep, reason: str, paging: Paging) -> None:
    """For a day this account's deposits are searched for by number, which costs more, but is certain."""
    swept.services.store.sweep_by_number(swept.slice.account, BY_NUMBER_SECONDS)
    swept.services.journal.warning("sweep.by_number", account=swept.slice.account, cause=reason)
    _search_by_number(swept, paging, swept.missing())


def _search_by_number(swept: Sweep, paging: Paging, deposits: Sequence[Open] | None = None) -> None:
    """Search for as many numbers at once as a query holds, again and again while the budget admits it."""
    rest = list(swept.slice.members if deposits is None else deposits)
    swept.answered |= {member.submission_id for member in rest if not member.invoice_number}
    rest = [member for member in rest if member.invoice_number]
    while rest:
        asked = _ask_for(rest, swept, paging)
        if not asked:
            return
        swept.answered |= {member.submission_id for member in rest[:asked]}
        rest = rest[asked:]
        if deposits is None:
            return  # what did not fit is due still, and goes with the next


def _ask_for(rest: Sequence[Open], swept: Sweep, paging: Paging) -> int:
    """One query, with all its pages; how many numbers it had, or 0 where the budget ended it. Of fewer where many pages show none."""
    numbers = [str(member.invoice_number) for member in rest]
    listing, pages = Listing(), 0
    while not listing.whole and listing.offset <= paging.last_offset:
        if not swept.permitted():
            return 0
        page = swept.platform.shown_under(numbers, listing.offset, with_numbers=swept.slice.with_numbers)
        numbers = numbers[: page.numbers]
        swept.add(page)
        listing.add(page.ids)
        pages += 1
        seen_of = sum(m.platform_id in swept.sightings for m in rest[: page.numbers])
        if seen_of == len(numbers):
            break
        if pages == MANY_PAGES and not seen_of and len(numbers) > 1:
            return _ask_for(rest[: max(1, len(numbers) // FEWER)], swept, paging)
    return len(numbers)


def _record(swept: Sweep) -> list[Open]:
    """Store what was seen; the due deposits that nobody got round to."""
    members, services = swept.slice.members, swept.services
    answered = [m for m in members if m.submission_id in swept.answered or m.platform_id in swept.sightings]
    together = min((seconds_to_next_sweep(m.age_seconds) for m in answered), default=0.0)
    observed = [
        seen(
            member,
            swept.sightings.get(member.platform_id),
            seconds_to_next_sweep(member.age_seconds) if swept.slice.by_number else together,
            services.limits,
            shown_lately=swept.slice.shown_lately and not swept.blind,
        )
        for member in answered
    ]
    if observed:
        fresh = _store(swept, observed)
        absent = [member for member in answered if member.platform_id not in swept.sightings]
        services.journal.event(
            "sweep.seen", account=swept.slice.account, deposits=len(observed), changed=fresh, not_shown=len(absent)
        )
        if not swept.blind:
            _note_shown(swept, sum(member.age_seconds >= SILENT_SECONDS for member in absent))
    elif swept.pages:  # a breaker that waits for an answer has it, although the page shows none of what was looked for
        services.store.platform_answered(swept.slice.account)
    return [member for member in members if member.due and member not in answered]


def _store(swept: Sweep, observed: Sequence[Seen]) -> int:
    """All of them together or, where Postgres refuses that, each by itself; how many show something new."""
    account, services = swept.slice.account, swept.services
    try:
        return _record_seen(swept, observed)
    except StatementRefusedError:
        fresh = 0
        for one in observed:
            with alone(services, "sweep", account=account, submission_id=one.submission_id):
                fresh += _record_seen(swept, [one])
        return fresh


def _record_seen(swept: Sweep, observed: Sequence[Seen]) -> int:
    asked = None if swept.blind else swept.slice.account
    fresh, mistaken = swept.services.store.record_seen(asked, observed)
    if mistaken:
        swept.services.journal.count(Metric.FAILURES, mistaken)
        swept.services.journal.warning(
            "numbers.differ", account=swept.slice.account, invoices=mistaken,
            next_step="the platform shows them under other numbers than were sent: see facteur list --mismatched",
        )  # fmt: skip
    return fresh


def _note_shown(swept: Sweep, missed: int) -> None:
    """Entries that cannot be read, and a search that shows none of ours, though it must know some by now."""
    account, journal, shown = swept.slice.account, swept.services.journal, len(swept.sightings)
    if swept.unreadable:
        swept.services.count_put_off(swept.unreadable)
        journal.warning("sweep.unreadable", account=account, entries=swept.unreadable)
    if (shown and swept.slice.not_shown) or (missed and not shown):
        swept.services.store.note_shown(account, shown, missed)
    if missed and not shown:
        journal.warning("sweep.not_shown", account=account, deposits=missed, answers=swept.slice.not_shown + 1)
