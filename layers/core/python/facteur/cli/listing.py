"""facteur list"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from facteur.cli.lines import WARN, print_rows, say
from facteur.cli.root import Session, command
from facteur.cli.show import moment
from facteur.errors import OperatorError


@command("list")
def list_invoices(
    session: Session,
    state: Annotated[list[str] | None, typer.Option(help="Only this state; may be repeated")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was opened on that day or later, YYYY-MM-DD")] = None,
    unreadable: Annotated[bool, typer.Option("--unreadable", help="Rows that the mapping raises on")] = False,
    mismatched: Annotated[bool, typer.Option("--mismatched", help="Rows that show an error though something was deposited")] = False,
    not_written_back: Annotated[bool, typer.Option("--not-written-back", help="Rows that could not be written back")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Deposits that have never shown a status")] = False,
    unread: Annotated[bool, typer.Option("--unread", help="Deposits of which the search shows what no status says")] = False,
    not_transmitted: Annotated[bool, typer.Option("--not-transmitted", help="Deposits that nobody has received for three days")] = False,
    limit: Annotated[int, typer.Option(help="So many at most")] = 50,
) -> None:  # fmt: skip
    """Which invoices? The youngest first."""
    filters = {
        "unreadable": unreadable, "mismatched": mismatched, "not_written_back": not_written_back, "silent": silent, "unread": unread,
        "not_transmitted": not_transmitted,
    }  # fmt: skip
    asked = [name for name, wanted in filters.items() if wanted]
    if len(asked) > 1:
        raise OperatorError(f"--{asked[0]} and --{asked[1]} exclude each other".replace("_", "-"))
    if unreadable and (state or account or since):
        raise OperatorError("--unreadable takes no other filter: what the mapping cannot read has no state yet")
    answer = session.ask(
        "list_invoices", states=state or [], account=account, since=since, only=asked[0] if asked else None, limit=limit
    )
    session.show(answer, render)


def render(answer: Any, out: Console) -> None:
    """A row each with its reason below it, and how many more there are."""
    if answer["unreadable"]:
        rows = [(row["invoice_id"], moment(row["due_at"])) for row in answer["unreadable"]]
        print_rows(out, ("id", "again at (UTC)"), rows, [(row["error"],) for row in answer["unreadable"]])
    elif answer["invoices"]:
        headings = ("id", "number", "state", "account", "since (UTC)", "total")
        print_rows(out, headings, *zip(*map(_shown, answer["invoices"]), strict=True))
    else:
        out.print("none")
    if answer["more"]:
        out.print(f"and {answer['more']} more: raise --limit")
    if answer["unopened"]:
        say(out, WARN, f" {answer['unopened']}")


def _shown(row: Any) -> tuple[tuple[object, ...], tuple[str | None, ...]]:
    """A row, and what stands below it."""
    total = f"{row['total']} {row['currency'] or ''}" if row["total"] else None
    cells = (row["invoice_id"], row["invoice_number"], row["state"], row["account"], moment(row["since"])[:19], total)
    due = f"due {moment(row['due_at'])[:19]}" if row["due_at"] else None
    return cells, (due, row["about"])
