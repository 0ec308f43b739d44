"""What the platform shows of deposits that are followed: plain frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from facteur.domain.submission import Due, Move, StatusEvent
from facteur.errors import PlatformBusyError, Problem

NOT_SHOWN = 3  # answers in a row that show none of ours; fewer may be chance
OVERLAP = 5  # entries that two pages share, as the platform may move some while they are read


@dataclass(frozen=True, slots=True)
class Open:
    """A deposit whose life cycle is followed. `deposited_at` is by the platform's clock where it is `dated`, else by ours."""

    submission_id: int
    platform_id: str
    invoice_number: str | None
    deposited_at: datetime
    dated: bool
    lifecycle_code: str | None
    age_seconds: float
    due_since: datetime | None
    number_seen: str | None = None
    late_seconds: float = 0.0  # since it was due

    @property
    def due(self) -> bool:
        """Whether it must be looked at; else it only lies in between."""
        return self.due_since is not None


@dataclass(frozen=True, slots=True)
class Slice:
    """Deposits of one account that are looked at together: by the time they were deposited, or by their numbers.

    `not_shown`: how many answers in a row have shown none of the account's deposits, though some are old enough.
    """

    account: str
    members: tuple[Open, ...]
    by_number: bool
    not_shown: int = 0

    @property
    def shown_lately(self) -> bool:
        """Whether the account's search can be relied on."""
        return self.not_shown < NOT_SHOWN

    @property
    def with_numbers(self) -> bool:
        """Whether the platform is to show invoice numbers: until it has shown one for each deposit."""
        return any(member.number_seen is None for member in self.members)


@dataclass(frozen=True, slots=True)
class Sighting:
    """How the platform's search shows a deposit: its last status, the state it is in, and of which invoice. None: not shown.

    `state`: of the platform's own, where it says more than that the deposit waits. `refusing`: it says that a person must look;
    `refused`: status or state say that the platform refused it. `of_file`: it says what became of the file, and nothing of the life
    cycle. `own_key`: our key, to the letter. `file_name`: without its ending.
    """

    platform_id: str
    code: str | None
    at: datetime | None
    state: str | None
    created_at: datetime | None
    invoice_number: str | None = None
    seller_siren: str | None = None
    total: Decimal | None = None
    currency: str | None = None
    refusing: bool = False
    refused: bool = False
    inbound: bool = False
    of_file: bool = False
    own_key: str | None = None
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the platform's search. `numbers`: how many it was asked for.

    `unreadable`: entries that do not say which deposit they are about.
    `ids` and `announced` are for a Listing: the ids of all entries, and how many the platform says that there are.
    """

    sightings: tuple[Sighting, ...]
    numbers: int = 0
    unreadable: int = 0
    ids: tuple[str | None, ...] = ()
    announced: int | None = None


@dataclass(slots=True)
class Listing:
    """The pages of one question as they come in.

    It is whole at an empty page, or at a page that shows no new id. Neither a short page nor what the platform says of its
    count or limit ends it: such a count can only say that something is lacking. Nor does an entry without its id, which may be new:
    a second page of which nothing else is new ends it, and says nothing of what lies behind.
    """

    offset: int = 0  # where the next page begins
    whole: bool = False
    _nameless: int = 0  # pages in a row that show no new id, and an entry without one
    _ids: set[str] = field(default_factory=set)
    _shown: int = 0
    _announced: int = 0

    def add(self, ids: Sequence[str | None], announced: int | None = None) -> None:
        """The next page, by the ids of all its entries (None: it has none), and the count that came with it."""
        fresh = {each for each in ids if each} - self._ids
        self._shown += sum(each not in self._ids for each in ids)
        self._announced = max(self._announced, announced or 0)
        self._ids |= fresh
        self._nameless = self._nameless + 1 if None in ids and not fresh else 0
        self.whole = not fresh and self._nameless != 1
        self.offset += len(ids) - min(OVERLAP, len(ids) // 4)

    def check(self) -> None:
        """Raises PlatformBusyError where fewer were shown than the platform announced, or where it cannot be said which were."""
        if self.whole and self._nameless:
            words = "the platform shows deposits without their ids, page after page"
            raise PlatformBusyError(Problem("search_not_whole", words, 200))
        if self._announced > self._shown:
            words = f"the platform says that there are {self._announced} deposits and shows {self._shown}"
            raise PlatformBusyError(Problem("search_not_whole", words, 200))


@dataclass(frozen=True, slots=True)
class Seen:
    """What follows from how a deposit was shown.

    `code` is compared with what was last seen; `is_status`: it is a status, and not a state. `state` is a refusing state, else
    None. `wanted_every`: read the history even if nothing changed, when the last reading is so many seconds old.
    `over`: followed long enough. `number`: of the invoice that the platform shows with it.
    """

    submission_id: int
    platform_id: str
    code: str | None
    at: datetime | None
    is_status: bool
    created_at: datetime | None
    due_in: float
    rank: int
    wanted_every: float | None
    over: bool
    state: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class PulledDeposit:
    """A deposit of ours of which a pull shows statuses, and those that came before its answer was recorded."""

    due: Due
    early: tuple[StatusEvent, ...]


@dataclass(frozen=True, slots=True)
class InvoiceName:
    """Which invoice a status is about, where the platform does not say which deposit. `issue_year` None: it does not say."""

    number: str
    seller_siren: str
    issue_year: int | None


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of a platform's feed of events, and where the feed goes on behind it; None: it does not say.

    `recorded_at`: by the platform's clock. `event` None: it is of no deposit; one without a platform_id is `about` an invoice.
    """

    cursor: str | None
    recorded_at: datetime | None
    event: StatusEvent | None
    about: InvoiceName | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The next entries of a feed, in the platform's order; none: it is at its end. `dated_at`: when the platform says that it answered.

    `passed_over`: what stands there and cannot be read, a sentence each; nothing that was said of it before.
    """

    entries: tuple[FeedEntry, ...]
    dated_at: datetime | None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What statuses come to: the next move, and what makes the row show an error although the deposit stands.

    `current` is the status that the life cycle is at; None leaves it as it is. `contradiction`: the codes that exclude each other.
    `otherwise` is the move where the invoice has no other attempt that a question about a duplicate could be about.
    """

    move: Move
    current: StatusEvent | None = None
    objection: Problem | None = None
    contradiction: tuple[str, ...] = ()
    otherwise: Move | None = None


@dataclass(frozen=True, slots=True)
class StatusesStored:
    """What storing statuses came to: the state afterwards, how many statuses were new, and how long after the newest of them.

    `known` is None, or what is stored now: something that the ruling did not know, so nothing was moved. `objected`: the row
    shows an error from now on. `moved`: the state is another one now.
    """

    state: str
    stored: int
    invoice_id: str
    seconds_after: float | None
    known: tuple[StatusEvent, ...] | None = None
    objected: bool = False
    moved: bool = False
