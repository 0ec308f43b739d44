"""What became of deposits: by the key that each was sent with, which the search takes as a criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.status_updates import Page
from facteur.errors import PlatformBusyError, Problem
from facteur.platforms.afnor.flows import INVOICES, MOST_PAGES, TOO_WIDE, Flows, Place
from facteur.platforms.afnor.pages import Found
from facteur.platforms.afnor.reading import Flow, candidate, sighting, stem_of
from facteur.platforms.spelling import alike, may_be_key

MOST_LISTED = 100  # pages
LATELY = timedelta(days=30)  # how far a person's question goes back
EARLIER = timedelta(hours=1)  # than an attempt, by the platform's clock
WITHOUT_ID = Problem("unreadable_answer", "the platform shows a deposit without its id", 200)


class LookUps:
    """The look-ups of one account. A number is no criterion of this search."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        """A call for each key, and one for a witness; what was asked for one question is not asked again for another."""
        asking = _Asking(self._flows)
        return [self._with_listed(asking.answer(each), each, asking) for each in questions]

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        """Each between two answers that show the same witness."""
        return [self._between(each) for each in questions]

    def by_key(self, key: str) -> list[Candidate]:
        """Deposits under exactly this key, those that stand first, the oldest of them first."""
        found = [each for each in _Asking(self._flows).about(key) if each.own_key == key]
        return sorted(
            found, key=lambda each: (each.refused, each.created_at is None, each.created_at, each.platform_id)
        )

    def named(self, number: str, since: datetime) -> list[Candidate]:
        """Of the files that were sent lately those that are called so: a person's question, and no evidence."""
        flows = self._since(since, MOST_PAGES, lambda: None)
        if flows is None:
            raise PlatformBusyError(TOO_WIDE)
        found = _checked(flow for flow in flows if _is_called(flow, number))
        return list({each.platform_id: each for each in found}.values())

    def sent_since(self, since: datetime, before_call: Callable[[], None]) -> Page | None:
        """All files of invoices that changed from an instant on, as they were; None: there are more than are ever read."""
        flows = self._since(since, MOST_LISTED, before_call)
        if flows is None:
            return None
        shown = [each for each in flows if not each.is_message]
        return Page(tuple(filter(None, map(sighting, shown))), unreadable=sum(each.flow_id is None for each in shown))

    def _with_listed(self, answer: Shown, question: Question, asking: _Asking) -> Shown:
        """Besides, where the search takes no notice of keys, what shows them among all that was sent since. That nothing does is no
        evidence."""
        keys = [each for each in question.keys if asking.in_vain(each)]
        sent = self._since(question.since - EARLIER, MOST_PAGES, lambda: None, whole=False) if keys else None
        found = [each for each in sent or () if not each.is_message and any(_shows(each, key) for key in keys)]
        known = {each.platform_id for each in answer.candidates}
        new = {each.platform_id: each for each in _checked(found) if each.platform_id not in known}
        return replace(answer, candidates=(*answer.candidates, *new.values()))

    def _since(
        self, since: datetime, most: int, before_call: Callable[[], None], *, whole: bool = True
    ) -> list[Flow] | None:
        """None: there are more. Raises PlatformBusyError: a second has more of them than are ever shown. Not `whole`: as many as can be
        read."""

        def may_ask() -> bool:
            before_call()
            return True

        place, flows = Place(since, since), list[Flow]()
        for _ in range(most):
            before_call()
            step = self._flows.step(place, [INVOICES], may_ask)
            flows += step.flows
            if step.crowded and whole:
                raise PlatformBusyError(TOO_WIDE)
            if step.next == place:
                return flows
            place = step.next
        return None if whole else flows

    def _between(self, question: Question) -> Shown:
        before = _Asking(self._flows).witnesses(question)
        found = self.shown([question])[0]
        return replace(found, witnesses=found.witnesses & before)


class _Asking:
    """One round of calls: each key is asked for once, its candidates before its witness."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._answered: dict[str, Found] = {}

    def answer(self, question: Question) -> Shown:
        found = {each.platform_id: each for key in question.keys for each in self.about(key)}
        witnesses = self.witnesses(question)
        dates = [each.dated_at for each in self._answered.values() if each.dated_at]
        return Shown(tuple(found.values()), witnesses, max(dates, default=None))

    def about(self, key: str) -> tuple[Candidate, ...]:
        """Deposits that may bear a key: also those that show none, or another spelling."""
        return _checked(each for each in self._ask(key).flows if not each.is_message and _may_bear(each, key))

    def in_vain(self, key: str) -> bool:
        """Whether it is answered by other flows than those that bear the key, and none that does."""
        found = self._ask(key)
        others = any(each.key is not None for each in found.flows)
        return (found.is_full or others) and not any(_shows(each, key) for each in found.flows)

    def witnesses(self, question: Question) -> frozenset[str]:
        """The first that is shown, and stands."""
        for witness in question.witnesses:
            shown = self._ask(witness.own_key).flows if witness.own_key else ()
            if any(each.flow_id == witness.platform_id and not each.is_refused for each in shown):
                return frozenset({witness.platform_id})
        return frozenset()

    def _ask(self, key: str) -> Found:
        if key not in self._answered:
            self._answered[key] = self._flows.under_key(key)
        return self._answered[key]


def _may_bear(flow: Flow, key: str) -> bool:
    return flow.key is None or _shows(flow, key)


def _shows(flow: Flow, key: str) -> bool:
    return flow.key is not None and may_be_key(flow.key, key)


def _is_called(flow: Flow, number: str) -> bool:
    return not flow.is_message and (flow.name is None or alike(stem_of(flow.name), number))


def _checked(flows: Iterable[Flow]) -> tuple[Candidate, ...]:
    """Raises PlatformBusyError: one of them does not say which deposit it is: it may be the one that is looked for."""
    found = list(flows)
    if any(each.flow_id is None for each in found):
        raise PlatformBusyError(WITHOUT_ID)
    return tuple(map(candidate, found))
