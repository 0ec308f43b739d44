"""`python -m local.measure outages`: run the scenarios in full size and print a table for docs/outages.md."""

from __future__ import annotations

import argparse
import logging
import os
import platform
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from local.measure.outages import scenarios
from local.start import run_main


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.measure", description="Measure what docs/outages.md publishes."
    )
    parser.add_argument("subject", choices=["outages"])
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"some of {', '.join(scenarios(0, 0))}")
    parser.add_argument("--hours", type=float, default=6.0, help="how long the platform is down (default 6)")
    parser.add_argument("--minutes", type=float, default=20.0, help="how long the flood is worked off (default 20)")
    return parser.parse_args()


def main() -> None:
    """Each scenario's table is printed as soon as it is measured."""
    given = arguments()
    logging.disable(logging.CRITICAL)  # the handlers' own lines
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}", flush=True)
    for name, scenario in scenarios(given.hours, given.minutes).items():
        if given.only and name not in given.only:
            continue
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the handlers' metrics
            lines = list(scenario.measure())
        table = "\n".join(f"| {what} | {figure} |" for what, figure in lines)
        print(f"\n**{scenario.heading}**\n\n| | |\n|---|---|\n{table}", flush=True)


if __name__ == "__main__":
    run_main(main)
