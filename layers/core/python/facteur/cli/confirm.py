"""What commands that change something share: who, why, a dry run, and a question."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Concatenate, ParamSpec, TypeVar

import typer
from rich.console import Console

from facteur.cli.lines import GOOD, say
from facteur.cli.root import Session
from facteur.cli.times import localised
from facteur.domain.visible import visible
from facteur.errors import OperatorError
from facteur.operate.model.acts import Done, Repinned
from facteur.operate.services import OperateServices

WhyOption = Annotated[str, typer.Option("--why", help="Why; must be given, and is recorded in facteur.operations")]
WhoOption = Annotated[str, typer.Option("--who", help="Who; by default user@host")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask")]

Answer = TypeVar("Answer", Done, Repinned)
Asked = ParamSpec("Asked")

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def carry_out(
    session: Session, yes: bool, act: Callable[Concatenate[OperateServices, Asked], Answer], *none: Asked.args,
    **arguments: Asked.kwargs,
) -> Answer:  # fmt: skip
    """Rehearse an act, ask, and do it; the answer. A dry run ends with the rehearsal. An act takes who, why and dry_run.

    Raises:
        OperatorError: no reason is given, it is refused, or nobody said yes.
    """
    if not str(arguments["why"]).strip():
        raise OperatorError(f'{act.__name__} is recorded: add --why "…"')
    dry_run = arguments["dry_run"]
    arguments["who"] = arguments["who"] or who_am_i()
    if dry_run or not yes:
        arguments["dry_run"] = True
        rehearsed = session.ask(act, *none, **arguments)
        if dry_run:
            return rehearsed
        _confirm_act(session, rehearsed)
        arguments["dry_run"] = False
    return session.ask(act, *none, **arguments)


def _confirm_act(session: Session, rehearsed: Done | Repinned) -> None:
    if isinstance(rehearsed, Done):
        confirm(session, rehearsed.summary, subject(rehearsed))
    else:
        confirm(session, "its pin is taken away.", f"account {rehearsed.account}: ")


def confirm(session: Session, summary: str, about: str = "") -> None:
    """Ask on the terminal's own channel, so that output stays clean. The question names the installation.

    Raises:
        OperatorError: no, or there is nobody to ask.
    """
    try:
        agreed = typer.confirm(
            visible(f"On {session.place}: {about}{localised(summary, datetime.now(UTC))} Do it?"), err=True
        )
    except typer.Abort:
        raise OperatorError("nobody said yes, and nothing was done; --yes does not ask") from None
    if not agreed:
        raise OperatorError("nothing was done")


def asked_why(why: str, yes: bool) -> str:
    """Why, from whoever answers the command's questions. A script that said yes beforehand may leave it out: that is recorded as well.

    Raises:
        OperatorError: there is nobody to ask.
    """
    if why.strip() or yes:
        return why
    try:
        return str(typer.prompt("Why? It is recorded", err=True))
    except typer.Abort:
        raise OperatorError('nobody said why, and nothing was done; --why "…" says it') from None


def typed_name(session: Session, loss: str) -> str:
    """What is typed where a stack has to be named: yes is said too easily.

    Raises:
        OperatorError: there is nobody to ask.
    """
    try:
        asked = visible(f"On {session.place}: {loss}Type the stack's name to do it")
        return str(typer.prompt(asked, err=True)).strip()
    except typer.Abort:
        raise OperatorError("nobody named the stack, and nothing was done") from None


def subject(done: Done) -> str:
    """What an act is about, before its sentence."""
    if done.invoice_id:
        return f"{done.invoice_number} (id {done.invoice_id}, account {done.account}) is {done.was}. "
    return ""


def render_done(answer: Done, out: Console) -> None:
    """One line."""
    done = ("dry run, nothing was changed:",) if answer.dry_run else (GOOD,)
    say(out, *done, " " + subject(answer).replace(" is ", " was ") + answer.summary)


def who_am_i() -> str:
    """user@host, as the operating system says."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def seconds_in(duration: str | None) -> float | None:
    """`90s`, `30m`, `2h`, `1d`; None stays None.

    Raises:
        OperatorError: it is no duration.
    """
    if duration is None:
        return None
    given = DURATION.fullmatch(duration.strip())
    if given is None:
        raise OperatorError(f"{duration!r} is no duration: 30m, 2h, or 1d, say")
    return float(given[1]) * SECONDS[given[2]]
