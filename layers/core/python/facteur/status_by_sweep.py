"""News from the platform's search: pages of what was deposited in a time, compared with what was last seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from facteur.decide_status import SILENT_SECONDS, next_look, seen
from facteur.errors import NotDepositedError, StatementRefusedError
from facteur.metrics import Metric
from facteur.status_ports import NewsPlatform
from facteur.status_services import PollServices, Step, alone, not_answered
from facteur.status_updates import PAGE, Listing, Open, Page, Seen, Sighting, Slice

LAST_OFFSET = 1000  # search refuses more
MARGIN = timedelta(seconds=1)  # an instant inside an id is not quite that of the deposit
WIDE_MARGIN = timedelta(seconds=60)  # where only our own clock says when something was deposited
FRUITFUL = PAGE // 4  # deposits of ours that a full page must show for another one to be read
LATE_SECONDS = 600.0  # the search may take so long to show a deposit
TELLING = 10  # deposits that a page must miss before it says something about the search
BY_NUMBER_SECONDS = 86400.0


@dataclass(slots=True)
class Look:
    """One slice while it is looked at. `answered`: submissions that the platform was asked for, shown or not."""

    slice: Slice
    services: PollServices
    in_time: Callable[[], bool]
    sightings: dict[str, Sighting] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    refused: bool = False
    pages: int = 0
    unreadable: int = 0

    @property
    def platform(self) -> NewsPlatform:
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


def sweep(services: PollServices, in_time: Callable[[], bool], *, young: bool) -> Step:
    """Look at one slice. `young`: rather at one of the last hour."""
    claimed = services.store.claim_slice(young)
    if claimed is None:
        return Step.NOTHING
    step = Step.FAILED
    with alone(services, "sweep", account=claimed.account, deposits=len(claimed.members)):
        step = _look_at(claimed, services, in_time)
    return step  # noqa: RET504  FAILED where that raised


def _look_at(claimed: Slice, services: PollServices, in_time: Callable[[], bool]) -> Step:
    """What the pages before a failing one have shown is kept: a platform that fails often is read bit by bit."""
    look, failure = Look(claimed, services, in_time), None
    try:
        _look_by_number(look) if claimed.by_number else _look_by_date(look)
    except NotDepositedError as error:
        failure = error
    unseen, delay = _record(look), None
    if failure:
        delay = not_answered(services, claimed.account, failure, "search", f"account:{claimed.account}")
    if unseen:
        services.store.release(unseen, delay)
    if failure:
        return Step.FAILED
    return Step.NO_PERMIT if look.refused else Step.DONE


def _look_by_date(look: Look) -> None:
    """Page through the slice's time; what is late and not shown there is searched for by number."""
    members = look.slice.members
    margin = MARGIN if all(member.dated for member in members) else WIDE_MARGIN
    since, until = members[0].deposited_at - margin, members[-1].deposited_at + margin
    listing = Listing()
    while look.permitted():
        page = look.platform.shown_between(since, until, listing.offset, with_numbers=look.slice.with_numbers)
        if page is None:
            _give_up_dates(look, "refused")
            return
        found = look.add(page)
        listing.add(page.ids)
        if listing.whole or not look.missing():
            _after_dates(look)
            return
        if (len(page.ids) >= PAGE and found < FRUITFUL) or listing.offset > LAST_OFFSET:
            _give_up_dates(look, "crowded")
            return


def _after_dates(look: Look) -> None:
    """All pages were read: what is young may show later, what is not has another date than we think."""
    late = [member for member in look.missing() if member.age_seconds >= LATE_SECONDS]
    if len(late) >= TELLING and not look.sightings:
        _give_up_dates(look, "fruitless")
        return
    look.answered |= {m.submission_id for m in look.missing()} - {m.submission_id for m in late}
    _look_by_number(look, late)


def _give_up_dates(look: Look, reason: str) -> None:
    """For a day this account's deposits are searched for by number, which costs more, but is certain."""
    look.services.store.sweep_by_number(look.slice.account, BY_NUMBER_SECONDS)
    look.services.journal.warning("sweep.by_number", account=look.slice.account, cause=reason)
    _look_by_number(look, look.missing())


def _look_by_number(look: Look, deposits: Sequence[Open] | None = None) -> None:
    """Search for as many numbers at once as a query holds, again and again while the budget admits it."""
    rest = list(look.slice.members if deposits is None else deposits)
    look.answered |= {member.submission_id for member in rest if not member.invoice_number}
    rest = [member for member in rest if member.invoice_number]
    while rest:
        asked = _ask_for(rest, look)
        if not asked:
            return
        look.answered |= {member.submission_id for member in rest[:asked]}
        rest = rest[asked:]
        if deposits is None:
            return  # what did not fit is due still, and goes with the next


def _ask_for(rest: Sequence[Open], look: Look) -> int:
    """One query, with all its pages; how many numbers it held, or 0 where the budget ended it."""
    numbers = [str(member.invoice_number) for member in rest]
    listing = Listing()
    while not listing.whole and listing.offset <= LAST_OFFSET:
        if not look.permitted():
            return 0
        page = look.platform.shown_under(numbers, listing.offset, with_numbers=look.slice.with_numbers)
        numbers = numbers[: page.numbers]
        look.add(page)
        listing.add(page.ids)
        if all(m.platform_id in look.sightings for m in rest[: page.numbers]):
            break
    return len(numbers)


def _record(look: Look) -> list[Open]:
    """Store what was seen; the due deposits that nobody got round to."""
    members, services = look.slice.members, look.services
    answered = [m for m in members if m.submission_id in look.answered or m.platform_id in look.sightings]
    together = min((next_look(m.age_seconds) for m in answered), default=0.0)
    observed = [
        seen(
            member,
            look.sightings.get(member.platform_id),
            next_look(member.age_seconds) if look.slice.by_number else together,
            services.limits,
            shown_lately=look.slice.shown_lately,
        )
        for member in answered
    ]
    if observed:
        fresh = _store(look, observed)
        absent = [member for member in answered if member.platform_id not in look.sightings]
        services.journal.event(
            "sweep.seen", account=look.slice.account, deposits=len(observed), changed=fresh, not_shown=len(absent)
        )
        _note_shown(look, sum(member.age_seconds >= SILENT_SECONDS for member in absent))
    elif look.pages:  # a breaker that waits for an answer has it, although the page shows none of what was looked for
        services.store.platform_answered(look.slice.account)
    return [member for member in members if member.due and member not in answered]


def _store(look: Look, observed: Sequence[Seen]) -> int:
    """All of them together or, where Postgres refuses that, each by itself; how many show something new."""
    account, services = look.slice.account, look.services
    try:
        return _record_seen(look, observed)
    except StatementRefusedError:
        fresh = 0
        for one in observed:
            with alone(services, "sweep", account=account, submission_id=one.submission_id):
                fresh += _record_seen(look, [one])
        return fresh


def _record_seen(look: Look, observed: Sequence[Seen]) -> int:
    fresh, mistaken = look.services.store.record_seen(look.slice.account, observed)
    if mistaken:
        look.services.journal.count(Metric.FAILURES, mistaken)
        look.services.journal.warning(
            "numbers.differ", account=look.slice.account, invoices=mistaken,
            next_step="the platform shows them under other numbers than were sent: see facteur list --mismatched",
        )  # fmt: skip
    return fresh


def _note_shown(look: Look, missed: int) -> None:
    """Entries that cannot be read, and a search that shows none of ours, though it must know some by now."""
    account, journal, shown = look.slice.account, look.services.journal, len(look.sightings)
    if look.unreadable:
        look.services.count_put_off(look.unreadable)
        journal.warning("sweep.unreadable", account=account, entries=look.unreadable)
    if (shown and look.slice.not_shown) or (missed and not shown):
        look.services.store.note_shown(account, shown, missed)
    if missed and not shown:
        journal.warning("sweep.not_shown", account=account, deposits=missed, answers=look.slice.not_shown + 1)
