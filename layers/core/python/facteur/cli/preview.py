"""facteur preview"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.lines import WARN, print_rows, say
from facteur.cli.root import LOOK, NOT_WELL, Session, command
from facteur.domain.words import counted
from facteur.operate import preview as operate
from facteur.operate.model.backlog import Previewed
from facteur.operate.preview import Preview


@command(group=LOOK, examples=("preview --documents",))
def preview(
    session: Session,
    account: Annotated[str | None, typer.Option(help="Only this account")] = None,
    documents: Annotated[bool, typer.Option("--documents", help="Fetch each document and say what is wrong with it")] = False,
    limit: Annotated[int, typer.Option(help="So many at most, the next ones first")] = 50,
) -> int:  # fmt: skip
    """What would be deposited? For before deposits are turned on. Sends nothing."""
    answer = session.ask(operate.preview, account=account, documents=documents, limit=limit)
    session.show(answer, render)
    return NOT_WELL if any(each.problem for each in answer.invoices) else 0


def render(answer: Preview, out: Console) -> None:
    """A row each with its document and what is wrong below it, and the sum of all that waits."""
    if answer.invoices:
        headings = ("id", "number", "seller", "date", "total", "account")
        print_rows(out, headings, *zip(*map(_shown, answer.invoices), strict=True))
    else:
        out.print("nothing waits to be deposited")
    sums = ", ".join(f"{total} {currency}" for currency, total in sorted(answer.totals.items()))
    if answer.pending:
        out.print(
            counted("# [waits|wait]: ", answer.pending)
            + sums
            + ("" if answer.documents else "; --documents looks into each document")
        )
    for kind, documents in answer.other_kinds.items():
        finished, are = counted("# finished [document|documents]", documents), counted("[is|are]", documents)
        out.print(f"{finished} of kind {kind} {are} not deposited")
    if answer.unopened:
        say(out, WARN, f" {answer.unopened}")


def _shown(one: Previewed) -> tuple[tuple[object, ...], tuple[str | None, ...]]:
    """A row, and what stands below it."""
    total = f"{one.total} {one.currency or ''}" if one.total is not None else None
    cells = (one.invoice_id, one.invoice_number, one.seller_siren, one.issue_date, total, one.account)
    return cells, (one.document, f"✖ {one.problem}" if one.problem else None)
