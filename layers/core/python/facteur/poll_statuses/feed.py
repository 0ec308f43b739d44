"""Statuses from a feed of events, one for all deposits of a client: stored and committed first, then its place moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from facteur.domain.decide_status import any_new
from facteur.domain.metrics import Metric
from facteur.domain.status_updates import FeedEntry
from facteur.domain.submission import StatusEvent
from facteur.errors import NotDepositedError
from facteur.platforms.port import Platform
from facteur.poll_statuses.feed_failures import Reading, after_failure
from facteur.poll_statuses.feed_store import Place
from facteur.poll_statuses.history import store_statuses
from facteur.poll_statuses.named import attributed
from facteur.poll_statuses.services import FEED, PollServices, alone

AGAIN_SECONDS = 300.0


def read_feeds(services: PollServices, accounts: Sequence[str], permitted: Callable[[str], bool]) -> int:
    """Read each account's feed to its end; how many pages were read. Whoever gets no permit has had no turn, and is first next time."""
    pages = 0
    for account in accounts:
        if permitted(account) and (place := services.feeds.take(account)):
            pages += _read(account, place, services, permitted)
    if accounts and (refusals := services.feeds.ambiguous()):
        services.journal.count(Metric.STATUSES_PUT_OFF, refusals)  # a person's: it rings for as long as status says it
    return pages


def _read(account: str, place: Place, services: PollServices, permitted: Callable[[str], bool]) -> int:
    """One turn; the first page is permitted. How many pages were read."""
    reading = Reading(account, place, place.cursor)
    failed_seconds: float | None = 0.0
    with alone(services, FEED, account=account):
        try:
            reading.platform = services.platforms.of(account)
            _read_pages(reading, reading.platform, services, permitted)
            failed_seconds = None
        except NotDepositedError as error:
            failed_seconds = after_failure(reading, error, services)
    if reading.platform and reading.nobodys:
        reading.platform.nobodys(reading.nobodys)
    if reading.foreign:
        _report_foreign(reading, services)
    services.feeds.end(account, reading.cursor, reading.dated_at, failed_seconds)
    return reading.pages


def _read_pages(reading: Reading, platform: Platform, services: PollServices, permitted: Callable[[str], bool]) -> None:
    """Page by page until one shows nothing new."""
    account, place, seen, goes_on = reading.account, reading.place, set[tuple[str, str, str]](), True
    past = place.reached in {None, place.cursor}
    while goes_on:
        page = platform.feed(reading.cursor, place.since, lambda: permitted(account))
        reading.pages, reading.dated_at = reading.pages + 1, page.dated_at
        services.store.platform_answered(account)
        fresh = [entry for entry in page.entries if _key(entry) not in seen]
        _report_unread(account, page.passed_over, services)
        if fresh:
            _store(reading, fresh, platform, services)
        seen |= {_key(entry) for entry in fresh}
        shown = {entry.cursor for entry in page.entries if entry.cursor}
        past = past or place.reached in shown or shown <= {reading.cursor}
        reached = next((entry.cursor for entry in reversed(page.entries) if entry.cursor), reading.cursor)
        if reached is not None:
            services.feeds.reached(account, reached, past=past, dated_at=page.dated_at)
        if not fresh or reached == reading.cursor:
            break
        reading.cursor, goes_on = reached, permitted(account)


def _key(entry: FeedEntry) -> tuple[str, str, str]:
    event = entry.event
    return (entry.cursor or "", event.status_id if event else "", event.code if event else "")


def _report_unread(account: str, passed_over: Sequence[str], services: PollServices) -> None:
    for cause in passed_over:
        services.count_put_off()
        services.journal.warning(
            "feed.passed_over", account=account, cause=cause,
            next_step="look at it at the platform: what it says of an invoice is not known here",
        )  # fmt: skip


def _report_foreign(reading: Reading, services: PollServices) -> None:
    services.journal.count(Metric.FOREIGN_STATUSES, len(reading.foreign))
    services.journal.event(
        "feed.foreign", account=reading.account, foreign=len(reading.foreign),
        next_step="nothing, if other software deposits or receives with this account; else look for them at the platform: they are of no "
                  "deposit that Facteur made or knows yet, and are stored of none",
    )  # fmt: skip
    services.feeds.note_foreign(reading.account, max(reading.foreign))


def _store(reading: Reading, entries: Sequence[FeedEntry], platform: Platform, services: PollServices) -> None:
    """What names its deposit first: it may say what becomes of the rest. What is of none of our deposits is noted, once by its date."""
    account, until = reading.account, reading.place.foreign_until
    ours = _store_events(account, [each.event for each in entries if each.event and not each.about], platform, services)
    named = [(each.event, each.about) for each in entries if each.event and each.about]
    found, nobodys = attributed(account, named, platform, services)
    _store_events(account, found, platform, services)
    reading.nobodys |= nobodys
    foreign = [
        each.recorded_at
        for each in entries
        if each.event and (each.event.status_id in nobodys if each.about else each.event.platform_id not in ours)
    ]
    reading.foreign += [at for at in foreign if at and (until is None or at > until)]


def _store_events(
    account: str, events: Sequence[StatusEvent], platform: Platform, services: PollServices
) -> Collection[str]:
    """Each deposit's statuses in a transaction of its own; which deposits are ours. What is of none of ours is another software's, or
    comes again once the deposit's answer is recorded; one that cannot be stored has its own history read instead, and stops no other."""
    ours = services.pulls.pulled_deposits(account, sorted({event.platform_id for event in events}))
    for platform_id, deposit in ours.items():
        due = deposit.due
        heard = [event for event in events if event.platform_id == platform_id]
        if not any_new(due, heard):
            continue
        stored = False
        with alone(services, FEED, account=account, submission_id=due.submission_id):
            stored = not store_statuses(due, heard, platform.sandbox, services, FEED)
        if not stored:
            services.feeds.want_history(due.submission_id, AGAIN_SECONDS)
    return ours
