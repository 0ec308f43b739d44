"""A run as docs/benchmarks.md, and beside an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

from local.bench.cost import cost_section
from local.bench.plot import plot
from local.bench.registry import BENCHMARKS
from local.bench.result import Figure, Result
from local.bench.run import Measured, Run

NOTICEABLE = 0.05  # a difference from the baseline smaller than this is noise
INTRODUCTION = """# Benchmarks

Written by `make bench` from one run; do not edit.
Each figure is a ratio or a count beside the floor or the rival measured in the same run: it says something on other machines too.
A goal that is missed is shown as missed, with where the time goes.
"""


def markdown(run: Run) -> str:
    """The whole page."""
    sections = (line for m in run.measured for line in _section(m))
    return "\n".join([*_head(run), *_table(run), *sections, *cost_section(run)]).rstrip() + "\n"


def plots(run: Run) -> dict[str, str]:
    """The SVG of each series, by its file's name beside the page."""
    return {
        _plot_name(m.name, rank): plot(title.partition("|")[0], points, title.partition("|")[2])
        for m in run.measured
        if m.result
        for rank, (title, points) in enumerate(m.result.series.items())
    }


def _plot_name(name: str, rank: int) -> str:
    return f"benchmarks/{name}{rank or ''}.svg"


def compared(run: Run, earlier: Run) -> Iterator[tuple[str, str, str, str]]:
    """Figure, then, now, and whether it got better or worse."""
    before = {(m.name, f.name): f for m in earlier.measured if m.result for f in m.result.figures}
    for m in run.measured:
        for figure in m.result.figures if m.result else ():
            old = before.get((m.name, figure.name))
            yield figure.name, old.shown() if old else "–", figure.shown(), _verdict(figure, old)


def _verdict(now: Figure, then: Figure | None) -> str:
    if then is None:
        return "new"
    change = (now.value - then.value) / abs(then.value) if then.value else now.value - then.value
    if abs(change) < NOTICEABLE:
        return "same"
    better = (change > 0) == now.better_when_higher
    return f"{'better' if better else 'worse'} by {abs(change):.0%}"


def _head(run: Run) -> Iterator[str]:
    yield INTRODUCTION
    yield "| | |\n|---|---|"
    yield from (f"| {what} | {value} |" for what, value in run.machine.items())
    yield f"| duration | {sum(m.seconds for m in run.measured) / 60:.0f} minutes |"
    if run.scale != 1:
        yield f"| scale | {run.scale:g}: **not the published size** |"
    yield ""


def _table(run: Run) -> Iterator[str]:
    yield "| What | Measured | Beside | Ratio or count | Goal | |"
    yield "|---|---|---|---|---|---|"
    for m in run.measured:
        if m.result is None:
            yield f"| {BENCHMARKS[m.name].heading} | – | – | – | – | **failed** |"
            continue
        for figure in m.result.figures:
            verdict = "met" if figure.met else "**missed**"
            name = _titled(BENCHMARKS[m.name].heading, figure.name)
            yield f"| {name} | {figure.measured} | {figure.beside} | {figure.shown()} | {figure.shown_goal()} | {verdict} |"
    yield ""


def _titled(heading: str, name: str) -> str:
    return name if name == heading else f"{heading}: {name}"


def _section(m: Measured) -> Iterator[str]:
    yield f"## {BENCHMARKS[m.name].heading}\n"
    if m.result is None:
        yield f"```text\n{m.error}```\n"
        return
    yield f"{m.result.how}. It took {m.seconds:.0f} s (`make bench ONLY={m.name}`).\n"
    yield from _notes(m.result)
    yield from (
        f"![{title.replace('|', ' over ')}]({_plot_name(m.name, rank)})\n" for rank, title in enumerate(m.result.series)
    )
    if m.result.why and not m.result.met:
        yield "Where it goes:\n"
        yield "```text\n" + "\n".join(m.result.why) + "\n```\n"


def _notes(result: Result) -> Iterator[str]:
    tables = [note for note in result.notes if "\n|" in note]
    lines = [note for note in result.notes if note not in tables]
    if lines:
        yield "\n".join(f"- {line}" for line in lines) + "\n"
    yield from (f"{table}\n" for table in tables)
