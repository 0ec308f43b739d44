"""The catalogue of faults, and the plan that says which request meets which. Deciding is here, doing is in wire.py."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath

FILE_NAME_MARK = "~"


class Effect(StrEnum):
    """What happens to the answer."""

    ANSWER = "answer"  # another answer takes its place
    RESET = "reset"  # TCP RST
    CLOSE = "close"  # the connection ends without an answer
    SILENCE = "silence"  # no answer until the client has gone
    LATE = "late"  # the right answer, late
    MANGLE = "mangle"  # the right status with a spoilt body


@dataclass(frozen=True, slots=True)
class Fault:
    """`stored`: the request does its work all the same. `unread`: it strikes before the body is read."""

    name: str
    effect: Effect
    stored: bool = False
    unread: bool = False
    seconds: float = 0.0
    delays_work: bool = False


def catalogue() -> dict[str, Fault]:
    """Every fault by its name."""
    answers = [
        "302", "400", "400_list", "400_custom", "400_message", "400_tools", "400_html", "401", "403", "403_html", "404",
        "408", "409", "413", "415", "422", "429", "429_seconds", "429_date", "500", "502", "503", "504",
    ]  # fmt: skip
    faults = [
        *(Fault(name, Effect.ANSWER) for name in answers),
        *(Fault(f"{code}_stored", Effect.ANSWER, stored=True) for code in ("408", "500", "502", "503", "504")),
        Fault("reset_unread", Effect.RESET, unread=True),
        Fault("reset", Effect.RESET),
        Fault("lost_answer", Effect.RESET, stored=True),
        Fault("close", Effect.CLOSE),
        Fault("close_stored", Effect.CLOSE, stored=True),
        Fault("timeout", Effect.SILENCE, seconds=3600),
        Fault("timeout_stored", Effect.SILENCE, stored=True, seconds=3600),
        Fault("slow", Effect.LATE, stored=True, seconds=2),
        Fault("stored_late", Effect.LATE, stored=True, seconds=2, delays_work=True),
        *(
            Fault(name, Effect.MANGLE, stored=True)
            for name in ("empty", "unreadable", "html", "no_id", "truncated", "202")
        ),
    ]
    return {fault.name: fault for fault in faults}


CATALOGUE = catalogue()


def fault_named(written: str | int) -> Fault:
    """A fault from its name, optionally with seconds: 503, "lost_answer", "slow:30", "429_seconds:7"."""
    name, _, seconds = str(written).partition(":")
    if name not in CATALOGUE:
        raise ValueError(f"no such fault: {name!r}; one of {', '.join(CATALOGUE)}")
    return replace(CATALOGUE[name], seconds=float(seconds)) if seconds else CATALOGUE[name]


@dataclass(frozen=True, slots=True)
class Outage:
    """Every request of some endpoints (none named: all) meets one fault until an instant."""

    fault: Fault
    until: float
    endpoints: frozenset[str] = frozenset()


@dataclass(slots=True)
class FaultPlan:
    """Which request meets which fault: by outage, by invoice, by endpoint, then by rate."""

    by_invoice: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    by_endpoint: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    seed: int = 0
    met: Counter[str] = field(default_factory=Counter)
    outage: Outage | None = None
    named_files: set[str] = field(default_factory=set)

    def script(self, invoice: str, faults: Iterable[str | int]) -> None:
        """The next deposits of an invoice (its number, or its file name without ending) meet these, then work."""
        self.by_invoice[invoice].extend([fault_named(each) for each in faults])

    def script_endpoint(self, endpoint: str, faults: Iterable[str | int]) -> None:
        self.by_endpoint[endpoint].extend([fault_named(each) for each in faults])

    def set_rates(self, endpoint: str, rates: Mapping[str, float], seed: int) -> None:
        """From now on each request of the endpoint meets a fault with these probabilities; none named: no more."""
        if sum(rates.values()) > 1 or any(rate < 0 for rate in rates.values()):
            raise ValueError("rates are probabilities that sum up to 1 at most")
        for name in rates:
            fault_named(name)
        self.rates[endpoint], self.seed = dict(rates), seed
        self.met.clear()

    def during_outage(self, endpoint: str, now: float) -> Fault | None:
        if self.outage is None or now >= self.outage.until:
            return None
        return self.outage.fault if not self.outage.endpoints or endpoint in self.outage.endpoints else None

    def for_invoice(self, key: str | None) -> Fault | None:
        waiting = self.by_invoice.get(key) if key else None
        return waiting.popleft() if waiting else None

    def for_file(self, filename: str) -> Fault | None:
        """By the file's name: scripted, or written into the name itself as in `F-7~503~lost_answer.xml`."""
        stem = PurePosixPath(filename).stem
        if FILE_NAME_MARK in stem and stem not in self.named_files:
            self.named_files.add(stem)
            self.script(stem, [each for each in stem.split(FILE_NAME_MARK)[1:] if each.partition(":")[0] in CATALOGUE])
        return self.for_invoice(stem)

    def for_request(self, endpoint: str, key: str) -> Fault | None:
        """By endpoint or by rate; the draw depends on seed, endpoint, key and its count, not on what runs beside."""
        waiting = self.by_endpoint.get(endpoint)
        if waiting:
            return waiting.popleft()
        rates = self.rates.get(endpoint)
        if not rates:
            return None
        self.met[key] += 1
        return drawn(rates, f"{self.seed}|{endpoint}|{key}|{self.met[key]}")


def drawn(rates: Mapping[str, float], seed: str) -> Fault | None:
    dice = random.Random(seed).random()  # noqa: S311  repeatable, not secret
    for name, rate in rates.items():
        dice -= rate
        if dice < 0:
            return fault_named(name)
    return None
