"""`python -m local.demo [--invoices FOLDER] [--keep]`: exit code 0 only if every invoice reached the expected end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local.demo.cases import sample_cases
from local.demo.folder import Folder, read_folder
from local.demo.interruption import Interrupted, Interruption
from local.demo.run import DemoFailedError, run

PIPE_COLUMNS = 120  # of a log file or a CI job, which have no width of their own


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    interruption = Interruption()
    try:
        with interruption.installed():
            run(_invoices(options.invoices, console), options.keep, console, interruption)
            return 0
    except DemoFailedError:
        return 1
    except Interrupted as interrupted:
        console.print("stopped; nothing is left behind")
        return interrupted.exit_code
    except FileNotFoundError as error:
        console.print(f"facteur demo: {error}", markup=False)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument(
        "--invoices", type=Path, metavar="FOLDER", help="deposit the .pdf and .xml files of this folder"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    return parser


def _invoices(folder: Path | None, console: Console) -> Folder:
    if folder is None:
        return Folder(tuple(sample_cases()), (), ())
    found = read_folder(folder)
    for line in found.left_out:
        console.print(Text(f"✖ left out: {line}", style="red"), soft_wrap=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
