"""The oldest flows behind a place, in whichever order the search shows them, and however few on a page.

Nobody promises an order. A page that ends earlier and has fewer flows than another that was just shown is whole; so is one whose older and
younger part show nothing else and have fewer flows each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from facteur.platforms.afnor.pages import Found, written

SHORTEST, NARROW = timedelta(milliseconds=1), timedelta(seconds=1)
Where = dict[str, Any]
MayAsk = Callable[[], bool]


class Oldest:
    """What is known of an account's search: its order, and which ends have shown a page that was not whole."""

    def __init__(self, ask: Callable[[Where], Found], may_be_cut: Callable[[Found], bool]) -> None:
        self._ask, self._may_be_cut = ask, may_be_cut
        self._ascends: bool | None = None  # whether all pages came in the order of their dates; None: none has shown it
        self._not_whole = set[datetime]()  # ends to begin with: the next place is a little nearer to them

    def first(self, found: Found, where: Where, after: datetime, may_ask: MayAsk) -> tuple[Found, datetime | None]:
        """The oldest of what a search shows behind a place, of which it has shown a page; nothing before their end is missing.

        Nor is anything before the instant beside them; None: no more is known. Empty: there was no permit, or it does not show any more
        what it just did.
        """
        if (ascends := self._begins_with_oldest(found, where, may_ask)) is not False:
            return found if ascends else Found((), None, found.dated_at), None
        self._not_whole = {each for each in self._not_whole if each > after}
        ends, empty_until = None, after
        while times := sorted(set(found.times())):
            before = self._next_end(times, ends, empty_until)
            if before is None:
                return found, None
            if not may_ask():
                return Found((), None, found.dated_at), None
            older = self._ask(where | {"updatedBefore": written(before)})
            self._not_whole.discard(before)
            if not older.flows and before > times[0]:
                return older, None
            if not older.flows:
                empty_until = before
            elif len(older.flows) < len(found.flows):
                is_whole = (
                    older.ids <= found.ids and may_ask() and self._younger_adds_nothing(found, where, before, ends)
                )
                return (found, ends) if is_whole else (older, before)
            else:
                found, ends = older, before
                self._not_whole.add(before)
        return found, None

    def _begins_with_oldest(self, found: Found, where: Where, may_ask: MayAsk) -> bool | None:
        """An order that is not always kept is none. That there is one is asked for once: the first few may be so by chance. None: there
        was no permit to ask."""
        times = sorted(set(found.times()))
        if not found.ascends:
            self._ascends = False
        elif self._ascends is None and len(found.flows) > 1 and times and self._may_be_cut(found):
            if not may_ask():
                return None
            older = self._ask(where | {"updatedBefore": written(times[-1])})
            if not older.ids <= found.ids:
                self._ascends = False
            elif len(times) > 1:
                self._ascends = True
        return self._ascends is not False

    def _next_end(self, times: list[datetime], ends: datetime | None, empty_until: datetime) -> datetime | None:
        """Where the next page is to end: before the last one did, for there is to be an end to it. None: nowhere, the last one ended
        there and took no notice of it."""
        halfway = [empty_until + (times[0] - empty_until) / 2] if ends and times[0] - empty_until > NARROW else []
        sooner = [min(self._not_whole, default=ends), *halfway, *times[1:], times[0]]
        return next((each for each in sooner if each and empty_until < each and (ends is None or each < ends)), None)

    def _younger_adds_nothing(self, found: Found, where: Where, since: datetime, ends: datetime | None) -> bool:
        bounds = {"updatedAfter": written(since - SHORTEST)} | ({"updatedBefore": written(ends)} if ends else {})
        younger = self._ask(where | bounds)
        return len(younger.flows) < len(found.flows) and younger.ids <= found.ids
