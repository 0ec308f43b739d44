"""Every benchmark by its name on the command line, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.bench.capture import capture
from local.bench.growth import growth
from local.bench.package import package
from local.bench.relay import relay
from local.bench.result import Result
from local.bench.rivals import rivals
from local.bench.submission import cpu_per_deposit, round_trips
from local.bench.throughput import throughput


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A heading of the report, and what measures it. The argument is the scale: 1 is what is published."""

    heading: str
    measure: Callable[[float], Result]


BENCHMARKS: dict[str, Benchmark] = {
    "throughput": Benchmark("Deposit throughput", throughput),
    "cpu": Benchmark("CPU per deposit", cpu_per_deposit),
    "round_trips": Benchmark("Round trips", round_trips),
    "rivals": Benchmark("Against what people do today", rivals),
    "relay": Benchmark("Relay", relay),
    "capture": Benchmark("Capture", capture),
    "growth": Benchmark("Growth", growth),
    "package": Benchmark("Package", package),
}
