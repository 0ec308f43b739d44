"""What a torture run shows: progress while it runs, and a table at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from local.simulator.core.settings import Settings
from local.torture.findings import DOUBLE, LOST, SILENT, STUCK
from local.torture.mutants import mutants_of
from local.torture.run import Result
from local.torture.schedule import KINDS as ORDERED
from local.torture.schedule import Schedule
from local.torture.wires import USUAL_WIRE, WIRES

USUALLY = Settings()
KINDS = (DOUBLE, LOST, STUCK, SILENT)
UNDISTURBED = "undisturbed"
ANYWHERE = "any call"  # an outage of all endpoints
ALL_POINTS = frozenset(point for wire in WIRES.values() for point in wire.points)


@dataclass(slots=True)
class Report:
    """Results so far, by what was scheduled. `answered`: how many calls really were answered so, by the simulators' logs."""

    runs: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    found: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    platform: str = USUAL_WIRE
    results: list[Result] = field(default_factory=list)
    failures: list[Result] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    seconds: float = 0.0
    invoices: int = 0

    @property
    def total(self) -> int:
        return self.runs["all runs"]

    def add(self, result: Result) -> None:
        kinds = Counter({finding.kind if finding.kind in KINDS else "other" for finding in result.findings})
        for topic in topics(result):
            self.runs[topic] += 1
            self.found[topic].update(kinds)
        for topic in set(answers(result.schedule)) & self.runs.keys():
            self.answered[topic] += calls_of(topic, result)
        strikes = result.schedule.interrupts
        if strikes and result.schedule.name == str(strikes[-1]) and result.struck < len(strikes):
            self.missed[strikes[-1].point] += 1
        self.results.append(result)
        self.reached.update(name for name, times in result.reached.items() if times)
        self.seconds += result.seconds
        self.invoices += len(result.schedule.orders)
        if result.findings:
            self.failures.append(result)

    def line(self) -> str:
        bad = self.found["all runs"]
        counts = ", ".join(f"{bad[kind]} {kind}" for kind in KINDS)
        return f"{self.total} runs, {self.invoices} invoices: {counts}, {bad['other']} other"

    def table(self) -> Table:
        shown = Table(title="What struck, and what became of it")
        shown.add_column("struck at", no_wrap=True)
        for name in ("runs", "answered so", *KINDS, "other", "not reached"):
            shown.add_column(name, justify="right")
        for topic in sorted(self.runs, key=_order):
            counts = [self.found[topic][kind] for kind in (*KINDS, "other")]
            style = "red" if any(counts) else None
            answered = str(self.answered[topic]) if topic in self.answered else ""
            cells = [str(self.runs[topic]), answered, *map(str, counts), str(self.missed[topic] or "")]
            shown.add_row(escape(topic), *cells, style=style)
        return shown

    def say(self, console: Console) -> None:
        console.print(self.table())
        for result in self.failures:
            console.print(
                Text(
                    f"\nSEED='{result.schedule.name}': make torture{self._of()} SEED='{result.schedule.name}'",
                    style="red",
                )
            )
            for finding in result.findings:
                console.print(Text(f"  {finding.kind}: {finding.text}"), soft_wrap=True)
        if never := [name for name in WIRES[self.platform].points if name not in self.reached]:
            console.print(f"never reached: {', '.join(never)}")
        console.print(self.line())

    def _of(self) -> str:
        return "" if self.platform == USUAL_WIRE else f" PLATFORM={self.platform}"

    def say_mutants(self, console: Console) -> int:
        """A table of the mutants, and the exit code: 1 where one survived, or where a run fails without any."""
        by_name = {result.schedule.name: result for result in self.results}
        shown = Table("switched off", "found", "clock without, with", "verdict", title="What the harness finds out")
        wrong = 0
        for name in dict.fromkeys(result.schedule.mutant for result in self.results if result.schedule.mutant):
            mutant = mutants_of(self.platform)[name]
            with_it, without = by_name[f"mutant: {name}"], by_name[f"without: {name}"]
            kinds = sorted({finding.kind for finding in with_it.findings})
            good = not without.findings and (bool(kinds) != mutant.harmless) and "crash" not in kinds
            wrong += not good
            verdict = (
                ("harmless, as designed" if mutant.harmless else "found") if good else "SURVIVED, or fails without"
            )
            clocks = f"{without.travelled:,.0f} s, {with_it.travelled:,.0f} s"
            shown.add_row(
                f"{name}: {mutant.about}", ", ".join(kinds) or "nothing", clocks, verdict, style=None if good else "red"
            )
        console.print(shown)
        for result in self.results:
            if result.schedule.mutant is None or "crash" in {finding.kind for finding in result.findings}:
                for finding in result.findings:
                    console.print(Text(f"{result.schedule.name}: {finding.kind}: {finding.text}"), soft_wrap=True)
        return 1 if wrong else 0


def topics(result: Result) -> Iterable[str]:
    """The rows of the table that a run counts in."""
    schedule = result.schedule
    struck = {interrupt.point for interrupt in schedule.interrupts}
    if not schedule.shuffled:
        return {"all runs", *(struck or {UNDISTURBED})}
    happened = {each.what for each in schedule.happenings}
    return {"all runs", "random schedules", *struck, *happened, *answers(schedule), *lies(schedule)}


def answers(schedule: Schedule) -> Iterator[str]:
    """The faults that calls were to meet: each by the endpoint that it strikes."""
    for each in schedule.happenings:
        names = each.details.get("endpoints") or [each.details.get("endpoint", ANYWHERE)]
        faults = [*each.details.get("faults", ()), *([each.details["fault"]] if "fault" in each.details else [])]
        yield from (f"{endpoint}: {fault}" for endpoint in names for fault in faults)
    orders = [*schedule.orders, *(order for each in schedule.happenings for order in each.details.get("orders", ()))]
    for order in orders:
        yield from (f"deposit: {fault}" for fault in (*order.faults, *order.later, *ORDERED[order.kind].faults))
    for part in (schedule, *schedule.parts.values()):
        yield from (f"{endpoint}: {fault}" for endpoint, rates in part.rates.items() for fault in rates)


def calls_of(topic: str, result: Result) -> int:
    """How many calls of a run were answered as a row says."""
    where, _, fault = topic.partition(": ")
    return sum(n for (endpoint, met), n in result.answered.items() if met == fault and where in {endpoint, ANYWHERE})


def lies(schedule: Schedule) -> Iterator[str]:
    """What the platform did otherwise in all of a run, and whose deposits it showed besides."""
    yield from (f"stranger: {kind}" for kind in schedule.strangers)
    for name, value in schedule.switches.items():
        values = value if isinstance(value, list | tuple) else [value] if value != getattr(USUALLY, name) else []
        yield from (f"{name}={each}" for each in values)


def _order(topic: str) -> tuple[int, str]:
    ranks = {"all runs": 3, "random schedules": 2, UNDISTURBED: 0}
    return (0 if topic in ALL_POINTS else ranks.get(topic, 1), topic)
