"""facteur list"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
    mismatched: Annotated[bool, typer.Option("--mismatched", help="Rows that ask for another invoice than was sent")] = False,
    untold: Annotated[bool, typer.Option("--untold", help="Rows that could not be written back")] = False,
    limit: Annotated[int, typer.Option(help="So many at most")] = 50,
) -> None:  # fmt: skip
    """Which invoices? The youngest first."""
    asked = [
        name for name, wanted in (("unreadable", unreadable), ("mismatched", mismatched), ("untold", untold)) if wanted
    ]
    if len(asked) > 1:
        raise OperatorError(f"--{asked[0]} and --{asked[1]} exclude each other")
    if unreadable and (state or account or since):
        raise OperatorError("--unreadable takes no other filter: what the mapping cannot read has no state yet")
    answer = session.ask(
        "list_invoices", states=state or [], account=account, since=since, only=asked[0] if asked else None, limit=limit
    )
    session.show(answer, render)


def render(answer: Any, out: Console) -> None:
    """A table, and how many more there are."""
    if answer["unreadable"]:
        table = Table("id", "error", "again at (UTC)")
        for row in answer["unreadable"]:
            table.add_row(escape(row["invoice_id"]), escape(row["error"]), moment(row["due_at"]))
    else:
        table = Table("id", "number", "account", "state", "since (UTC)", "due (UTC)", "total", "about")
        for row in answer["invoices"]:
            total = f"{row['total']} {row['currency'] or ''}".strip() if row["total"] else "·"
            due = moment(row["due_at"])[:19] if row["due_at"] else "·"
            table.add_row(
                escape(row["invoice_id"]), escape(row["invoice_number"] or "·"), row["account"], row["state"],
                moment(row["since"])[:19], due, total, escape(row["about"] or ""),
            )  # fmt: skip
    out.print(table if table.row_count else "none")
    if answer["more"]:
        out.print(f"and {answer['more']} more: raise --limit")
