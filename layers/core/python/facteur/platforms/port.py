"""The port Platform: what a plateforme agréée is asked, and what kinds of them can do. docs/add-a-platform.md says how to write one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from facteur.domain.doubt import Candidate, Question, Shown
    from facteur.domain.ports import Document
    from facteur.domain.status_updates import FeedPage, Page
    from facteur.domain.submission import Answer, StatusEvent
    from facteur.platforms.credentials import Address, Credentials
    from facteur.platforms.http import HttpClient


class Platform(Protocol):
    """A plateforme agréée, for one account. A method raises PlatformBusyError or AccountRefusedError where it got no answer."""

    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def sandbox(self) -> bool: ...
    def begin_invocation(self, stop_at: float) -> None:
        """Connections of an earlier invocation are closed; no call goes on after `stop_at` (monotonic)."""

    def obtain_token(self) -> None:
        """Have at hand what every call needs, so that a deposit under way waits for nothing else."""

    def probe(self) -> datetime | None:
        """One harmless read; returning means that it was answered as documented, and when by the platform's clock, if it says so."""

    def deposit(self, document: Document, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        """Send a document once, with a key of ours where the platform takes one; again only where the first deposited nothing.

        `before_block` is called before each block of it, the last included, and may raise NotDepositedError: that passes on, and the
        request stays without its end.

        Raises:
            OutcomeUnknownError: it may have been accepted.
        """

    # --- what became of a deposit whose answer nobody had -------------------------------------------------------------

    def find(self, invoice_number: str) -> list[Candidate]:
        """Outbound deposits under a number, of any seller; an empty list means that the platform shows none, and no more."""

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        """What it shows of each question, in their order, asked in as few calls as it allows; of whole listings, else it raises or names
        a deposit of ours that is lacking.

        Candidates are all deposits that may bear a number or a key: also those that show none, or another spelling. Witnesses are
        those that are shown, and stand. Whoever finds nothing looks for a witness.
        """

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        """The same, each number in a call of its own: of a long question only the first words may be read.

        Each between two answers that show the same witness; else no witness is shown.
        """

    def answers_what_is_asked(self) -> bool:
        """Whether its search shows nothing under a number that nobody has, a new one each time: a cache may answer whatever it likes."""

    def sha256_of(self, platform_id: str) -> str | None:
        """Of the very bytes that were deposited under an id; None where the platform shows none, or only a converted one.

        Raises:
            PlatformBusyError: it may be shown later.
            UnreadableCopyError: what it shows is neither XML nor PDF: a gateway's page, say.
        """

    # --- statuses -----------------------------------------------------------------------------------------------------

    def history(self, platform_id: str) -> list[StatusEvent]:
        """The life cycle so far, in any order; empty only where the platform itself says that there is none yet."""

    def feed(self, cursor: str | None, since: datetime, may_ask: Callable[[], bool]) -> FeedPage:
        """What happened to the client's deposits behind a place in its feed; None: from `since` on, or from further back.

        `may_ask`: asked before each call but the first; where it says no, the page ends with what was read.

        Raises:
            CursorRefusedError: the platform does not know that place.
        """

    def nobodys(self, status_ids: Collection[str]) -> None:
        """Statuses of its feed that named an invoice in a deposit's place, and none of ours, in one reading: what said so may for once
        have been another answer, and is asked for again by some of the next."""

    def shown_between(self, since: datetime, until: datetime, offset: int, *, with_numbers: bool) -> Page | None:
        """A page of what was deposited in a time, in any order; None: this account may not search by date.

        `with_numbers`: each with its number, seller and amount as well, where the platform has to be asked for them.
        """

    def shown_under(self, numbers: Sequence[str], offset: int, *, with_numbers: bool) -> Page:
        """A page of what bears one of these numbers, or the first few of them: `Page.numbers` says how many were asked for."""

    def listed(self, since: datetime, later: str | None, before_call: Callable[[], None]) -> Page | None:
        """What was deposited from an instant on, and perhaps before; None: there is more than it lets us read.

        `later`: the id of a deposit; what was made after that one need not be read. `before_call` may raise: that passes on.
        """

    def not_seen(self) -> tuple[list[StatusEvent], bool]:
        """The oldest statuses of the account that nobody has acknowledged, and whether there may be more behind them."""

    def acknowledge(self, event: StatusEvent) -> bool:
        """Never show a status again; False where it has no id to name it by."""

    # --- for a person's questions -------------------------------------------------------------------------------------

    def active_webhooks(self) -> int | None:
        """Webhooks that take the statuses of deposits away; None where the account may not see them."""

    def reachable(self, siren: str) -> bool | None:
        """Whether the directory shows a company that can be reached; None where it does not say."""


class NotOffered:
    """The methods that a platform need not have; an adapter inherits them and writes those that its `Capabilities` promise.

    Nobody calls the others.
    """

    def feed(self, cursor: str | None, since: datetime, may_ask: Callable[[], bool]) -> FeedPage:
        raise NotImplementedError

    def nobodys(self, status_ids: Collection[str]) -> None:
        raise NotImplementedError

    def shown_between(self, since: datetime, until: datetime, offset: int, *, with_numbers: bool) -> Page | None:
        raise NotImplementedError

    def shown_under(self, numbers: Sequence[str], offset: int, *, with_numbers: bool) -> Page:
        raise NotImplementedError

    def listed(self, since: datetime, later: str | None, before_call: Callable[[], None]) -> Page | None:
        raise NotImplementedError

    def not_seen(self) -> tuple[list[StatusEvent], bool]:
        raise NotImplementedError

    def acknowledge(self, event: StatusEvent) -> bool:
        raise NotImplementedError

    def active_webhooks(self) -> int | None:
        raise NotImplementedError

    def reachable(self, siren: str) -> bool | None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Paging:
    """How a search is read. `page`: entries at once; `last_offset`: no page begins behind it; `numbers`: of usual length, in one query."""

    page: int
    last_offset: int
    numbers: int


NO_SEARCH = Paging(page=200, last_offset=0, numbers=200)  # slices of deposits whose histories are read


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What every platform of a kind can do.

    `statuses`: which sources it offers, best first: feed (`feed`, and `nobodys` where its statuses name invoices), sweep where it has a
    `search` (`shown_between`, `shown_under`, which a reconciliation reads too), pull (`not_seen`, `acknowledge`), history always.
    Methods of what it does not offer are never called.
    `listing`: it has no such search, and a list of what was deposited (`listed`), which a reconciliation reads instead.
    `longest_document`: in bytes. `own_key`: a deposit takes a key of ours (36 characters) and its search shows it. `by_number`: a look-up
    asks for invoice numbers too, not for keys alone.
    """

    statuses: tuple[str, ...]
    longest_document: int
    search: Paging | None = None
    listing: bool = False
    webhooks: bool = False
    directory: bool = False
    own_key: bool = False
    by_number: bool = True


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings say for every account. `hosts`: of kinds of platform, by the name of their setting; None: it is not set.

    `secret_id`: of the account named default; `connections`: kept open at once to a host.
    """

    provider: str
    secret_id: str
    hosts: Mapping[str, str | None]
    connect_timeout_seconds: float
    read_timeout_seconds: float
    connections: int


@dataclass(frozen=True, slots=True)
class Wiring:
    """What an account's platform is built of. `client` makes one for a host; `credentials(fresh)` reads the secret `named_in`."""

    address: Address
    sandbox: bool
    client: Callable[[str], HttpClient]
    credentials: Callable[[bool], Credentials]
    named_in: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of platform, as platforms/registry.py names it.

    `production_hosts`, `sandbox_hosts`: of its API, where they are known; a secret whose `sandbox` contradicts deposits nothing.
    `address_settings`: the settings with the hosts of API and token endpoint, for accounts whose secret names none; None: each does.
    `secret_keys`: what an account's secret may hold, for help texts. `read_secret` raises AccountRefusedError with all that is wrong.
    `build` makes an account's platform; it imports the adapter, so that whoever needs none does not.
    """

    name: str
    capabilities: Capabilities
    production_hosts: frozenset[str]
    sandbox_hosts: frozenset[str]
    address_settings: tuple[str, str] | None
    secret_keys: tuple[str, ...]
    read_secret: Callable[[Mapping[str, Any], str], Credentials]
    build: Callable[[Wiring], Platform]
