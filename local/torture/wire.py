"""What the torture must know of a platform: how it is started and asked, what may be struck there, and how it may lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from local.simulator.core.control import Simulator
from local.torture.points import points_of
from local.torture.schedule import Happening, Order, Schedule

Dice: TypeAlias = Callable[[Random], Mapping[str, Any]]
Chance: TypeAlias = tuple[float, bool, Dice]  # how likely, during a pass or before it, and its details


@dataclass(frozen=True, slots=True)
class Hostility:
    """What a random schedule draws from, beside what the company, AWS and persons do.

    `chances` stand in for the usual ones, or come after. `searches` is the endpoint that lists deposits, `switches` how the platform is
    in all of a run, `followed` for how many days deposits are followed. Kinds `apart` are drawn so that the other orders of a seed stay.
    One of `rare` is met by an invoice of its own, drawn apart as well.
    `fitting` takes out of a schedule what cannot be found out.
    `bare`: whether its list shows all of a run nothing that says whose a deposit is.
    """

    sources: Sequence[str]
    on_deposit: Sequence[str]
    by_endpoint: Mapping[str, Sequence[str]]
    kinds: Sequence[str]
    chances: Mapping[str, Chance]
    searches: str
    switches: Callable[[Random, Random, str, bool], dict[str, Any]]
    strangers: Callable[[Random, Mapping[str, Any]], tuple[str, ...]]
    followed: Callable[[str, set[str], Mapping[str, Any]], str]
    fitting: Callable[[Schedule], Schedule]
    apart: Sequence[str] = ()
    rare: Sequence[str] = ()
    bare: Callable[[Schedule], bool] = lambda _schedule: False


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for statuses, by which source, and what the workers wrote meanwhile."""

    clients: tuple[str, ...]
    source: str
    output: str


@dataclass(frozen=True, slots=True)
class Wire:
    """A platform. `simulator` are options of its program, `second` is the second client as the simulator takes it.

    `deposited` deposits a document under a key, past Facteur, and returns its id. `lied_to` are the endpoints that show something.
    `given`: the codes that each deposit's statuses were given with, as `plain` writes them; None: as the ledger has them. `path`: behind
    the address in the pin. `exact`: codes that are stored of no deposit of which they were not given. `parts`: the platforms that are there
    together, each with an account; what else is said then is the first one's.
    """

    name: str
    verbs: Mapping[str, Sequence[str]]
    requests: Sequence[str]
    request_kind: Callable[[str, str], str | None]
    simulator: Mapping[str, Any]
    second: Mapping[str, str]
    environ: Callable[[Simulator], Mapping[str, str]]
    secret: Callable[[Simulator, Mapping[str, str]], Mapping[str, Any]]
    deposited: Callable[[Simulator, str, str, bytes], str]
    source_that_reaches: Callable[[str], str]
    usual_orders: Sequence[Order]
    usual_happenings: Sequence[Happening]
    usual_switches: Mapping[str, Any]
    lied_to: Sequence[str]
    given: Callable[[Simulator, Asked], Mapping[str, Counter[str]]] | None
    plain: Callable[[str], str]
    refusing: frozenset[str]
    closing: frozenset[str]
    hostility: Hostility
    path: str = ""
    exact: frozenset[str] = frozenset()
    parts: tuple[Wire, ...] = ()

    @property
    def points(self) -> tuple[str, ...]:
        return points_of(self.verbs, self.requests)

    def secrets(self, simulator: Simulator) -> set[str]:
        """What must be seen nowhere, of both clients."""
        named = {
            simulator.client_secret,
            simulator.customer_id,
            self.second["client_secret"],
            self.second.get("customer_id", ""),
        }
        return named - {""}
