"""What a platform shows of a day, read page by page: a permit before each call, and no listing believed that has no end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from facteur.domain.status_updates import Listing, Page, Sighting
from facteur.errors import OperatorError, PlatformBusyError, Problem
from facteur.platforms.port import Platform

if TYPE_CHECKING:
    from facteur.operate.reconcile.store import Reconciling

NARROWEST = timedelta(seconds=4)
TOO_WIDE = Problem("search_too_wide", "since then there are more deposits than the platform's list lets us read", 200)


class NoPermitError(Exception):
    """The budget has no call left for now."""


class NoDatesError(Exception):
    """The account may not search by date."""


def all_between(
    books: Reconciling, search: Platform, account: str, since: datetime, until: datetime
) -> tuple[list[Sighting], bool, datetime]:
    """Every deposit of a time, and whether there are some that do not say which they are. The time is halved while the platform shows
    no end of it."""
    while True:
        found = _pages(books, search, account, since, until)
        if found is not None:
            shown, unreadable = found
            return _of_time(shown, since, until), unreadable, until
        if until - since < NARROWEST:
            raise OperatorError(
                f"account {account} has more deposits around {since.isoformat()} than search lets us read"
            )
        until = since + (until - since) / 2


def _pages(
    books: Reconciling, search: Platform, account: str, since: datetime, until: datetime
) -> tuple[list[Sighting], bool] | None:
    """All pages of a time; None where they have no end."""
    found, listing, unreadable = dict[str, Sighting](), Listing(), False
    while not listing.whole:
        if listing.offset > _last_offset(search):
            return None
        _take_permit(books, account)
        page = search.shown_between(since, until, listing.offset, with_numbers=True)
        if page is None:
            raise NoDatesError
        _read(page, listing, found)
        unreadable = unreadable or page.unreadable > 0
    listing.check()
    return list(found.values()), unreadable


def listed(
    books: Reconciling, platform: Platform, account: str, since: datetime, until: datetime
) -> tuple[list[Sighting], bool, datetime]:
    """The same by a list. The time is halved where that lets the list begin further back.

    Raises:
        PlatformBusyError: it goes back further than is ever read.
    """
    later = books.database.later(account, until)
    while (page := platform.listed(since, later, partial(_take_permit, books, account))) is None:
        until = since + (until - since) / 2
        nearer = books.database.later(account, until)
        if nearer == later or until - since < NARROWEST:
            raise PlatformBusyError(TOO_WIDE)
        later = nearer
    shown = {each.platform_id: each for each in page.sightings}  # a page may show again what changed meanwhile
    return _of_time(shown.values(), since, until), page.unreadable > 0, until


def _of_time(shown: Iterable[Sighting], since: datetime, until: datetime) -> list[Sighting]:
    """An entry without a date may be of any time."""
    return [each for each in shown if each.created_at is None or since <= each.created_at < until]


def under(books: Reconciling, search: Platform, account: str, wanted: Sequence[str]) -> list[Sighting]:
    """What the platform shows under these numbers."""
    numbers, found = sorted(set(wanted)), dict[str, Sighting]()
    while numbers:
        count, listing = len(numbers), Listing()
        while not listing.whole and listing.offset <= _last_offset(search):
            _take_permit(books, account)
            page = search.shown_under(numbers[:count], listing.offset, with_numbers=True)
            count = page.numbers or count
            _read(page, listing, found)
        listing.check()
        numbers = numbers[count:]
    return list(found.values())


def _read(page: Page, listing: Listing, found: dict[str, Sighting]) -> None:
    listing.add(page.ids, page.announced)
    found |= {each.platform_id: each for each in page.sightings if not each.inbound}


def _last_offset(search: Platform) -> int:
    return search.capabilities.search.last_offset if search.capabilities.search else 0


def _take_permit(books: Reconciling, account: str) -> None:
    if not books.database.wait_for_permit(account):
        raise NoPermitError
