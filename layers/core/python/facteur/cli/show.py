"""facteur show"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from facteur.cli.lines import print_rows
from facteur.cli.root import Session, command

WHAT = (
    "An invoice: its key, its number, or its submission_id; id:…, number:… or submission_id:… where that is ambiguous"
)
What = Annotated[str, typer.Argument(help=WHAT)]


@command()
def show(session: Session, what: What) -> None:
    """The whole story of an invoice: what was sent, what the platform said, and what happens next."""
    session.show(session.ask("show", what=what), render)


def render(answer: Any, out: Console) -> None:
    """One timeline each."""
    for story in answer["stories"]:
        render_story(story, out)


def render_story(story: Any, out: Console) -> None:
    """What it is, what happened, what happens next."""
    amount = f"{story['total']} {story['currency'] or ''}".strip() if story["total"] else "no total"
    out.print(
        f"[bold]{escape(str(story['invoice_number']))}[/bold] of {story['seller_siren']} · {amount} · id {story['invoice_id']} "
        f"· account {story['account']}",
        highlight=False,
    )
    state = (story["state"] or "no submission").replace("_", " ")
    held = f" · submission_id {story['submission_id']}" if story["submission_id"] else ""
    out.print(f"now: [bold]{state}[/bold]{held}", highlight=False)
    happenings = story["happenings"]
    rows = [(moment(each["at"]), each["what"]) for each in happenings]
    print_rows(out, ("at (UTC)", "what"), rows, [(each["detail"],) for each in happenings])
    row = story["row"]
    ready = "ready" if row["ready"] else f"not ready: {row['lacks']}"
    shows = row["problem"] or f"technical_status {row['technical_status'] or 'null'}, {ready}"
    out.print(f"its row was told: {escape(story['told'])}", highlight=False)
    out.print(f"its row shows: {escape(shows)}", highlight=False)
    helpful = f" → [bold]{escape(story['help'])}[/bold]" if story["help"] else ""
    out.print(f"next: {escape(story['next_step'])}{helpful}\n", highlight=False)


def moment(at: str) -> str:
    """An ISO time as a person reads it."""
    return at[:23].replace("T", " ") if "." in at else at[:19].replace("T", " ")
