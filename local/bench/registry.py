"""Every benchmark by its name on the command line, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.bench.capture import capture
from local.bench.cold_start import cold_start
from local.bench.freshness import freshness
from local.bench.growth import growth
from local.bench.latency import latency
from local.bench.memory import memory
from local.bench.package import package
from local.bench.platforms import platforms
from local.bench.relay import relay
from local.bench.result import Result
from local.bench.rivals import rivals
from local.bench.stage import Stage
from local.bench.statuses import status_histories, status_pages
from local.bench.submission import cpu_per_deposit, round_trips
from local.bench.throughput import throughput


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A heading of the report, and what measures it. The number is the scale: 1 is what is published."""

    heading: str
    measure: Callable[[Stage, float], Result]


BENCHMARKS: dict[str, Benchmark] = {
    "throughput": Benchmark("Deposit throughput", throughput),
    "cpu": Benchmark("CPU per deposit", cpu_per_deposit),
    "round_trips": Benchmark("Round trips", round_trips),
    "rivals": Benchmark("Against what people do today", rivals),
    "relay": Benchmark("Relay", relay),
    "capture": Benchmark("Capture", capture),
    "growth": Benchmark("Growth", growth),
    "cold_start": Benchmark("Cold start", cold_start),
    "memory": Benchmark("Memory", memory),
    "package": Benchmark("Package", package),
    "status_pages": Benchmark("Statuses, pages", status_pages),
    "status_histories": Benchmark("Statuses, histories", status_histories),
    "platforms": Benchmark("Platforms", platforms),
    "freshness": Benchmark("Freshness", freshness),
    "latency": Benchmark("Latency", latency),
}
