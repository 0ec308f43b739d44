"""facteur preview"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from facteur.cli.root import NOT_WELL, Session, command


@command()
def preview(
    session: Session,
    account: Annotated[str | None, typer.Option(help="Only this account")] = None,
    documents: Annotated[bool, typer.Option("--documents", help="Fetch each document and say what is wrong with it")] = False,
    limit: Annotated[int, typer.Option(help="So many at most, the next ones first")] = 50,
) -> int:  # fmt: skip
    """What would be deposited? For before deposits are turned on. Sends nothing."""
    answer = session.ask("preview", account=account, documents=documents, limit=limit)
    session.show(answer, render)
    return NOT_WELL if any(each["problem"] for each in answer["invoices"]) else 0


def render(answer: Any, out: Console) -> None:
    """A table, and the sum of all that waits."""
    table = Table("id", "number", "seller", "date", "total", "account", "document", "problem")
    for one in answer["invoices"]:
        total = f"{one['total']} {one['currency'] or ''}".strip() if one["total"] else "·"
        cells = (one["invoice_id"], one["invoice_number"], one["seller_siren"], one["issue_date"], total,
                 one["account"], one["document"], one["problem"])  # fmt: skip
        table.add_row(*(escape(cell or "·") for cell in cells))
    out.print(table if answer["invoices"] else "nothing waits to be deposited")
    sums = ", ".join(f"{total} {currency}" for currency, total in sorted(answer["totals"].items()))
    if answer["pending"]:
        out.print(
            f"{answer['pending']} wait: {sums}"
            + ("" if answer["documents"] else "; --documents looks into each document")
        )
