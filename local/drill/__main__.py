"""`python -m local.drill [NAME]`: breaks something of a running demo, and waits until a person has repaired it by docs/runbook.md."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from local.demo.interruption import Interrupted, Interruption
from local.demo.keep import Keeper
from local.demo.stage import STACK, Stage, stage, working_folder
from local.demo.ticks import ticking
from local.drill.breakages import BREAKAGES, Breakage
from local.drill.causes import is_scheduled
from local.drill.ground import Ground
from local.start import run_main

LOOK_SECONDS = 1.0
FIRST_INVOICES = 6
SURPRISE = "surprise"
LEFT = """
select coalesce(string_agg(format('%s %s', count, reason), ', '), 'nothing waits') as waiting,
       (select count(*) from facteur.submissions where state = 'failed') as failed
from facteur.waiting
"""
UNNAMED = "something is broken: `facteur status` and `facteur doctor` say what"
SENT_TWICE = "of what was written, {twice} were deposited twice, {lost} not at all"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.drill", description=__doc__)
    names = [each.name for each in BREAKAGES]
    parser.add_argument(
        "name", nargs="?", choices=[*names, SURPRISE], help="one breakage, and then the end; without, a menu"
    )
    options = parser.parse_args(arguments)
    console, interruption = Console(highlight=False), Interruption()
    try:
        with (
            interruption.installed(),
            working_folder(console, interruption) as folder,
            stage(lambda line: console.print(Text(line, style="dim")), interruption, folder) as scene,
        ):
            ground, watch = Ground(scene), Watch(Keeper(scene.parts, console, interruption), console)
            with ticking(scene.stack, lambda _line: None, scheduled=lambda name: is_scheduled(ground, name)):
                _begin(ground, scene, console, watch)
                return _drills(options.name, ground, console, interruption, watch)
    except Interrupted as interrupted:
        console.print("stopped; nothing is left behind")
        return 0 if not options.name else interrupted.exit_code


class Watch:
    """Waits for what was written to be deposited, and starts again whatever part of the demo dies meanwhile."""

    def __init__(self, keeper: Keeper, console: Console) -> None:
        self._keeper, self._console = keeper, console
        self._said = ""

    def parts(self) -> None:
        self._keeper.look()

    def until_deposited(self, ground: Ground) -> None:
        while not self._is_over(ground):
            time.sleep(LOOK_SECONDS)
            self.parts()

    def _is_over(self, ground: Ground) -> bool:
        """What keeps it from looking may be what is broken: it is said, once, and looked again."""
        try:
            over = ground.all_deposited()
        except (psycopg2.Error, BotoCoreError, ClientError) as error:
            if self._said != type(error).__name__:
                self._said = type(error).__name__
                words = " ".join(str(error).split())
                _say(self._console, f"✖ whether it is over cannot be seen ({words}); it is looked again")
            return False
        if self._said:
            self._said = ""
            _say(self._console, "✔ whether it is over can be seen again")
        return over


def _begin(ground: Ground, scene: Stage, console: Console, watch: Watch) -> None:
    """Some invoices are deposited: an installation that has nothing behind it has pinned nothing either."""
    ground.write(FIRST_INVOICES)
    watch.until_deposited(ground)
    aws = " ".join(f"{name}={value}" for name, value in scene.aws.environ().items())
    lines = (
        f"{FIRST_INVOICES} invoices are deposited. In another terminal, in this folder:",
        f"  export {aws}",
        f"  export FACTEUR_STACK={STACK}",
        "  .venv/bin/facteur status",
        "  .venv/bin/facteur doctor",
        f"SQL of the runbook, as the owner: {scene.database_url}",
        "Where it says `aws …` and you have no AWS CLI: .venv/bin/python -m local.drill.aws …",
        "Where it says to deploy a parameter: .venv/bin/python -m local.drill.deploy NAME=VALUE",
        "The runbook is docs/runbook.md.",
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _drills(name: str | None, ground: Ground, console: Console, interruption: Interruption, watch: Watch) -> int:
    while True:
        chosen = name or _asked(console)
        if chosen is None:
            return 0
        breakage = next((each for each in BREAKAGES if each.name == chosen), None) or random.choice(BREAKAGES)  # noqa: S311 - a game
        watch.parts()  # what has died while the menu was shown
        repaired = _drill(breakage, ground, console, interruption, watch, named=chosen != SURPRISE)
        if name:
            return 0 if repaired else 1


def _asked(console: Console) -> str | None:
    """The breakage that somebody chooses; None: he has had enough."""
    console.print()
    for number, each in enumerate(BREAKAGES, 1):
        console.print(Text(f"{number:3}  {each.name:<10} {each.what}"))
    console.print(Text(f"  s  {SURPRISE:<10} one of them, and you find out which"))
    while True:
        try:
            word = input("Which one? (q: end) ").strip().lower()
        except EOFError:
            return None
        if word in {"q", "quit", ""}:
            return None
        if word in {"s", SURPRISE}:
            return SURPRISE
        named = {each.name: each.name for each in BREAKAGES} | {
            str(n): each.name for n, each in enumerate(BREAKAGES, 1)
        }
        if word in named:
            return named[word]
        console.print(Text(f"there is no {word!r}"))


def _drill(
    breakage: Breakage, ground: Ground, console: Console, interruption: Interruption, watch: Watch, *, named: bool
) -> bool:
    """Break it and wait; whether the person has repaired it."""
    ground.begin()
    with interruption.deferred():
        known = breakage.make(ground)
    began = time.monotonic()
    what = f"{breakage.what}; runbook: {breakage.section}" if named else UNNAMED
    _say(console, f"✖ {what}")
    if known:
        _say(console, f"  {known}")
    _say(
        console,
        f"  {len(ground.written)} invoices were written meanwhile: {', '.join(ground.numbers)}. Ctrl-C gives up.",
    )
    try:
        watch.until_deposited(ground)
    except Interrupted:
        _say(console, f"given up after {time.monotonic() - began:.0f} s: {breakage.what}; runbook: {breakage.section}")
        with interruption.deferred():
            breakage.restore(ground)
        watch.until_deposited(ground)
        interruption.is_over()
        _say(console, "  the drill has repaired it")
        return False
    word = "over" if breakage.passes else "repaired"
    _say(console, f"✔ {word} after {time.monotonic() - began:.0f} s: {breakage.what} ({breakage.section})")
    if breakage.passes:
        _say(console, f"  {breakage.passes}")
    _say(console, f"  left: {_left(ground)}")
    return True


def _left(ground: Ground) -> str:
    """What waits, what has failed, and whether the platform has each invoice exactly once."""
    ((waiting, failed),) = ground.rows(LEFT)
    copies = [len(ground.scene.platform.ledger(number)) for number in ground.numbers]
    twice, lost = sum(n > 1 for n in copies), copies.count(0)
    return f"{waiting}; {failed} failed; {SENT_TWICE.format(twice=twice, lost=lost)}"


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)


if __name__ == "__main__":
    run_main(main)
