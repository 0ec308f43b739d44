"""What a person sees while the demo runs: a live table on a terminal, a line for each change anywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.demo.application import Sight
from local.demo.cases import Case
from local.demo.companies import ACCOUNTS
from local.demo.outcome import is_over, is_reached

STYLES = {"validated": "green", "rejected": "red", "error": "bold red", "pending": "yellow"}
MARKS = {"validated": "✔", "rejected": "✖", "error": "✖", "pending": "…"}
LINES_AROUND_TABLE = 10  # title, head, rules, what validated means, the line below, and the prompt
VALIDATED_MEANS = (
    "validated: the platform has taken it, and it is deposited. Whether the buyer's platform takes it comes later: a 213 turns such a "
    "row into rejected, to be corrected and sent again."
)
NUMBER_WIDTH = 14
UNTOUCHED = Sight("pending", None, None, None, None, None)

Sights = Mapping[int, Sight]


class Display(Protocol):
    """Shows the invoices as they stand after so many seconds."""

    def show(self, sights: Sights, seconds: float) -> None: ...


@contextmanager
def display(console: Console, cases: Mapping[int, Case]) -> Iterator[Display]:
    """A live table on a terminal; it vanishes in the end, for `full_table` to take its place."""
    if not console.is_interactive:
        yield _Lines(console, cases)
        return
    with Live(console=console, transient=True, refresh_per_second=8) as live:
        yield _LiveTable(live, cases)


def full_table(cases: Mapping[int, Case], sights: Sights) -> Table:
    """Every invoice: its number, what happens to it, its technical status, its life cycle, and the reason."""
    return _table(cases, sights, list(cases))


class _LiveTable:
    def __init__(self, live: Live, cases: Mapping[int, Case]) -> None:
        self._live = live
        self._cases = cases

    def show(self, sights: Sights, seconds: float) -> None:
        room = max(self._live.console.height - LINES_AROUND_TABLE, 3)
        self._live.update(self._frame(sights, seconds, room))

    def _frame(self, sights: Sights, seconds: float, room: int) -> RenderableType:
        table = _table(self._cases, sights, _most_telling(self._cases, sights, room))
        validated = any(sight.technical_status == "validated" for sight in sights.values())
        means = [Text(VALIDATED_MEANS, style="dim")] if validated else []
        return Group(table, *means, Text(_progress(self._cases, sights, seconds), style="dim"))


class _Lines:
    def __init__(self, console: Console, cases: Mapping[int, Case]) -> None:
        self._console = console
        self._cases = cases
        self._shown: dict[int, Sight] = {}
        self._explained = False
        self._several = _several(cases)

    def show(self, sights: Sights, seconds: float) -> None:
        for key, sight in sights.items():
            if _shown_as(sight) != _shown_as(self._shown.get(key, UNTOUCHED)):
                self._say(self._cases[key], sight, seconds)
        self._shown = dict(sights)

    def _say(self, case: Case, sight: Sight, seconds: float) -> None:
        whose = f"{case.number:<{NUMBER_WIDTH}} {self._platform(case)}"
        columns = f"{whose}{_status(sight).plain:<20} {_lifecycle(sight):<26} {sight.reason or ''}"
        self._console.print(Text(f"{seconds:5.1f} s  {columns.rstrip()}"), soft_wrap=True)
        if sight.technical_status == "validated" and not self._explained:
            self._explained = True
            self._console.print(Text(f"         ({VALIDATED_MEANS})"), soft_wrap=True)

    def _platform(self, case: Case) -> str:
        return f"{ACCOUNTS[case.account].title:<10} " if self._several else ""


def _several(cases: Mapping[int, Case]) -> bool:
    """Whether they are of companies with different platforms."""
    return len({case.account for case in cases.values()}) > 1


def _table(cases: Mapping[int, Case], sights: Sights, keys: list[int]) -> Table:
    table = Table(title="invoicing.invoices, as the back office reads it", title_justify="left", expand=True)
    table.add_column("invoice", no_wrap=True)
    several = _several(cases)
    if several:
        table.add_column("platform", no_wrap=True)
    table.add_column("what happens to it", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("technical_status", no_wrap=True)
    table.add_column("life cycle", no_wrap=True)
    table.add_column("reason", ratio=3, no_wrap=True, overflow="ellipsis")
    for key in keys:
        sight, case = sights[key], cases[key]
        style = None if is_over(case, sight) else "dim"
        if sight.settled and not is_reached(case, sight):
            style = "reverse"
        # Text, not str: a document's own words may look like Rich's markup.
        platform = (Text(ACCOUNTS[case.account].title),) if several else ()
        cells = (
            Text(case.number),
            *platform,
            Text(case.story),
            _status(sight),
            Text(_lifecycle(sight)),
            Text(sight.reason or ""),
        )
        table.add_row(*cells, style=style)
    return table


def _most_telling(cases: Mapping[int, Case], sights: Sights, room: int) -> list[int]:
    """As many invoices as there is room for: those still on their way first, then those with a reason."""
    ranked = sorted(cases, key=lambda key: (is_over(cases[key], sights[key]), not sights[key].reason, -key))
    return sorted(ranked[:room])


def _status(sight: Sight) -> Text:
    """The column as it is, and while it says "pending" what Facteur is at."""
    status = sight.technical_status or "–"
    waiting = status == "pending" and sight.state not in (None, "pending")
    state = f" ({sight.state})" if waiting else ""
    return Text(f"{MARKS.get(status, '?')} {status}{state}".replace("_", " "), style=STYLES.get(status, ""))


def _shown_as(sight: Sight) -> tuple[str, str | None]:
    return _status(sight).plain, sight.lifecycle_code


def _lifecycle(sight: Sight) -> str:
    return f"{sight.lifecycle_code} {sight.label or ''}".strip() if sight.lifecycle_code else ""


def _progress(cases: Mapping[int, Case], sights: Sights, seconds: float) -> str:
    counts = Counter(sight.technical_status or "–" for sight in sights.values())
    over = sum(is_over(cases[key], sight) for key, sight in sights.items())
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{seconds:.0f} s · {over} of {len(cases)} at their end · {statuses}"
