"""What a benchmark found, as data: figures beside their floors, whether the goal is met, and what explains them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SMALLEST_SCALE = 0.02  # below it, figures mean nothing
Sense = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: what was measured, what stands beside it, and their ratio (or count) against the goal."""

    name: str
    measured: str  # with its unit, for people
    beside: str  # the floor or the rival of the same run
    value: float  # what the goal is about
    goal: float
    sense: Sense
    unit: str = ""  # of value and goal: "×", "%", "ms"; empty for a count

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.sense == "at least" else self.value <= self.goal

    @property
    def better_when_higher(self) -> bool:
        return self.sense == "at least"

    def shown(self) -> str:
        return f"{number(self.value)}{self.spaced_unit}"

    def shown_goal(self) -> str:
        return f"{'≥' if self.better_when_higher else '≤'} {number(self.goal)}{self.spaced_unit}"

    @property
    def spaced_unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found. `why` explains what is missed; `series` is for plots: `title|across` and the points.
    `facts` is what the cost table reckons with."""

    figures: tuple[Figure, ...]
    how: str
    notes: tuple[str, ...] = ()
    why: tuple[str, ...] = ()  # where the time goes: a profile, a plan, counts; shown where a goal is missed
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return all(figure.met for figure in self.figures)


def rounds(full: int, scale: float) -> int:
    """How often to measure; a tiny scale asks only whether it works."""
    return full if scale >= SMALLEST_SCALE else 1


def number(value: float) -> str:
    """Three digits that count; whole thousands with commas."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def as_data(result: Result) -> dict[str, Any]:
    """For the JSON of a run."""
    data = asdict(result)
    for shown, figure in zip(data["figures"], result.figures, strict=True):
        shown["met"] = figure.met
    return data


def from_data(data: dict[str, Any]) -> Result:
    """The result that `as_data` wrote."""
    figures = tuple(Figure(**{k: v for k, v in each.items() if k != "met"}) for each in data["figures"])
    series = {name: [(x, y) for x, y in points] for name, points in data["series"].items()}
    return Result(figures, data["how"], tuple(data["notes"]), tuple(data["why"]), series, data["facts"])
