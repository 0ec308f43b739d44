"""How Iopole's search is asked what became of deposits: with witnesses, in as few calls as the account allows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from facteur.domain.doubt import Candidate, Question, Shown, Witness
from facteur.domain.status_updates import Listing
from facteur.errors import PlatformBusyError, Problem
from facteur.platforms.iopole.capabilities import SEARCH
from facteur.platforms.iopole.reading import about, candidate, id_in, number_in
from facteur.platforms.iopole.statuses import OF_A_TIME, WITH_NUMBERS, Answered, Search, Searched
from facteur.platforms.spelling import alike

BEFORE = timedelta(hours=1)  # a listing of a time begins so long before the oldest attempt
AFTER = timedelta(days=1)  # and ends so long after now: its dates may be local ones
TOO_WIDE = Problem("search_too_wide", "the platform shows more deposits than it lets us read", 200)
REFUSED = Problem("search_refused", "the platform refuses to search by number", 400)
WITHOUT_ID = Problem("unreadable_answer", "the platform shows a deposit without its id", 200)
ReadPage = Callable[[int], Answered | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """All entries of a listing."""

    entries: tuple[Any, ...] = ()
    dated_at: datetime | None = None

    def candidates(self, numbers: Iterable[str]) -> tuple[Candidate, ...]:
        """Those that may bear one of these numbers, each once.

        Raises:
            PlatformBusyError: one of them does not say which deposit it is: it may be the one that is looked for.
        """
        found = [each for each in self.entries if any(about(each, number) for number in numbers)]
        if any(id_in(each) is None for each in found):
            raise PlatformBusyError(WITHOUT_ID)
        return tuple({each.platform_id: each for each in map(candidate, found)}.values())

    def witnesses(self, wanted: Iterable[Witness]) -> tuple[Candidate, ...]:
        """Which of these it shows, and shows as standing."""
        ids = {each.platform_id for each in wanted}
        named = [each for each in self.entries if id_in(each) in ids]
        return tuple(each for each in map(candidate, named) if not each.refused)

    def shown(self, question: Question) -> Shown:
        return _shown(self.candidates(question.numbers), self.witnesses(question.witnesses), self.dated_at)

    @property
    def ids(self) -> set[str | None]:
        return set(map(id_in, self.entries))


class IopoleLookUps:
    """The look-ups of one account. Remembered: that it takes no query of several numbers, or may read only a part of one."""

    def __init__(self, search: Search) -> None:
        self._searched = Searched(
            lambda params: search(params | _new_to_caches()),
            WITH_NUMBERS,
            OF_A_TIME,  # what is not filed as outbound, or not yet, may be ours
        )
        self._one_by_one = False
        self._in_part = False

    def find(self, number: str) -> tuple[Candidate, ...]:
        """What bears a number. That there is nothing says nothing: there was no witness."""
        return self._under(number).candidates([number])

    def dated_at(self) -> datetime | None:
        """When the platform says that it answered a question about a number that is new each time."""
        return self._under(_nobodys_number()).dated_at

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        """All questions as one query; else a listing of their time, if it shows a witness of each; else witness, number, witness.

        One query that shows no witness of a question may have been read in part: the next look-up does without, until one that
        asks for each number alone shows no witness either.
        """
        if together := self._together(questions):
            found = [together.shown(each) for each in questions]
            self._in_part = _blind(questions, found)
            return found
        listed = self._listed(questions) if all(each.witnesses for each in questions) else None
        found = [listed.shown(each) for each in questions] if listed else []
        if found and all(each.witnesses for each in found):
            return found
        found = self.shown_alone(questions)
        self._in_part = self._in_part and any(each.witnesses for each in found)
        return found

    def answers_what_is_asked(self) -> bool:
        """A number that is new each time is in no cache either."""
        nobodys = _nobodys_number()
        return all(alike(number_in(each) or "", nobodys) for each in self._under(nobodys).entries)

    def _together(self, questions: Sequence[Question]) -> Reading | None:
        terms = [number for each in questions for number in (*each.numbers, *_numbers(each.witnesses))]
        terms = list(dict.fromkeys(terms))
        if (self._one_by_one or self._in_part) and len(terms) > 1:
            return None
        if len(terms) == 1:
            return self._under(terms[0])
        terms.append(_nobodys_number())
        reading = _whole(lambda offset: self._searched.under_all(terms, offset))
        self._one_by_one = reading is None
        return reading

    def _listed(self, questions: Sequence[Question]) -> Reading | None:
        """Everything since the oldest attempt, by whichever clock is behind; None where that cannot be asked for, or has no end."""
        now = questions[0].now
        probe = self._searched.between(now, now, 0)
        if probe is None:
            return None
        ahead = probe.dated_at - now if probe.dated_at else timedelta()
        since = min(min(each.since for each in questions), now) - BEFORE + min(ahead, timedelta())
        until = now + AFTER + max(ahead, timedelta())
        try:
            return _whole(lambda offset: self._searched.between(since, until, offset))
        except PlatformBusyError as error:
            if error.problem is TOO_WIDE:
                return None
            raise

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        """A number counts as asked only between two answers that show the same witness, and not where it has the same answer."""
        asked: dict[str, Reading] = {}
        before = [next((w for w in each.witnesses if self._shows(w, asked)), None) for each in questions]
        readings = [[self._under(number) for number in each.numbers] for each in questions]
        again: dict[str, Reading] = {}
        after = [witness if witness and self._shows(witness, again) else None for witness in before]
        return [_alone(*each, asked) for each in zip(questions, readings, after, strict=True)]

    def _shows(self, witness: Witness, asked: dict[str, Reading]) -> bool:
        """Whether the search shows it; `asked` has the answers so far, so that each is asked for once."""
        number, known = witness.invoice_number, asked.get(witness.platform_id)
        asked[witness.platform_id] = known or self._under(number, lambda found: bool(found.witnesses([witness])))
        return bool(asked[witness.platform_id].witnesses([witness]))

    def _under(self, number: str, enough: Callable[[Reading], bool] = lambda _found: False) -> Reading:
        reading = _whole(lambda offset: self._searched.under_all([number], offset), enough)
        if reading is None:
            raise PlatformBusyError(REFUSED)
        return reading


def _blind(questions: Sequence[Question], found: Sequence[Shown]) -> bool:
    """Whether a question that has witnesses was shown none."""
    return any(asked.witnesses and not shown.witnesses for asked, shown in zip(questions, found, strict=True))


def _shown(candidates: tuple[Candidate, ...], witnesses: tuple[Candidate, ...], dated_at: datetime | None) -> Shown:
    sellers = frozenset(each.seller_siren for each in witnesses if each.seller_siren)
    return Shown(candidates, frozenset(each.platform_id for each in witnesses), dated_at, sellers)


def _alone(
    question: Question, readings: Sequence[Reading], witness: Witness | None, asked: Mapping[str, Reading]
) -> Shown:
    before = asked[witness.platform_id] if witness else None
    mixed_up = before is None or any(reading.ids == before.ids for reading in readings)
    dates = [reading.dated_at for reading in readings if reading.dated_at]
    candidates = tuple(each for reading in readings for each in reading.candidates(question.numbers))
    standing = before.witnesses([witness]) if before and witness and not mixed_up else ()
    return _shown(candidates, standing, max(dates, default=None))


def _new_to_caches() -> dict[str, str]:
    """Another page size each time: what a cache kept of an earlier look-up says nothing new."""
    return {"limit": str(SEARCH.page - secrets.randbelow(SEARCH.page // 2))}


def _nobodys_number() -> str:
    """New each time: a question with it is in no cache."""
    return f"facteur-{secrets.token_hex(8)}"


def _numbers(witnesses: Iterable[Witness]) -> list[str]:
    return [each.invoice_number for each in witnesses]


def _whole(read: ReadPage, enough: Callable[[Reading], bool] = lambda _found: False) -> Reading | None:
    """Page after page until the listing is whole, or shows `enough`; None where the account refuses the question.

    Raises:
        PlatformBusyError: it is not answered, has no end, or shows less than it announces.
    """
    listing, entries, dates = Listing(), list[Any](), list[datetime]()
    while not listing.whole:
        if listing.offset > SEARCH.last_offset:  # a number has never so many deposits
            raise PlatformBusyError(TOO_WIDE)
        page = read(listing.offset)
        if page is None:
            return None
        listing.add(page.ids, page.announced)
        entries += page.entries
        dates += [page.dated_at] if page.dated_at else []
        found = Reading(tuple(entries), max(dates, default=None))
        if enough(found):
            return found
    listing.check()
    return Reading(tuple(entries), max(dates, default=None))
