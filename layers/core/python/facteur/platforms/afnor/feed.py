"""What happened to deposits: acknowledgements as the search shows them, and lifecycle messages, each of them fetched once."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from facteur.domain.status_updates import FeedEntry, FeedPage
from facteur.errors import NotDepositedError, UnreadableStatusError
from facteur.platforms.afnor import cdar
from facteur.platforms.afnor.apart import KINDS, next_place, places_apart, refuses_kind
from facteur.platforms.afnor.flows import Flows, Place, Step
from facteur.platforms.afnor.reading import Flow, acknowledgement_of, entries_of

AGAIN_AFTER = (1, 2, 8)  # readings in vain of a message, mostly a minute apart: what came may have been another answer
MOST_KEPT = 5000  # messages, with what they said: what is read again within ten minutes is not fetched again
Fetch = Callable[[str], cdar.Message]


class Feed:
    """The feed of one account. `fetch` gives the message of a flow; it raises UnreadableStatusError where that flow has none to show."""

    def __init__(self, flows: Flows, fetch: Fetch) -> None:
        self._flows, self._fetch = flows, fetch
        self._known: OrderedDict[str, tuple[FeedEntry, ...]] = OrderedDict()
        self._in_vain: Counter[str] = Counter()

    def page(self, cursor: str | None, since: datetime, may_ask: Callable[[], bool]) -> FeedPage:
        """The next flows. A message that cannot be read is passed over and stops no other; behind one that could not be fetched now
        the feed goes on only where others could."""
        if apart := places_apart(cursor):
            return self._page_apart(apart, may_ask)
        place = Place.read(cursor) if cursor else Place(since, since)
        try:
            part = self._part(place, KINDS, may_ask)
        except NotDepositedError as error:
            if not refuses_kind(error) or not may_ask():
                raise
            return self._page_apart(dict.fromkeys(KINDS, Place(place.after, place.after)), may_ask)
        if part.is_empty and part.reached == place:
            return FeedPage((), part.dated_at)
        return FeedPage((*part.entries, FeedEntry(str(part.reached), None, None)), part.dated_at, part.passed_over)

    def _page_apart(self, places: Mapping[str, Place], may_ask: Callable[[], bool]) -> FeedPage:
        """Each kind by itself: one that is refused, or whose messages cannot be fetched, stops no other. Raises where each is."""
        parts, failures, reached = list[_Part](), dict[str, NotDepositedError](), dict(places)
        for rank, (kind, place) in enumerate(places.items()):
            if rank and not may_ask():
                break
            try:
                part = self._part(place, [kind], may_ask)
            except NotDepositedError as error:
                if not refuses_kind(error):
                    raise
                failures[kind] = error
            else:
                parts.append(part)
                reached[kind] = part.reached
        if not parts:
            raise next(iter(failures.values()))
        whole = len(parts) == len(places)
        passed_over = [each for part in parts for each in part.passed_over]
        if reached == places:  # at its end, once in a turn
            passed_over += [_refused(kind, error) for kind, error in failures.items()]
        cursor = FeedEntry(next_place(places, reached, refused=not whole), None, None)
        entries = [each for part in parts for each in part.entries]
        return FeedPage((*entries, cursor), parts[-1].dated_at, tuple(passed_over))

    def _part(self, place: Place, kinds: Sequence[str], may_ask: Callable[[], bool]) -> _Part:
        step = self._flows.step(place, kinds, may_ask)
        reading = _Reading(self._fetch, may_ask, self._known)
        read = reading.all_of(step.flows)
        self._keep(reading)
        reached = step.next if len(read) == len(step.flows) else _cut(place, step, read)
        passed_over = (*reading.passed_over, *_unseen(step))
        return _Part(tuple(reading.entries), reached, step.dated_at, passed_over, not step.flows)

    def read_in_vain(self, flow_ids: Iterable[str]) -> None:
        """Messages that cannot be read, or are nobody's: some of the next readings fetch them again, and not for ever."""
        for flow_id in flow_ids:
            self._in_vain[flow_id] += 1
            if self._in_vain[flow_id] in AGAIN_AFTER:
                self._known.pop(flow_id, None)
        while len(self._in_vain) > MOST_KEPT:
            del self._in_vain[next(iter(self._in_vain))]

    def _keep(self, reading: _Reading) -> None:
        """What a page said that was read to its end; one that was not counts nothing."""
        self._known.update({flow_id: () for flow_id in reading.unreadable})
        self.read_in_vain(reading.unreadable)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """The next flows of some kinds, as far as they were read. `is_empty`: there were none."""

    entries: tuple[FeedEntry, ...]
    reached: Place
    dated_at: datetime | None
    passed_over: tuple[str, ...]
    is_empty: bool


def _refused(kind: str, error: NotDepositedError) -> str:
    return f"the search refuses flows of the type {kind} (HTTP {error.problem.http_status}): they are read once it takes them"


def _unseen(step: Step) -> Iterator[str]:
    if step.crowded:
        yield f"the platform shows no more than the first flows of {step.crowded.isoformat()}"
    if step.undated:
        yield "the platform shows no date of its flows that can be true: what it may have behind them is read once it shows one"


def _cut(place: Place, step: Step, read: Sequence[Flow]) -> Place:
    """How far one got that ended early: of a page of a cursor nowhere, as nobody promises an order; what is known is not fetched again."""
    if step.by_cursor or not read:
        return place
    next_unread = step.flows[len(read)].updated_at
    before = [each.updated_at for each in read if each.updated_at and next_unread and each.updated_at < next_unread]
    after = max([place.after, *before])
    return Place(after, after)


@dataclass(slots=True)
class _Reading:
    """One page, as far as it is read."""

    fetch: Fetch
    may_ask: Callable[[], bool]
    known: OrderedDict[str, tuple[FeedEntry, ...]]
    entries: list[FeedEntry] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    fetched: int = 0

    def all_of(self, flows: Sequence[Flow]) -> Sequence[Flow]:
        """Those up to which everything was read. Raises NotDepositedError where none could be fetched."""
        failures = list[tuple[str, NotDepositedError]]()
        for rank, flow in enumerate(flows):
            if flow.flow_id is None:
                continue
            if not flow.is_message:
                self.entries += _of_deposit(flow)
            elif flow.flow_id not in self.known and not self.may_ask():
                return flows[:rank]
            else:
                try:
                    self.entries += self._of_message(flow, flow.flow_id)
                except NotDepositedError as error:
                    failures.append((flow.flow_id, error))
                    if error.problem.http_status in {None, 401, 429} or (not self.fetched and len(failures) > 1):
                        raise
        if failures and not self.fetched:
            raise failures[0][1]
        self.passed_over += [f"flow {flow_id}: {error.problem.message}" for flow_id, error in failures]
        return flows

    def _of_message(self, flow: Flow, flow_id: str) -> Sequence[FeedEntry]:
        if flow_id not in self.known:
            try:
                self.known[flow_id] = _said_in(flow, self.fetch(flow_id))
            except UnreadableStatusError as error:
                self.passed_over.append(f"flow {flow_id}: {error.problem.message}")
            self.fetched += 1
        said = self.known.get(flow_id, ())
        if not said:
            self.unreadable.append(flow_id)
        return said


def _said_in(flow: Flow, message: cdar.Message) -> tuple[FeedEntry, ...]:
    said = tuple(entries_of(flow, message))
    if not said:
        raise UnreadableStatusError("it names no invoice")
    return said


def _of_deposit(flow: Flow) -> Iterator[FeedEntry]:
    if event := acknowledgement_of(flow):
        yield FeedEntry(None, flow.updated_at, event)
