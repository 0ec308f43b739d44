"""SUPER PDP's list of invoices, the newest first: what became of deposits, by the key that each was sent with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.status_updates import Page
from facteur.errors import PlatformBusyError, Problem
from facteur.platforms import foreign
from facteur.platforms.answers import dated, expect, listed
from facteur.platforms.http import HttpAnswer
from facteur.platforms.superpdp.reading import about, candidate, id_in, inbound, is_refused, sighting, whole_number

PAGE = 100  # each with what the invoice says, and its events
MOST_PAGES = 50
BEFORE = timedelta(hours=1)  # a listing goes back so long before the oldest attempt
EXPANDED = "&expand[]=en_invoice&expand[]=en_invoice.seller&expand[]=events"
TOO_WIDE = Problem("search_too_wide", "the platform shows more deposits than it lets us read", 200)
WITHOUT_ID = Problem("unreadable_answer", "the platform shows a deposit without its id", 200)
DISORDERLY = Problem("unreadable_answer", "the platform lists deposits in another order than it was asked for", 200)
REPEATED = Problem("unreadable_answer", "the platform shows a page of its list again, and none behind it", 200)
Ask = Callable[[str], HttpAnswer]


@dataclass(slots=True)
class Reading:
    """What the list has shown so far. `whole`: there is nothing older; `shown_last`: its last page; `begins`: before this deposit."""

    begins: int | None = None
    entries: list[Any] = field(default_factory=list)
    shown_last: list[Any] = field(default_factory=list)
    dates: list[datetime] = field(default_factory=list)
    whole: bool = False
    newest_first: bool = False  # as was asked for; False: it may as well begin with its oldest

    @property
    def dated_at(self) -> datetime | None:
        return max(self.dates, default=None)

    def reaches(self, since: datetime) -> bool:
        """Whether it shows a deposit from before an instant, so that all later ones are in it."""
        ages = [foreign.moment(foreign.fields(each).get("created_at")) for each in self.entries]
        return any(at is not None and at < since for at in ages)

    def has_passed(self, since: datetime) -> bool:
        """Whether its last page shows dates, and none from an instant on: one that is wrong ends nothing."""
        ages = [foreign.moment(foreign.fields(each).get("created_at")) for each in self.shown_last]
        dated = [at for at in ages if at is not None]
        return bool(dated) and max(dated) < since

    def passes(self, platform_id: str | None) -> bool:
        """Whether it goes back to a deposit: ids grow, and dates may be of another time. None: whole is all that is certain."""
        place, ids = whole_number(platform_id), self.ids()
        return place is not None and bool(ids) and place >= min(ids)

    def lacks(self, question: Question) -> str | None:
        """A deposit of ours beyond an end to which it was read: that a page shows nothing new proves no end. What is older than
        `earlier` need not be shown any more."""
        ids, witnesses = self.ids(), list(filter(None, (whole_number(each.platform_id) for each in question.witnesses)))
        earlier = whole_number(question.earlier)
        before = min([earlier] if earlier else witnesses, default=None) if self.whole else None
        behind = None if self.newest_first else max(witnesses, default=None)
        if before and ids and before < min(ids):
            return str(before)
        return str(behind) if behind and ids and behind > max(ids) else None

    def ids(self) -> list[int]:
        return [int(each) for each in map(id_in, self.entries) if each]

    def standing(self, ids: Iterable[str]) -> list[Candidate]:
        wanted = set(ids)
        return [candidate(each) for each in self.entries if id_in(each) in wanted and not is_refused(each)]

    def about(self, numbers: Iterable[str], keys: Iterable[str]) -> tuple[Candidate, ...]:
        """Those that may be looked for, each once.

        Raises:
            PlatformBusyError: one of them does not say which deposit it is: it may be the one that is looked for.
        """
        found = [each for each in self.entries if about(each, numbers, keys)]
        if any(id_in(each) is None for each in found):
            raise PlatformBusyError(WITHOUT_ID)
        return tuple({each.platform_id: each for each in map(candidate, found)}.values())


class Listing:
    """The list of one account."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._size = PAGE - secrets.randbelow(PAGE // 2)

    def dated_at(self) -> datetime | None:
        """When the platform says that it is."""
        reading = Reading()
        self._add_older(reading)
        return reading.dated_at

    def newest(self) -> Reading:
        """One page, and whatever is newer."""
        reading = Reading()
        self._add_older(reading)
        self._read_on(reading)
        return reading

    def since(
        self,
        since: datetime,
        enough: Callable[[Reading], bool] = lambda _reading: True,
        earlier: Sequence[str | None] = (),
    ) -> Reading:
        """Everything from an instant on and past the `earlier` deposits, and further back until there is `enough`.

        Of an `earlier` one that is None there is no end but the list's own.

        Raises:
            PlatformBusyError: it is not answered, goes back too far, or ends at a deposit without its id: nothing leads on from there.
        """
        reading = Reading()
        for _ in range(MOST_PAGES):
            self._add_older(reading)
            reaches = reading.reaches(since) and all(map(reading.passes, earlier))
            if reading.whole or (reaches and enough(reading)):
                break
        else:
            if not reaches:
                raise PlatformBusyError(TOO_WIDE)
        if reading.whole and any(id_in(each) is None for each in reading.shown_last):
            raise PlatformBusyError(WITHOUT_ID)
        self._read_on(reading)
        return reading

    def back_to(self, since: datetime, later: str | None) -> Page | None:
        """What was deposited from an instant on, back from a deposit that was made later; None: there is more than is ever read.

        Raises:
            PlatformBusyError: it is not answered, or with a page that was shown before.
        """
        reading = Reading(whole_number(later))
        for _ in range(MOST_PAGES):
            self._add_older(reading)
            if reading.whole and len(set(map(id_in, reading.shown_last))) > 1:  # of its cursor alone it may be
                raise PlatformBusyError(REPEATED)
            if reading.whole or reading.has_passed(since - BEFORE):
                self._read_on(reading)
                return _page(reading)
        return None

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        """All questions by one listing, which goes back past the oldest attempt and to a witness of each."""

        def enough(reading: Reading) -> bool:
            return all(
                not each.witnesses or reading.standing(witness.platform_id for witness in each.witnesses)
                for each in questions
            )

        since = min(min(each.since, each.now) for each in questions) - BEFORE
        reading = self.since(since, enough, [each.earlier for each in questions])
        return [_of_question(each, reading) for each in questions]

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        """The same by two listings: a witness that only one of them shows is none, and what either shows is a candidate."""
        return [_both(*pair) for pair in zip(self.shown(questions), self.shown(questions), strict=True)]

    def answers_what_is_asked(self) -> bool:
        """Whether the second page is another one than the first: a cache may answer whatever it likes.

        Where the first shows several, the second may begin with the last of them, at which it was to end.
        """
        first, second = self.newest(), Reading()
        known = set(first.ids())
        second.entries += first.entries
        self._add_older(second)
        again = known & {int(each) for each in map(id_in, second.shown_last) if each}
        return not again or (len(known) > 1 and again == {min(known)})

    def _add_older(self, reading: Reading) -> None:
        """Whole is a listing at a page that shows nothing new, whatever it says of what lies before.

        Raises:
            PlatformBusyError: it was newest first, and is not any more: what lies between the pages is not known.
        """
        known = reading.ids()
        begins = min(known) if known else reading.begins
        place = f"&ending_before_id={begins}" if begins else ""
        fresh = self._add_page(reading, place)
        ids = [int(each) for each in map(id_in, reading.shown_last) if each]
        falling = len(ids) > 1 and ids == sorted(ids, reverse=True)
        if known and len(ids) > 1 and not falling:
            raise PlatformBusyError(DISORDERLY)
        reading.newest_first = reading.newest_first if known else falling
        reading.whole = not any(id_in(each) for each in fresh)

    def _read_on(self, reading: Reading) -> None:
        """Whatever is newer than what was shown: a platform may list its oldest first, whatever was asked for.

        Raises:
            PlatformBusyError: it is not answered, or there is too much.
        """
        for _ in range(MOST_PAGES):
            known = reading.ids()
            if reading.newest_first or not known:
                return
            if not any(id_in(each) for each in self._add_page(reading, f"&starting_after_id={max(known)}")):
                return
        raise PlatformBusyError(TOO_WIDE)

    def _add_page(self, reading: Reading, place: str) -> list[Any]:
        """What a page shows that is new. Each page has another size than the one before: what a cache kept of an earlier listing says
        nothing."""
        known = {id_in(each) for each in reading.entries}
        self._size = self._size - 1 if self._size > PAGE // 2 else PAGE
        answer = self._ask(f"/v1.beta/invoices?direction=out&order=desc&limit={self._size}{place}{EXPANDED}")
        shown = reading.shown_last = listed(expect(answer, (dict, list)))
        fresh = [each for each in shown if id_in(each) is None or id_in(each) not in known]
        reading.entries += fresh
        if at := dated(answer):
            reading.dates.append(at)
        return fresh


def _page(reading: Reading) -> Page:
    found = [each for each in reading.entries if not inbound(each)]
    return Page(tuple(map(sighting, filter(id_in, found))), unreadable=sum(id_in(each) is None for each in found))


def _both(first: Shown, second: Shown) -> Shown:
    candidates = {each.platform_id: each for each in (*first.candidates, *second.candidates)}
    witnesses, lacking = first.witnesses & second.witnesses, first.lacking or second.lacking
    return replace(second, candidates=tuple(candidates.values()), witnesses=witnesses, lacking=lacking)


def _of_question(question: Question, reading: Reading) -> Shown:
    standing = reading.standing(each.platform_id for each in question.witnesses)
    sellers = frozenset(each.seller_siren for each in standing if each.seller_siren)
    ids = frozenset(each.platform_id for each in standing)
    found = reading.about(question.numbers, question.keys)
    return Shown(found, ids, reading.dated_at, sellers, reading.lacks(question))
