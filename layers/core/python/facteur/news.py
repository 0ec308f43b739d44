"""What sources of news tell of deposits: plain frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from facteur.model import Due, StatusEvent

PAGE = 200  # the most that the platform's search shows at once
NUMBERS_IN_A_QUERY = 175  # of usual length


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

    @property
    def due(self) -> bool:
        """Whether it must be looked at; else it only lies in between."""
        return self.due_since is not None


@dataclass(frozen=True, slots=True)
class Slice:
    """Deposits of one account that are looked at together: by the time they were deposited, or by their numbers."""

    account: str
    members: tuple[Open, ...]
    by_number: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """How the platform's search shows a deposit: its last status, and the state it is in. None: not shown."""

    platform_id: str
    code: str | None
    at: datetime | None
    state: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the platform's search. `full`: there may be more. `numbers`: how many it was asked for."""

    sightings: tuple[Sighting, ...]
    full: bool
    numbers: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What follows from how a deposit was shown.

    `code` is compared with what was last seen; `told` says that it is a status and not a state. `wanted`: read the history even
    if nothing changed. `over`: followed long enough.
    """

    submission_id: int
    platform_id: str
    code: str | None
    at: datetime | None
    told: bool
    created_at: datetime | None
    due_in: float
    rank: int
    wanted: bool
    over: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A deposit of ours that was told of, the statuses known of it, and those that came before its answer was recorded."""

    due: Due
    known: tuple[StatusEvent, ...]
    early: tuple[StatusEvent, ...]


@dataclass(frozen=True, slots=True)
class NewsStored:
    """What storing news came to: the state afterwards, how many statuses were new, and how long after the newest of them."""

    state: str
    stored: int
    invoice_id: str
    seconds_after: float | None
