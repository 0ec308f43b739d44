"""POST /v1/flows/search: flows by a criterion, and all since an instant, whichever version answers and in whichever order.

1.3 pages by a cursor and 1.2 by `updatedAfter` alone, strictly, with dates of whole seconds that many flows share: what bears the last
one's second is asked for once more, and whoever reads it again adds nothing. Which version answers is seen in the answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from facteur.errors import CursorRefusedError, PlatformBusyError, Problem
from facteur.platforms import foreign
from facteur.platforms.afnor.capabilities import MOST_FLOWS
from facteur.platforms.afnor.oldest import SHORTEST, Oldest
from facteur.platforms.afnor.pages import Found, found_in, written
from facteur.platforms.afnor.reading import Flow
from facteur.platforms.authorised import AuthorisedClient
from facteur.platforms.http import HttpAnswer

SECOND = timedelta(seconds=1)
MOST_PAGES = 20
AFTER, PAGE = "after", "page"
NOT_THE_PLACE = frozenset({401, 403, 408, 429})
INVOICES, MESSAGES = "CustomerInvoice", "CustomerInvoiceLC"
TOO_WIDE = Problem("search_too_wide", "the platform shows more flows than it lets us read", 200)


@dataclass(frozen=True, slots=True)
class Place:
    """How far flows were read: all up to `after`. `cursor`: of a search that began there, with the latest date seen in it."""

    after: datetime
    latest: datetime
    cursor: str | None = None

    def __str__(self) -> str:
        if self.cursor is None:
            return f"{AFTER} {self.after.isoformat()}"
        return f"{PAGE} {self.after.isoformat()} {self.latest.isoformat()} {self.cursor}"

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises CursorRefusedError: it is none of this adapter's."""
        kind, *more = text.split(" ", 3)
        after, latest = (foreign.moment(each) for each in (*more[:2], *more[:1], None, None)[:2])
        if after and latest and (kind, len(more)) in {(AFTER, 1), (PAGE, 3)}:
            return cls(after, latest, more[2] if kind == PAGE else None)
        raise CursorRefusedError(Problem("cursor_refused", "the place of the feed is none of this platform's"))


@dataclass(frozen=True, slots=True)
class Step:
    """Flows behind a place, in the order of their dates, and the next place. `crowded`: a second has more than are ever shown;
    `undated`: none has a date that can be true, which alone would lead on."""

    flows: tuple[Flow, ...]
    next: Place
    dated_at: datetime | None
    by_cursor: bool
    crowded: datetime | None = None
    undated: bool = False


class Flows:
    """The search of one account."""

    def __init__(self, api: AuthorisedClient) -> None:
        self._api = api
        self._most_shown = 1  # on a page; a platform may show fewer than it is asked for
        self._oldest = Oldest(self.ask, self._may_be_cut)

    def ask(self, where: dict[str, Any], cursor: str | None = None) -> Found:
        """One page. Raises NotDepositedError where it is not answered as documented."""
        return self._counted(found_in(self._answer(where, cursor)))

    def under_key(self, key: str) -> Found:
        """All flows that the search shows under a key of ours, of either direction."""
        found = self.ask({"trackingId": key})
        asked = None
        for _ in range(MOST_PAGES):
            if found.cursor is None or found.cursor == asked:
                return found
            asked = found.cursor
            more = self.ask({"trackingId": key}, asked)
            new = tuple(each for each in more.flows if each.flow_id is None or each.flow_id not in found.ids)
            found = Found(found.flows + new, more.cursor if new else None, more.dated_at or found.dated_at)
        raise PlatformBusyError(TOO_WIDE)

    def under_nobodys(self) -> Found:
        """What is shown under a key that nobody has, a new one each time: nothing, where the search answers what it is asked."""
        return self.under_key(f"facteur-{secrets.token_hex(14)}")

    def step(self, place: Place, kinds: Sequence[str], may_ask: Callable[[], bool] = lambda: True) -> Step:
        """The next flows behind a place. One whose next place is the same is the last."""
        here = Place(place.after, place.after)
        where = {"updatedAfter": written(place.after), "flowType": list(kinds)}
        answer, dates_alone = self._answer(where, place.cursor), False
        if place.cursor and answer.status >= 400 and answer.status not in NOT_THE_PLACE:
            # it does not know the cursor any more, or cannot read it: the dates still lead on
            answer, dates_alone = self._answer(where, None), True
        found = self._counted(found_in(answer))
        if found.cursor and found.cursor != place.cursor and not dates_alone:
            latest = max([place.latest, *found.times()])
            return Step(_in_order(found.flows), Place(place.after, latest, found.cursor), found.dated_at, True)
        ended = place.cursor is not None and not dates_alone and not found.is_full
        shown, seen_until = found.ids, None
        if not (ended and place.latest > place.after):
            found, seen_until = self._oldest.first(found, where, place.after, may_ask)
            if shown and not found.flows:  # there was no permit, or it does not show any more what it just did
                return Step((), here, found.dated_at, False)
        latest = max([place.latest, *found.times()]) if ended else max(found.times(), default=place.after)
        if found.flows and not found.is_full and not found.times() and latest == place.after:
            return Step(found.flows, here, found.dated_at, False, undated=True)
        cut = found.is_full or self._is_cut(found, place, latest, where, may_ask)
        if cut is None:
            return Step(_in_order(found.flows), here, found.dated_at, False)
        if not cut and not shown - found.ids:
            return self._by_date(found, place, latest, [latest - SECOND], cut=False)
        behind = seen_until - SHORTEST if seen_until else place.after + SECOND - SHORTEST
        passed = [latest - SECOND, latest - SHORTEST, latest, latest + SHORTEST, behind]
        return self._by_date(found, place, latest, passed, cut=cut, whole=seen_until is not None)

    def _by_date(
        self,
        found: Found,
        place: Place,
        latest: datetime,
        passed: Sequence[datetime],
        *,
        cut: bool,
        whole: bool = False,
    ) -> Step:
        """Go on a second before the latest date; right behind it where that does not lead on and there is more: of a page that is cut in
        one second no more is ever shown. A platform may compare dates more exactly than it shows them: then behind what was seen, or
        a second further (`whole`: nothing before that is missing)."""
        after = next((each for each in passed if each > place.after), place.after)
        passes_unseen = after == latest or (after > latest + SHORTEST and not whole)
        crowded = latest if cut and passes_unseen else None
        return Step(_in_order(found.flows), Place(after, after), found.dated_at, False, crowded)

    def _is_cut(
        self, found: Found, place: Place, latest: datetime, where: dict[str, Any], may_ask: Callable[[], bool]
    ) -> bool | None:
        """Whether a page that does not lead on hides what is behind it: a platform may show fewer flows than it is asked for. None: there
        was no permit to ask."""
        if latest - SECOND > place.after or not self._may_be_cut(found):
            return False
        if not may_ask():
            return None
        behind = latest if latest > place.after else latest + SECOND
        return bool(self.ask(where | {"updatedAfter": written(behind)}).flows)

    def _may_be_cut(self, found: Found) -> bool:
        return len(found.flows) >= self._most_shown

    def _counted(self, found: Found) -> Found:
        self._most_shown = max(self._most_shown, len(found.flows))
        return found

    def _answer(self, where: dict[str, Any], cursor: str | None) -> HttpAnswer:
        sent = {"limit": MOST_FLOWS, "where": where} | ({"cursor": cursor} if cursor else {})
        return self._api.call("POST", "/v1/flows/search", sent=sent)


def _in_order(flows: Sequence[Flow]) -> tuple[Flow, ...]:
    first = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(flows, key=lambda each: each.updated_at or first))
