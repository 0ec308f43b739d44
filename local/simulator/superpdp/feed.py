"""The one feed of events: each gets its number when it happens, whatever its invoice and its direction."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice

from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, Status, Verdict
from local.simulator.core.settings import Settings
from local.simulator.core.world import World

UPLOADED, RECEIVED = "api:uploaded", "api:received"
NOBODY = 9_000_000_000  # the first invoice that nobody knows


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an invoice; `deposit` is None where nobody knows the invoice."""

    id: int
    at: float
    code: str
    deposit: Deposit | None
    status: Status | None = None
    shown_at: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """An event that has no number yet; the earlier comes first, and of two the one that was known first."""

    at: float
    place: int
    code: str = field(compare=False)
    deposit: Deposit = field(compare=False)
    status: Status | None = field(compare=False, default=None)


@dataclass(slots=True)
class Feed:
    """Events by account, in the order of their numbers, which no two share."""

    by_account: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    details: dict[str, dict[str, object]] = field(default_factory=dict)  # by the id of a status that a client made
    coming: list[Coming] = field(default_factory=list)
    deposits: int = 0
    statuses: int = 0
    places: int = 0
    last_id: int = 0

    def caught_up(self, world: World) -> Feed:
        """This feed, with everything in it that has happened by now."""
        for deposit in islice(world.ledger.deposits.values(), self.deposits, None):
            self.expect(deposit.at, UPLOADED if deposit.direction == "OUTBOUND" else RECEIVED, deposit)
        for deposit, status in world.ledger.shown[self.statuses :]:
            for at, code in events_of(deposit, status, world.settings):
                self.expect(at, code, deposit, status)
        self.deposits, self.statuses = len(world.ledger.deposits), len(world.ledger.shown)
        while self.coming and self.coming[0].at <= world.clock.now():
            self.number(heappop(self.coming), world.settings)
        return self

    def expect(self, at: float, code: str, deposit: Deposit, status: Status | None = None) -> None:
        self.places += 1
        heappush(self.coming, Coming(at, self.places, code, deposit, status))

    def number(self, coming: Coming, settings: Settings) -> None:
        events = self.by_account[coming.deposit.account]
        self.last_id += 1
        late = random.Random(f"late {self.last_id}").random() < settings.events_late  # noqa: S311  repeatable
        shown_at = coming.at + (settings.events_late_seconds if late else 0.0)
        events.append(Event(self.last_id, coming.at, coming.code, coming.deposit, coming.status, shown_at))
        for _ in range(settings.events_strange):
            self.last_id += 1
            events.append(Event(self.last_id, coming.at, coming.code, None, None, coming.at))

    def shown(self, world: World, account: str) -> list[Event]:
        """What an account's feed shows by now."""
        now, settings = world.clock.now() - world.settings.history_lag, world.settings
        events = self.caught_up(world).by_account[account]
        return [each for each in events[settings.events_gone :] if each.shown_at <= now]

    def of(self, world: World, deposit: Deposit) -> list[Event]:
        return [each for each in self.shown(world, deposit.account) if each.deposit is deposit]


def events_of(deposit: Deposit, status: Status, settings: Settings) -> Iterator[tuple[float, str]]:
    """What a status of the ledger is here, and when: the administration's leg comes after the French code."""
    if status.destination == "PPF":
        wait = settings.ppf_delay / settings.speed
        named = ("ppf:received", "ppf:accepted") if settings.ppf_events else ()
        yield from ((status.at + wait * (rank + 1), code) for rank, code in enumerate(named))
    elif status.code == "REJECTED" and deposit.fate.verdict is Verdict.NO_ROUTE:
        yield status.at, "api:invalid"
    elif ":" in status.code:
        yield status.at, status.code
    else:
        number = CODES.get(status.code)
        yield status.at, f"fr:{number}" if number else f"api:{status.code.lower()}"
