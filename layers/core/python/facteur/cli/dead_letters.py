"""facteur dead-letters"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.lines import print_rows
from facteur.cli.root import LOOK, Session, command
from facteur.cli.times import local
from facteur.operate import dead_letters as operate
from facteur.operate.dead_letters import DeadLetters


@command("dead-letters", group=LOOK, examples=("dead-letters --stack facteur-prod",))
def dead_letters(session: Session, limit: Annotated[int, typer.Option(help="So many at most")] = 100) -> None:
    """What lies in the dead-letter queue, and why. None is taken away."""
    session.show(session.ask(operate.dead_letters, limit=limit), render)


def render(answer: DeadLetters, out: Console) -> None:
    """A row each, and why it is there below it; never what a message holds."""
    if not answer.letters:
        out.print("There are no dead letters, or somebody is looking at them at this moment.")
        return
    rows = [
        (each.submission_id, each.invoice_id, each.invoice_number, each.state, local(each.sent_at))
        for each in answer.letters
    ]
    notes = [(each.why, each.help) for each in answer.letters]
    print_rows(out, ("submission", "id", "number", "state", "sent"), rows, notes)
    if (more := answer.count - len(rows)) > 0:
        out.print(f"and about {more} more: raise --limit")
