"""All that the simulator knows, in one place, owned by one event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from aiohttp import web

from local.simulator.core.accounts import Account, Accounts
from local.simulator.core.clock import Clock
from local.simulator.core.companies import Directory, usual_companies
from local.simulator.core.fault_plan import FaultPlan
from local.simulator.core.ledger import Deposit, Ledger
from local.simulator.core.quotas import Quota
from local.simulator.core.settings import Settings

T = TypeVar("T")
CALLS_KEPT = 500_000
PRETENDED: ContextVar[Mapping[str, Any]] = ContextVar("switches of one request", default=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it was answered; status 499 means that the connection ended without an answer."""

    at: float
    endpoint: str
    method: str
    path: str
    status: int
    seconds: float
    fault: str | None
    number: str | None
    written: str | None = None  # the fault, as it was asked for


@dataclass(slots=True)
class World:
    """The state; request handlers change it, one at a time."""

    switches: Settings
    clock: Clock = field(default_factory=Clock)
    accounts: Accounts = field(default_factory=Accounts)
    ledger: Ledger = field(default_factory=Ledger)
    directory: Directory = field(default_factory=usual_companies)
    faults: FaultPlan = field(default_factory=FaultPlan)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    history_quota: Quota = field(default_factory=Quota)
    request_quota: Quota = field(default_factory=Quota)
    twists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    strangers: defaultdict[tuple[str, str], list[Deposit]] = field(default_factory=lambda: defaultdict(list))
    cached_searches: dict[str, list[Deposit]] = field(default_factory=dict)
    dated_at: float = 0.0
    initial: Settings | None = None
    hurt: set[asyncio.Task[object]] = field(default_factory=set)
    of_the_wire: dict[type[object], object] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The switches, as the request that is being answered finds them."""
        pretended = PRETENDED.get()
        return replace(self.switches, **pretended) if pretended else self.switches

    def kept(self, kind: type[T]) -> T:
        """What a wire remembers beside all this, one of each kind; it begins anew with a reset."""
        return cast(T, self.of_the_wire.setdefault(kind, kind()))

    @contextmanager
    def pretending(self, switches: Mapping[str, Any]) -> Iterator[None]:
        """Work on one request under other switches than everybody else."""
        before = PRETENDED.set({**PRETENDED.get(), **switches})
        try:
            yield
        finally:
            PRETENDED.reset(before)

    def configure(self, settings: Settings) -> None:
        """Throw switches; those of the first account change that account, in what they say anew: its secret may be another since."""
        before, self.switches = first_account(self.switches), settings
        after = first_account(settings)
        account = self.accounts.by_client_id.get(before.client_id, before)
        if before.client_id != after.client_id:
            self.accounts.remove(before.client_id)
        if before != after:
            names = [each.name for each in fields(Account)]
            anew = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
            self.accounts.add(replace(account, **anew))

    def reset(self) -> None:
        """Begin again, with the settings that the simulator was started with."""
        for task in self.hurt:
            task.cancel()  # or a late deposit of the old world would turn up in the new one
        fresh = new_world(self.initial or self.switches)
        for each in fields(World):
            setattr(self, each.name, getattr(fresh, each.name))


WORLD = web.AppKey("world", World)


def new_world(settings: Settings) -> World:
    """An empty platform with one account."""
    world = World(settings, initial=settings)
    world.accounts.add(first_account(settings))
    return world


def first_account(settings: Settings) -> Account:
    return Account(
        settings.client_id, settings.client_secret, settings.customer_id, settings.mode, settings.sandbox,
        settings.company_number, settings.company_verification,
    )  # fmt: skip
