"""facteur doctor"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from facteur.cli.lines import BAD, GOOD, WARN
from facteur.cli.root import LOOK, NOT_WELL, Session, command
from facteur.operate.doctor import run as operate
from facteur.operate.doctor.diagnosis import Diagnosis, Outcome

MARKS = {Outcome.OK: GOOD, Outcome.WARNING: WARN, Outcome.FAILED: BAD, Outcome.SKIPPED: ("–", "dim")}


@command(group=LOOK, examples=("doctor --stack facteur-prod", "doctor --deep"))
def doctor(
    session: Session,
    deep: Annotated[bool, typer.Option("--deep", help="Write real rows with each status as well, and roll back")] = False,
) -> int:  # fmt: skip
    """Check everything that has to be right, in order, and say of each failure what to do. Changes nothing."""
    answer = session.ask(operate.doctor, deep=deep)
    session.show(answer, render)
    return NOT_WELL if answer.failed else 0


def render(answer: Diagnosis, out: Console) -> None:
    """A line a check, and below it the next step."""
    for each in answer.findings:
        name = f"{each.account}: {each.check}" if each.account else each.check
        out.print(Text.assemble(MARKS[each.outcome], f" {name:24} {each.what}"), soft_wrap=True)
        if each.help and each.outcome is not Outcome.OK:
            out.print(f"    → {each.help}", soft_wrap=True)
