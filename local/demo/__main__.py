"""`python -m local.demo [--invoices FOLDER] [--keep]`: exit code 0 only if every invoice reached the expected end.

With `--database`, a trial on the user's own: 0 only if it was put back as it was.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg2
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.text import Text

from facteur.postgres.url import address_problem, as_url
from local.demo.cases import other_cases, sample_cases
from local.demo.containers import NoContainersError, bridge_address
from local.demo.folder import Folder, FolderError, read_folder
from local.demo.interruption import Interrupted, Interruption, say_stopping
from local.demo.run import DemoFailedError, run
from local.start import stay_on_this_machine
from local.trial.install import TrialError
from local.trial.journal import OccupiedError
from local.trial.run import Trial, try_out

PIPE_COLUMNS = 120  # of a log file or a CI job, which have no width of their own


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    stay_on_this_machine()
    on_terminal = sys.stdout.isatty()
    console = Console(
        highlight=False, width=None if on_terminal else PIPE_COLUMNS, force_interactive=None if on_terminal else False
    )
    interruption = Interruption(say_stopping)
    try:
        with interruption.installed():
            if options.database:
                return try_out(_trial(options), console, interruption)
            address = bridge_address() if options.sam else None
            run(_invoices(options, console), options.keep, console, interruption, address)
            return 0
    except DemoFailedError:
        return 1
    except Interrupted as interrupted:
        console.print("stopped; nothing is left behind")
        return interrupted.exit_code
    except (FolderError, NoContainersError, TrialError, OccupiedError) as error:
        console.print(Text(str(error)), soft_wrap=True)
        return 2
    except (
        RuntimeError,
        OSError,
        psycopg2.Error,
        BotoCoreError,
    ) as error:  # one of its programs did not start, or has died
        console.print(Text(f"the demo has failed: {error}", style="bold red"), soft_wrap=True)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument(
        "--invoices", type=Path, metavar="FOLDER", help="deposit the .pdf and .xml files of this folder"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument(
        "--sam",
        action="store_true",
        help="write the invoices, leave them to containers, and print the commands of `sam local invoke`",
    )
    own = parser.add_argument_group("a trial on your own database", "docs/try-on-your-database.md")
    own.add_argument("--database", metavar="URL", help="where it is, for the role that owns the invoice table: a copy")
    own.add_argument(
        "--documents",
        type=Path,
        metavar="FOLDER",
        help="the files that your rows name; else they are made from the rows",
    )
    own.add_argument("--buyers", action="store_true", help="make the buyers of your documents known to the simulator")
    own.add_argument("--yes", action="store_true", help="ask nothing")
    own.add_argument("--init", default="", metavar="OPTIONS", help="further options of `facteur init`")
    return parser


def _trial(options: argparse.Namespace) -> Trial:
    """A trial on the database that is named; its address is escaped anew, for libpq takes some that other readers do not."""
    if problem := address_problem(options.database):
        raise TrialError(f"nothing was done: the database's address {problem}")
    return Trial(
        as_url(options.database), options.documents, options.buyers, options.yes, tuple(shlex.split(options.init))
    )


def _invoices(options: argparse.Namespace, console: Console) -> Folder:
    """Of a folder, or the demo's own: where containers do the work, of one company, whose platform they can reach."""
    if options.invoices is None:
        return Folder((*sample_cases(), *([] if options.sam else other_cases())), (), ())
    found = read_folder(options.invoices)
    for line in found.left_out:
        console.print(Text(f"✖ left out: {line}", style="red"), soft_wrap=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
