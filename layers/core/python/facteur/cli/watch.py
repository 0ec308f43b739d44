"""facteur watch"""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from facteur.cli import status
from facteur.cli.lines import Screen
from facteur.cli.root import NOT_DONE, Session, command
from facteur.domain.visible import visible
from facteur.errors import FacteurError

PAUSE_SECONDS = 2.0


@command()
def watch(
    session: Session,
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds; else Ctrl-C ends it")] = None,
) -> int:  # fmt: skip
    """The same as status, live: asked every two seconds until Ctrl-C. Without a terminal it prints each answer; --json a line each."""
    ends_at = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        return 0 if _show_until(ends_at, session) else NOT_DONE
    except KeyboardInterrupt:
        return 0


def _show_until(ends_at: float, session: Session) -> bool:
    """Whether the last question was answered."""
    ask = _ask_as_json if session.as_json else _ask
    screen, answered = ask(session)
    if session.as_json or not session.out.is_terminal:
        session.out.print(screen, end="", soft_wrap=True)
        while _paused(ends_at):
            screen, answered = ask(session)
            session.out.print(screen, end="", soft_wrap=True)
        return answered
    with Live(screen, console=session.out, auto_refresh=False) as live:
        while _paused(ends_at):
            screen, answered = _ask(session)
            live.update(screen, refresh=True)
    return answered


def _paused(ends_at: float) -> bool:
    """Wait for the next question; False where the time is over before it."""
    if time.monotonic() + PAUSE_SECONDS > ends_at:
        return False
    time.sleep(PAUSE_SECONDS)
    return True


def _ask(session: Session) -> tuple[Text, bool]:
    """What status shows, and whether it was answered. A failover of the database is shown, and it is asked again."""
    console = Screen(width=session.out.width, force_terminal=session.out.is_terminal)
    answered = True
    with console.capture() as captured:
        try:
            session.draw(session.ask("status"), status.render, console)
        except FacteurError as error:
            answered = False
            console.print(f"facteur: {visible(str(error))}")
    return Text.from_ansi(captured.get()), answered


def _ask_as_json(session: Session) -> tuple[Text, bool]:
    try:
        return Text(json.dumps(session.ask("status")) + "\n"), True
    except FacteurError as error:
        return Text(json.dumps({"error": str(error)}) + "\n"), False
