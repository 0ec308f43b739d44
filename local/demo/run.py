"""The course of a demo: start, write invoices, watch, compare, say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from rich.console import Console
from rich.text import Text

from local.demo.application import Application
from local.demo.cases import Case
from local.demo.companies import ACCOUNTS, OTHERS
from local.demo.containers import switch_off_consumer
from local.demo.display import display, full_table
from local.demo.folder import Folder
from local.demo.interruption import Interruption
from local.demo.keep import keep_running, upload
from local.demo.outcome import Outcome, judge
from local.demo.report import say_companies, say_errors, say_outcome, say_platforms, say_story
from local.demo.stage import Stage, stage, working_folder
from local.demo.ticks import ticking
from local.demo.watch import Watch

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 90.0
PATIENCE_PER_INVOICE_SECONDS = 0.5


class DemoFailedError(Exception):
    """At least one invoice did not reach its end; it has been said which."""


def run(
    invoices: Folder, keep: bool, console: Console, interruption: Interruption, containers: str | None = None
) -> None:
    """Run the demo, from an empty machine to an empty machine.

    Args:
        invoices: what is deposited.
        keep: leave everything running until Ctrl-C.
        console: where it is shown.
        interruption: what Ctrl-C does.
        containers: the address at which containers reach everything: then the invoices are written and left to them.

    Raises:
        DemoFailedError: an invoice did not end as it must, or a file could not be read.
        Interrupted: somebody stopped it.
    """
    began = time.monotonic()
    others = tuple(each for each in OTHERS if each.name in {case.account for case in invoices.cases})
    with (
        working_folder(console, interruption) as folder,
        stage(_sayer(console), interruption, folder, others=others) as scene,
    ):
        _prepare_platform(invoices, scene)
        if containers:
            switch_off_consumer(scene)
            with closing(Application(scene.database_url)) as application:
                application.write(invoices.cases, upload(invoices.cases, scene))
            keep_running(scene, folder, invoices.cases, console, interruption, containers)
            return
        with ticking(scene.stack, console.print if keep else None) as tick_errors:
            with closing(Application(scene.database_url)) as application:
                outcome = _deposit(invoices.cases, scene, application, tick_errors, console)
            if keep:
                keep_running(scene, folder, invoices.cases, console, interruption)
        if not outcome.good:
            say_errors(console, tick_errors)
            say_errors(console, scene.stack.logged_errors())
            raise DemoFailedError
    console.print(f"everything stopped after {time.monotonic() - began:.1f} s; nothing is left behind")
    if invoices.left_out:
        console.print(f"✖ {len(invoices.left_out)} files were left out, see above: the exit code is 1")
        raise DemoFailedError


def _prepare_platform(invoices: Folder, scene: Stage) -> None:
    def introduce() -> None:
        for siren, name in invoices.buyers:
            scene.platform.add_company(siren, name, behaviour="205")

    scene.put_into_platform(introduce)
    for case in invoices.cases:
        if case.faults:
            scene.platforms[case.account].script(case.number, case.faults)


def _deposit(
    cases: Sequence[Case], scene: Stage, application: Application, tick_errors: Sequence[str], console: Console
) -> Outcome:
    """Write the invoices as an application would, watch them to their ends, and compare with the platforms' ledgers."""
    if len(scene.platforms) > 1:
        say_companies(console, [ACCOUNTS[name] for name in scene.platforms])
    uris = upload(cases, scene)
    written = application.write(cases, uris)
    watch = _watch(written, application, tick_errors, console)
    outcome = judge(written, watch.sights, _deposited(scene))
    if console.is_interactive:  # elsewhere, the lines have said it already
        console.print(full_table(written, watch.sights))
    for number in _worth_a_story(cases):
        say_story(console, number, application.story(number))
    say_outcome(console, outcome, watch)
    if len(scene.platforms) > 1:
        say_platforms(console, _deposited(scene))
    return outcome


def _deposited(scene: Stage) -> list[tuple[str, str]]:
    """The account and the SHA-256 of each deposit, by the platforms' own ledgers."""
    return [(name, str(each["sha256"])) for name, platform in scene.platforms.items() for each in platform.ledger()]


def _watch(cases: Mapping[int, Case], application: Application, tick_errors: Sequence[str], console: Console) -> Watch:
    watch = Watch()
    patience = PATIENCE_SECONDS + PATIENCE_PER_INVOICE_SECONDS * len(cases)
    with display(console, cases) as shown:
        while True:
            watch.look(cases, application.look(list(cases)))
            shown.show(watch.sights, watch.seconds)
            if watch.over(cases) or tick_errors or watch.seconds > patience:
                return watch
            time.sleep(LOOK_SECONDS)


def _worth_a_story(cases: Sequence[Case]) -> list[str]:
    """The first invoice whose answer got lost: nobody believes it without having seen it."""
    return [case.number for case in cases if "lost_answer" in case.faults][:1]


def _sayer(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(Text(line, style="dim"))
