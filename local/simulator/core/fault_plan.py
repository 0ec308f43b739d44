"""The plan that says which request meets which fault. What a fault is stands in faults.py, doing it is wire.py's."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from local.simulator.core.faults import Fault, fault_named, is_fault

FILE_NAME_MARK = "~"


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
            self.script(stem, [each for each in stem.split(FILE_NAME_MARK)[1:] if is_fault(each)])
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
