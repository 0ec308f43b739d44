"""facteur watch"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from facteur.cli import status
from facteur.cli.root import NOT_DONE, Session, command
from facteur.errors import FacteurError, OperatorError

PAUSE_SECONDS = 2.0


@command()
def watch(
    session: Session,
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds; else Ctrl-C ends it")] = None,
) -> int:  # fmt: skip
    """The same as status, live: looks every two seconds until Ctrl-C. Without a terminal it prints each look."""
    if session.as_json:
        raise OperatorError("watch has no --json; call facteur status --json as often as you like")
    ends_at = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        return 0 if _show_until(ends_at, session) else NOT_DONE
    except KeyboardInterrupt:
        return 0


def _show_until(ends_at: float, session: Session) -> bool:
    """Whether the last look was answered."""
    screen, answered = _look(session)
    if not session.out.is_terminal:
        session.out.print(screen, end="")
        while _paused(ends_at):
            screen, answered = _look(session)
            session.out.print(screen, end="")
        return answered
    with Live(screen, console=session.out, auto_refresh=False) as live:
        while _paused(ends_at):
            screen, answered = _look(session)
            live.update(screen, refresh=True)
    return answered


def _paused(ends_at: float) -> bool:
    """Wait for the next look; False where the time is over before it."""
    if time.monotonic() + PAUSE_SECONDS > ends_at:
        return False
    time.sleep(PAUSE_SECONDS)
    return True


def _look(session: Session) -> tuple[Text, bool]:
    """What status shows, and whether it was answered. A database that fails over is told, and looked at again."""
    console = Console(width=session.out.width, force_terminal=session.out.is_terminal)
    answered = True
    with console.capture() as captured:
        try:
            status.render(session.ask("status"), console)
        except FacteurError as error:
            answered = False
            console.print(f"facteur: {error}", highlight=False, markup=False)
    return Text.from_ansi(captured.get()), answered
