"""Statuses from a feed of events, one for all deposits of a client: stored and committed first, then its place moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from facteur.domain.decide_status import any_new
from facteur.domain.status_updates import FeedEntry
from facteur.domain.submission import StatusEvent
from facteur.errors import CursorRefusedError, NotDepositedError
from facteur.platforms.port import Platform
from facteur.poll_statuses.feed_store import Place
from facteur.poll_statuses.history import store_statuses
from facteur.poll_statuses.named import attributed
from facteur.poll_statuses.services import PollServices, alone, not_answered

FEED = "feed"
AGAIN_SECONDS = 300.0


def read_feeds(services: PollServices, accounts: Sequence[str], permitted: Callable[[str], bool]) -> int:
    """Read each account's feed to its end; how many pages were read. Whoever gets no permit has had no turn, and is first next time."""
    pages = 0
    for account in accounts:
        if permitted(account) and (place := services.feeds.take(account)):
            pages += _read(account, place, services, permitted)
    return pages


def _read(account: str, place: Place, services: PollServices, permitted: Callable[[str], bool]) -> int:
    """Page by page until one shows nothing new; the first is permitted. A place that the platform does not know is forgotten."""
    pages, cursor, seen, goes_on = 0, place.cursor, set[tuple[str, str, str]](), True
    past, dated_at, nobodys = place.reached in {None, place.cursor}, None, set[str]()
    platform: Platform | None = None
    try:
        with alone(services, FEED, account=account):
            platform = services.platforms.of(account)
            while goes_on:
                page = platform.feed(cursor, place.since, lambda: permitted(account))
                pages, dated_at = pages + 1, page.dated_at
                services.store.platform_answered(account)
                fresh = [entry for entry in page.entries if _key(entry) not in seen]
                _report_unread(account, page.passed_over, services)
                if fresh:
                    nobodys |= _store(account, fresh, platform, services)
                seen |= {_key(entry) for entry in fresh}
                shown = {entry.cursor for entry in page.entries if entry.cursor}
                past = past or place.reached in shown or shown <= {cursor}
                reached = next((entry.cursor for entry in reversed(page.entries) if entry.cursor), cursor)
                if reached is not None:
                    services.feeds.reached(account, reached, past=past, dated_at=dated_at)
                if not fresh or reached == cursor:
                    break
                cursor, goes_on = reached, permitted(account)
    except CursorRefusedError as error:
        services.feeds.reset(account)
        services.count_put_off()
        services.journal.warning(
            "feed.reset", account=account, http_status=error.problem.http_status, error_code=error.problem.code,
            next_step="nothing: the platform does not know the place any more, and the feed is read from its beginning",
        )  # fmt: skip
    except NotDepositedError as error:
        not_answered(services, account, error, FEED, f"account:{account}")
    if platform and nobodys:
        platform.nobodys(nobodys)
    services.feeds.end(account, cursor, dated_at)
    return pages


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


def _store(account: str, entries: Sequence[FeedEntry], platform: Platform, services: PollServices) -> set[str]:
    """What names its deposit first: it may say what becomes of the rest. Which statuses are nobody's that name an invoice."""
    _store_events(account, [each.event for each in entries if each.event and not each.about], platform, services)
    named = [(each.event, each.about) for each in entries if each.event and each.about]
    found, nobodys = attributed(account, named, platform, services)
    _store_events(account, found, platform, services)
    return nobodys


def _store_events(account: str, events: Sequence[StatusEvent], platform: Platform, services: PollServices) -> None:
    """Each deposit's statuses in a transaction of its own. What is of none of ours is another software's, or comes again once the
    deposit's answer is recorded; one that cannot be stored has its own history read instead, and stops no other."""
    ours = services.pulls.pulled_deposits(account, sorted({event.platform_id for event in events}))
    for platform_id, deposit in ours.items():
        due = deposit.due
        heard = [event for event in events if event.platform_id == platform_id]
        if not any_new(due, heard):
            continue
        stored = False
        with alone(services, FEED, account=account, submission_id=due.submission_id):
            store_statuses(due, heard, platform.sandbox, services, FEED)
            stored = True
        if not stored:
            services.feeds.want_history(due.submission_id, AGAIN_SECONDS)
