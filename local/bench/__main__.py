"""`make bench`: measure, show a table, write docs/benchmarks.md and a JSON."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.bench.registry import BENCHMARKS
from local.bench.report import compared, markdown, plots
from local.bench.run import Measured, Run, as_json, begun, from_json, measure
from local.simulator.core.control import ROOT
from local.start import run_main

PAGE = ROOT / "docs" / "benchmarks.md"
DATA = ROOT / ".local" / "bench.json"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.bench", description="Measure what docs/benchmarks.md publishes."
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(BENCHMARKS), metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1 is the published size; less is quick, and says little"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="a JSON of an earlier run to compare with")
    parser.add_argument("--json", type=Path, default=DATA, metavar="FILE", help=f"where the data goes (default {DATA})")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help=f"where the page goes (default {PAGE}, full runs only)"
    )
    return parser.parse_args()


def main() -> int:
    """0: all were measured, whether their goals are met or not."""
    given, console = arguments(), Console()
    earlier = from_json(json.loads(given.baseline.read_text())) if given.baseline else None
    run = begun(given.scale)
    console.print(" · ".join(run.machine.values()), style="dim", highlight=False)
    for measured in measure(given.only or BENCHMARKS, given.scale):
        run = replace(run, measured=(*run.measured, measured))
        _print(console, measured)
    _write(run, given, console)
    console.print(_table(run))
    if earlier:
        console.print(_comparison(run, earlier))
    return int(any(m.error for m in run.measured))


def _print(console: Console, measured: Measured) -> None:
    """Progress: a line per benchmark as soon as it is done."""
    if measured.result is None:
        console.print(
            f"✖ {measured.name} failed after {measured.seconds:.0f} s\n{measured.error}", style="red", markup=False
        )
        return
    figures = ", ".join(f"{figure.name} {figure.shown()}" for figure in measured.result.figures)
    sign = "[green]✔[/]" if measured.result.met else "[yellow]✖[/]"
    console.print(f"{sign} {measured.name} ({measured.seconds:.0f} s): {figures}", highlight=False)


def _write(run: Run, given: argparse.Namespace, console: Console) -> None:
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(as_json(run), indent=1, ensure_ascii=False) + "\n")
    page = given.page or (PAGE if given.scale == 1 and not given.only else None)
    if page:
        page.write_text(markdown(run))
        for name, svg in plots(run).items():
            (page.parent / name).parent.mkdir(exist_ok=True)
            (page.parent / name).write_text(svg)
    console.print(
        f"data in {given.json}" + (f", page in {page}" if page else "; no page: it shows full runs only"), style="dim"
    )


def _table(run: Run) -> Table:
    table = Table("what", "measured", "beside", "ratio or count", "goal", "")
    for m in run.measured:
        for figure in m.result.figures if m.result else ():
            verdict = "[green]met[/]" if figure.met else "[red]missed[/]"
            table.add_row(figure.name, figure.measured, figure.beside, figure.shown(), figure.shown_goal(), verdict)
    return table


def _comparison(run: Run, earlier: Run) -> Table:
    table = Table("what", f"then ({earlier.machine['commit']})", f"now ({run.machine['commit']})", "")
    for row in compared(run, earlier):
        table.add_row(*row)
    return table


if __name__ == "__main__":
    run_main(main)
