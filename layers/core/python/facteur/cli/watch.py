"""facteur watch"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from facteur.cli import status
from facteur.cli.root import Session, command
from facteur.errors import FacteurError, OperatorError

PAUSE_SECONDS = 2.0


@command()
def watch(
    session: Session,
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds; else Ctrl-C ends it")] = None,
) -> None:  # fmt: skip
    """The same as status, live: looks every two seconds until Ctrl-C. Without a terminal it prints each look."""
    if session.as_json:
        raise OperatorError("watch has no --json; call facteur status --json as often as you like")
    ends_at = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        _show_until(ends_at, session)
    except KeyboardInterrupt:
        return


def _show_until(ends_at: float, session: Session) -> None:
    if not session.out.is_terminal:
        session.out.print(_screen(session), end="")
        while _paused(ends_at):
            session.out.print(_screen(session), end="")
        return
    with Live(_screen(session), console=session.out, auto_refresh=False) as live:
        while _paused(ends_at):
            live.update(_screen(session), refresh=True)


def _paused(ends_at: float) -> bool:
    """Wait for the next look; False where the time is over before it."""
    if time.monotonic() + PAUSE_SECONDS > ends_at:
        return False
    time.sleep(PAUSE_SECONDS)
    return True


def _screen(session: Session) -> Text:
    """What status shows. A database that fails over is told, and looked at again."""
    console = Console(width=session.out.width, force_terminal=session.out.is_terminal)
    with console.capture() as captured:
        try:
            status.render(session.ask("status"), console)
        except FacteurError as error:
            console.print(f"facteur: {error}", highlight=False, markup=False)
    return Text.from_ansi(captured.get())
