"""`python -m local.torture`: all points, random schedules, or the replay of one run."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from local.start import run_main
from local.torture import mutants
from local.torture.chance import random_schedule
from local.torture.lanes import lanes, results
from local.torture.points import KILL, STALL, Interrupt
from local.torture.report import Report
from local.torture.run import Result
from local.torture.schedule import Schedule
from local.torture.wires import USUAL_WIRE, WIRES, at_point
from local.world.aws import aws_emulator

LINE_EVERY = 25  # runs, where there is no terminal to show progress on


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.torture", description=__doc__)
    parser.add_argument("--runs", type=int, help="every point once each way, then random schedules up to so many runs")
    parser.add_argument("--points", action="store_true", help="every point, killed and stalled, first, second and last")
    parser.add_argument("--random", type=int, metavar="N", help="so many random schedules")
    parser.add_argument("--seconds", type=float, help="stop handing out runs after so long; the points come first")
    parser.add_argument("--seed", help="replay: numbers and strikes such as kill@store.claim.after:2, by commas")
    parser.add_argument(
        "--mutants",
        nargs="?",
        const="",
        metavar="NAME|NAME",
        help="switch off one protection at a time; each must be found out (default: all of them)",
    )
    parser.add_argument("--platform", choices=WIRES, default=USUAL_WIRE, help=f"whose (default {USUAL_WIRE})")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 2, help="how many at once (default: cores)")
    options = parser.parse_args(words)
    if options.seed is not None and options.runs is None:
        options.lanes = 1
    return options


def named(name: str, platform: str) -> Schedule:
    """The schedule that a name replays."""
    if name.isdigit():
        return random_schedule(int(name), platform=platform)
    strike = None if name == "undisturbed" else Interrupt.read(name, WIRES[platform].points)
    return at_point(strike, platform=platform)


def point_schedules(undisturbed: Result, platform: str) -> Iterator[Schedule]:
    """First every point killed once, then every point stalled once, then the rest; so that a short run has seen them all."""
    strikes: dict[tuple[str, str], list[int]] = {}
    for rank, point in enumerate(WIRES[platform].points):
        times = max(
            1, undisturbed.reached[point]
        )  # 0: another source of statuses comes to it, and its run asks that one
        nths = list(dict.fromkeys((1, min(2, times), min(10, times))))
        for action in (KILL, STALL):
            turn = rank % len(nths)
            strikes[action, point] = nths[turn:] + nths[:turn]
    for turn in range(3):
        for action in (KILL, STALL):
            for (struck, point), nths in strikes.items():
                if struck == action and turn < len(nths):
                    yield at_point(Interrupt(action, point, nths[turn]), platform=platform)


def schedules(options: argparse.Namespace, first: list[Result]) -> Iterator[Schedule]:
    """What is asked for, in order. `first` holds the undisturbed run's result once it is there."""
    if options.mutants is not None:
        yield from mutants.schedules(options.platform, options.mutants)
        return
    if options.seed is not None:
        yield from [named(name, options.platform) for name in options.seed.split(",")] * (options.runs or 1)
        return
    handed = 0
    if options.random is None or options.points:
        for schedule in point_schedules(first[0], options.platform):
            yield schedule
            handed += 1
            if options.runs is not None and handed + 1 >= options.runs:
                return
    if options.points and options.random is None and options.runs is None:
        return
    more = options.random if options.random is not None else (options.runs or 10**9) - handed - 1
    for _ in range(more):
        yield random_schedule(random.SystemRandom().randrange(10**9), platform=options.platform)


def run(options: argparse.Namespace, console: Console, report: Report) -> None:
    """Run until there is no more to do, or the time is over; what came of it is added to `report` as it comes."""
    began, first = time.monotonic(), list[Result]()
    plan = schedules(options, first)

    def next_schedule() -> Schedule | None:
        over = options.seconds is not None and time.monotonic() - began > options.seconds
        return None if over else next(plan, None)

    with aws_emulator() as emulator, lanes(options.lanes, options.platform, emulator.aws) as connections, Live(
        Text("starting"), console=console, transient=True, refresh_per_second=4
    ) as live:  # fmt: skip
        if options.seed is None and options.mutants is None:
            first += results(connections[:1], iter([at_point(None, platform=options.platform), None]).__next__)
            report.add(first[0])
        for result in results(connections, next_schedule):
            report.add(result)
            live.update(Text(f"{report.line()} ({time.monotonic() - began:.0f} s, last: {result.schedule.name})"))
            if not console.is_terminal and report.total % LINE_EVERY == 0:
                console.print(report.line())
            if result.findings:
                console.print(Text(f"SEED='{result.schedule.name}': {result.findings[0].kind}", style="red"))


def main() -> None:
    options, console = arguments(sys.argv[1:]), Console(highlight=False)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell without job control ignores the first for what it starts
        signal.signal(number, signal.default_int_handler)
    if (
        options.runs is None
        and options.random is None
        and options.seconds is None
        and options.seed is None
        and options.mutants is None
    ):
        options.points = True
    began, report = time.monotonic(), Report(platform=options.platform)
    try:
        run(options, console, report)
    except KeyboardInterrupt:
        console.print("interrupted; everything stopped; what came of the runs until then:")
        report.say(console)
        sys.exit(130)
    if options.mutants is not None:
        sys.exit(report.say_mutants(console))
    report.say(console)
    seconds = time.monotonic() - began
    each = report.seconds / max(1, report.total)
    console.print(f"{seconds:.0f} s in {options.lanes} lanes, {each:.2f} s a run")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    run_main(main)
