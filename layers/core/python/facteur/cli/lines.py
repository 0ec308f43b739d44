"""What commands print: texts are never markup, and rows are never cut or folded: whatever the width, an id can be copied whole."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

INDENT = "    "
UNFOLDED = 100_000  # columns: in a pipe or a file a line is as long as it is
GOOD, BAD, WARN = ("✔", "green"), ("✖", "red"), ("!", "yellow")

Part = str | tuple[str, str]  # a text, or a text and its style


class Screen(Console):
    """The console of every command. What it is given is text: a bracket in it is a bracket, and no word gets a colour by itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)


def console() -> Screen:
    """A terminal's own width; everywhere else nothing is folded."""
    return Screen() if sys.stdout.isatty() else Screen(width=UNFOLDED)


def say(out: Console, *parts: Part) -> None:
    """One line of texts, some of them in a style."""
    out.print(Text.assemble(*parts))


def print_rows(
    out: Console, headings: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[Iterable[object]] = (),
    *, cut_at: int | None = None,
) -> None:  # fmt: skip
    """Aligned columns; below each row its notes, each on a line of its own, empty ones left out.

    `cut_at`: how long a row may be; what is more of its last cells is left away.
    """
    cells = [[one_line(cell) or "·" for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in (list(headings), *cells)) for n in range(len(headings))]
    print_line(out, _aligned(headings, widths), style="bold")
    for n, row in enumerate(cells):
        print_line(out, _cut(_aligned(row, widths), cut_at))
        for note in notes[n] if notes else ():
            if note:
                print_line(out, INDENT + one_line(note))


def print_line(out: Console, text: str, style: str = "") -> None:
    """One line, as long as it is; brackets in it are no markup."""
    out.print(Text(text, style), soft_wrap=True)


def one_line(value: object) -> str:
    """The value's text on one line; None is none."""
    return "" if value is None else " ".join(str(value).split())


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
