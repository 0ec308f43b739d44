"""Runs the demo and draws what it printed, abridged, as docs/demo.svg: `make recording`. The picture is a published result."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
COLUMNS = 106
EVENT = re.compile(r"^ *\d+\.\d s +F-")
FIRST_EVENTS, LAST_EVENTS = 4, 12
STYLES = {"✔": "green", "✖": "red", "…": "yellow"}
FONT_OF_ANOTHER_HOST = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def abridged(lines: Iterable[str]) -> Iterator[str]:
    """What is shown of a run: its begin, some of its events, and all of its end."""
    events: list[str] = []
    shown = list(lines)
    for line in shown:
        if EVENT.match(line):
            events.append(line)
    kept = {*events[:FIRST_EVENTS], *events[-LAST_EVENTS:]}
    left_out = False
    for line in shown:
        if EVENT.match(line) and line not in kept:
            if not left_out:
                yield "…"
            left_out = True
        elif not line.lstrip().startswith("("):
            yield line


def drawn(lines: Iterable[str]) -> str:
    """As a terminal shows them, in a picture that asks no other host for anything."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, legacy_windows=False)
    for line in lines:
        style = next((style for sign, style in STYLES.items() if f" {sign} " in f" {line} "), "")
        console.print(Text(line, style), overflow="ellipsis", no_wrap=True)
    return FONT_OF_ANOTHER_HOST.sub("", console.export_svg(title="make demo"))


def main() -> None:
    print("the demo runs, which takes a minute…", file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "local.demo"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the demo failed, and {PICTURE.name} is as it was:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    PICTURE.write_text(drawn(abridged(done.stdout.splitlines())))
    print(f"drawn: {PICTURE}", file=sys.stderr)


if __name__ == "__main__":
    main()
