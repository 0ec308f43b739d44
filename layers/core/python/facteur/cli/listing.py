"""facteur list"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.lines import WARN, print_rows, say
from facteur.cli.root import LOOK, Session, command
from facteur.cli.times import lasting, local
from facteur.errors import OperatorError
from facteur.operate import listing as operate
from facteur.operate.model.story import Listed, Listing

NARROW = ("number", "state", "status", "total", "age", "reason")
WIDE = ("id", "account", "number", "state", "status", "total", "age", "since", "due", "reason")


@command("list", group=LOOK, examples=("list --state failed", "list --silent --account default --json"))
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
    wide: Annotated[bool, typer.Option("--wide", help="Key, account and times as well, and the whole reason")] = False,
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
        operate.list_invoices, states=state or [], account=account, since=since, only=asked[0] if asked else None, limit=limit
    )  # fmt: skip
    session.show(answer, partial(render, wide=wide))


def render(answer: Listing, out: Console, *, wide: bool = False) -> None:
    """A line each, and how many more there are."""
    if answer.unreadable:
        rows = [(row.invoice_id, local(row.due_at)) for row in answer.unreadable]
        print_rows(out, ("id", "again at"), rows, [(row.error,) for row in answer.unreadable])
    elif answer.invoices:
        columns = WIDE if wide else NARROW
        cells = [[_cells(each)[name] for name in columns] for each in answer.invoices]
        print_rows(out, columns, cells, cut_at=None if wide or not out.is_terminal else out.width)
    else:
        out.print("none")
    if answer.more:
        out.print(f"and {answer.more} more: raise --limit")
    if answer.unopened:
        say(out, WARN, f" {answer.unopened}")


def _cells(row: Listed) -> dict[str, str | None]:
    return {
        "number": row.invoice_number or f"id:{row.invoice_id}", "state": row.state.replace("_", " "), "status": row.status,
        "total": f"{row.total} {row.currency or ''}".strip() if row.total is not None else None,
        "age": lasting(row.age_seconds), "reason": row.about, "id": row.invoice_id, "account": row.account,
        "since": local(row.since), "due": local(row.due_at),
    }  # fmt: skip
