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
from facteur.cli.root import LOOK, NOT_DONE, Session, command
from facteur.domain.visible import visible
from facteur.errors import FacteurError
from facteur.operate import status as operate
from facteur.operate.dispatch import as_plain, refusal

PAUSE_SECONDS = 2.0


@command(group=LOOK, examples=("watch --for 600",))
def watch(
    session: Session,
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds; else Ctrl-C ends it")] = None,
) -> int:  # fmt: skip
    """The same as status, live: asked every two seconds until Ctrl-C. Without a terminal it prints each answer; --json a line each."""
    ends_at = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        return _show_until(ends_at, session)
    except KeyboardInterrupt:
        return 0


def _show_until(ends_at: float, session: Session) -> int:
    """As `status` exits, for the last question."""
    ask = _ask_as_json if session.as_json else _ask
    screen, code = ask(session)
    if session.as_json or not session.out.is_terminal:
        session.out.print(screen, end="", soft_wrap=True)
        while _paused(ends_at):
            screen, code = ask(session)
            session.out.print(screen, end="", soft_wrap=True)
        return code
    with Live(screen, console=session.out, auto_refresh=False) as live:
        while _paused(ends_at):
            screen, code = _ask(session)
            live.update(screen, refresh=True)
    return code


def _paused(ends_at: float) -> bool:
    """Wait for the next question; False where the time is over before it."""
    if time.monotonic() + PAUSE_SECONDS > ends_at:
        return False
    time.sleep(PAUSE_SECONDS)
    return True


def _ask(session: Session) -> tuple[Text, int]:
    """What status shows, and how it would exit. A failover of the database is shown, and it is asked again."""
    console = Screen(width=session.out.width, force_terminal=session.out.is_terminal)
    code = NOT_DONE
    with console.capture() as captured:
        try:
            answer = session.ask(operate.status)
            session.draw(answer, status.render, console)
            code = status.exit_code(answer)
        except FacteurError as error:
            console.print(f"facteur: {visible(str(error))}")
    return Text.from_ansi(captured.get()), code


def _ask_as_json(session: Session) -> tuple[Text, int]:
    try:
        answer = session.ask(operate.status)
        return Text(json.dumps(as_plain(answer)) + "\n"), status.exit_code(answer)
    except FacteurError as error:
        return Text(json.dumps(refusal(error)) + "\n"), NOT_DONE
