"""facteur show"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.lines import Part, print_rows, say
from facteur.cli.root import LOOK, Session, command
from facteur.cli.times import local, zone
from facteur.operate import story as operate
from facteur.operate.model.story import Stories, Story

WHAT = (
    "An invoice: its key, its number, or its submission_id; id:…, number:… or submission_id:… where that is ambiguous"
)
What = Annotated[str, typer.Argument(help=WHAT)]


@command(group=LOOK, examples=("show F-2026-00042", "show id:42 --json"))
def show(session: Session, what: What) -> None:
    """The whole story of an invoice: what was sent, what the platform said, and what happens next."""
    session.show(session.ask(operate.show, what=what), render)


def render(answer: Stories, out: Console) -> None:
    """One timeline each."""
    for story in answer.stories:
        render_story(story, out)


def render_story(story: Story, out: Console) -> None:
    """What it is, what happened, what happens next."""
    amount = f"{story.total} {story.currency or ''}".strip() if story.total is not None else "no total"
    about = f" of {story.seller_siren} · {amount} · id {story.invoice_id} · account {story.account}"
    say(out, (str(story.invoice_number), "bold"), about)
    state = (story.state or "no submission").replace("_", " ")
    deposit = f" · submission_id {story.submission_id}" if story.submission_id else ""
    say(out, "now: ", (state, "bold"), deposit)
    happenings = story.happenings
    rows = [(local(each.at), each.what) for each in happenings]
    print_rows(out, (f"at ({zone(datetime.now(UTC))})", "what"), rows, [(each.detail,) for each in happenings])
    row = story.row
    ready = "ready" if row.ready else f"not ready: {row.lacks}"
    shows = row.problem or f"technical_status {row.technical_status or 'null'}, {ready}"
    out.print(f"its row was given: {story.told}")
    out.print(f"its row shows: {shows}")
    helpful: tuple[Part, ...] = (" → ", (story.help, "bold")) if story.help else ()
    say(out, f"next: {story.next_step}", *helpful, "\n")
