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
from local.demo.parts import AWS_EMULATOR, NotBackError, Part
from local.demo.report import say_how_to_look_further, say_sam_commands
from local.demo.stage import BUCKET, RUNNING, Stage

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
    known = {
        "database_url": scene.database_url,
        "bucket": BUCKET,
        "aws": scene.aws.environ(),
        "accounts": list(scene.platforms),
    }
    (folder / RUNNING).write_text(json.dumps(known))
    with suppress(Interrupted), ExitStack() as more:
        if containers:
            environment = more.enter_context(reachable(scene, containers, folder))
            say_sam_commands(console, scene, environment)
        say_how_to_look_further(console, scene, folder, cases[0].number)
        console.print("Everything keeps running until Ctrl-C; what dies is started again.")
        tend(scene.parts, console, interruption)


class Keeper:
    """Starts again what has died, a look at a time. Every death, every return, and what was lost by it, is said in a line."""

    def __init__(
        self,
        parts: Sequence[Part],
        console: Console,
        interruption: Interruption,
        refill: Callable[[], object] = lambda: None,
    ) -> None:
        """`refill` is called with each new AWS emulator."""
        self._parts, self._console, self._interruption, self._refill = parts, console, interruption, refill
        self._began: dict[str, float] = {}  # of those that are not back yet
        self._said: dict[str, str] = {}

    def look(self) -> None:
        """Start again whatever does not answer; what does not come back is left to the next time."""
        for part in self._parts:
            if part.is_dead():
                with self._interruption.deferred():
                    self._revive(part)

    def _revive(self, part: Part) -> None:
        if part.name not in self._began:
            self._began[part.name] = time.monotonic()
            self._say(f"✖ the {part.name} does not answer; it is started again")
        try:
            part.revive()
        except NotBackError as error:
            self._say_once(part, f"✖ {error}; it is tried again")
            return
        if part.name == AWS_EMULATOR:
            self._refill()
        if part.lost:
            self._say(f"  {part.lost}")
        self._said.pop(part.name, None)
        self._say(f"✔ the {part.name} runs again after {time.monotonic() - self._began.pop(part.name):.0f} s")

    def _say_once(self, part: Part, line: str) -> None:
        if self._said.get(part.name) != line:
            self._said[part.name] = line
            self._say(line)

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def tend(
    parts: Sequence[Part],
    console: Console,
    interruption: Interruption,
    refill: Callable[[], object] = lambda: None,
    look: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Start again whatever dies, until somebody stops it.

    Args:
        parts: what may die.
        console: where every death and return is said.
        interruption: what Ctrl-C does.
        refill: called with each new AWS emulator.
        look: called each time around.

    Raises:
        Interrupted: somebody stopped it.
    """
    keeper = Keeper(parts, console, interruption, refill)
    while True:
        time.sleep(LOOK_SECONDS)
        look()
        keeper.look()


def upload(cases: Sequence[Case], scene: Stage) -> list[str]:
    """Put the documents into the bucket, and into that of each new emulator; their addresses, in order."""

    def put() -> list[str]:
        s3 = scene.aws.session.client("s3", endpoint_url=scene.aws.endpoint_url)
        for case in cases:
            s3.put_object(Bucket=BUCKET, Key=case.file_name, Body=case.document)
        return [f"s3://{BUCKET}/{case.file_name}" for case in cases]

    return scene.put_into_aws(put)
