"""The demo after its end, with KEEP=1: what has died is started again, and every death and every return is said in a line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from local.demo.cases import Case
from local.demo.containers import reachable
from local.demo.interruption import Interrupted, Interruption
from local.demo.report import say_how_to_look_further, say_sam_commands
from local.demo.stage import BUCKET, RUNNING, Part, Stage
from local.start import StartError

LOOK_SECONDS = 1.0


def keep_running(
    scene: Stage,
    folder: Path,
    cases: Sequence[Case],
    console: Console,
    interruption: Interruption,
    containers: str | None = None,
) -> None:
    """Return on Ctrl-C and its like only. `containers`: the address at which they reach everything."""
    known = {"database_url": scene.database_url, "bucket": BUCKET, "aws": scene.aws.environ()}
    (folder / RUNNING).write_text(json.dumps(known))
    with suppress(Interrupted), ExitStack() as more:
        if containers:
            environment = more.enter_context(reachable(scene, containers, folder))
            say_sam_commands(console, scene, environment)
        say_how_to_look_further(console, scene, folder, cases[0].number)
        console.print("Everything keeps running until Ctrl-C; what dies is started again.")
        tend(scene.parts, console, interruption, refill=lambda: upload(cases, scene))


def tend(
    parts: Sequence[Part],
    console: Console,
    interruption: Interruption,
    refill: Callable[[], object],
    look: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Start again whatever dies, until somebody stops it.

    Args:
        parts: what may die.
        console: where every death and return is said.
        interruption: what Ctrl-C does.
        refill: puts the documents into a new emulator's bucket.
        look: called each time around.

    Raises:
        Interrupted: somebody stopped it.
    """
    told: set[str] = set()
    while True:
        time.sleep(LOOK_SECONDS)
        look()
        for part in parts:
            with interruption.deferred():
                _tend(part, console, refill, told)


def upload(cases: Sequence[Case], scene: Stage) -> list[str]:
    """Put the documents into the bucket; their addresses, in order."""
    s3 = scene.aws.session.client("s3", endpoint_url=scene.aws.endpoint_url)
    for case in cases:
        s3.put_object(Bucket=BUCKET, Key=case.file_name, Body=case.document)
    return [f"s3://{BUCKET}/{case.file_name}" for case in cases]


def _tend(part: Part, console: Console, refill: Callable[[], object], told: set[str]) -> None:
    if not part.is_dead():
        return
    if part.revive is None:
        if part.name not in told:
            told.add(part.name)
            _say(console, f"✖ the {part.name} has ended, and what it knew is gone: press Ctrl-C, and begin anew")
        return
    _say(console, f"✖ the {part.name} has ended; it is started again")
    began = time.monotonic()
    try:
        part.revive()
    except StartError as error:
        _say(console, f"✖ {error}; it is tried again")
        return
    if part.name == "AWS emulator":
        refill()
        _say(
            console,
            "  its queue was empty, its secrets and documents are those of the beginning; the database tells what is to do",
        )
    _say(console, f"✔ the {part.name} runs again after {time.monotonic() - began:.0f} s")


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
