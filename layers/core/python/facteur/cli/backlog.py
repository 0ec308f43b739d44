"""facteur submit-backlog"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.confirm import WhoOption, YesOption, confirm, who_am_i
from facteur.cli.lines import GOOD, Screen, say
from facteur.cli.root import ACT, Session, command
from facteur.domain.words import counted
from facteur.errors import OperatorError
from facteur.operate import backlog as operate
from facteur.operate.model.backlog import Backlog, BacklogPortion, Portion

MOST = 10_000_000
NOTHING = Backlog(0, 0, {}, None, None, 0, 0, 0, None, 0)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What all portions did; `said_pending`: rows that said so before."""

    submitted: int
    skipped: int
    said_pending: int


@command(
    "submit-backlog",
    group=ACT,
    examples=(
        "submit-backlog --since 2026-09-01 --until 2026-09-30",
        'submit-backlog --since 2026-09-01 --apply --why "first month"',
    ),
)
def submit_backlog(
    session: Session,
    since: Annotated[str, typer.Option(help="Issue date of the first invoice, YYYY-MM-DD")],
    until: Annotated[str | None, typer.Option(help="Issue date of the last invoice, YYYY-MM-DD")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account")] = None,
    limit: Annotated[int, typer.Option(help="So many at most, by their keys")] = MOST,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else it is only shown")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it, also with --apply")] = False,
    include_pending: Annotated[
        bool, typer.Option("--include-pending", help="Also rows that say pending already and are older than submit_from")
    ] = False,
    why: Annotated[str | None, typer.Option(help="Why; it is recorded in facteur.operations")] = None,
    who: WhoOption = "",
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Submit invoices from before the installation, on purpose. Shows what it would do; --apply does it."""

    def look(after: str | None, left: int) -> BacklogPortion:
        return session.ask(operate.preview_backlog, since=since, until=until, account=account, after=after, limit=left)

    def submit(after: str | None, left: int) -> Portion:
        return session.ask(
            operate.submit_backlog, since=since, until=until, account=account, after=after, limit=left, who=signed_by, why=why or ""
        )  # fmt: skip

    signed_by = who or who_am_i()
    found = _previewed(look, limit)
    if dry_run or not apply:
        session.show(found, render)
        return
    if not why:
        raise OperatorError('submit-backlog --apply is recorded: add --why "…"')
    _agreed(session, found, since, include_pending, yes)
    if found.submit_from is None or since < found.submit_from:
        # the schema's owner says from when on invoices are deposited
        session.ask(operate.lower_submit_from, since=since, include_pending=include_pending, who=signed_by, why=why)
    session.show(_in_portions(submit, limit, found), render_submitted)


def _agreed(session: Session, found: Backlog, since: str, include_pending: bool, yes: bool) -> None:
    if found.also_ready and not include_pending:
        raise OperatorError(
            f"{_rows_say(found.also_ready)} pending already and would be deposited by submit_from {since} alone, whatever the filter: "
            "give --include-pending where that is meant, or set their technical_status to null"
        )
    if not yes:
        old = counted("# old [invoice is|invoices are]", found.invoices)
        if found.also_ready:
            old = f"{counted('# old [invoice|invoices]', found.invoices)} and {found.also_ready} that say pending already are"
        confirm(session, f"{old} submitted ({_sums(found)}).")


def _previewed(look: Callable[[str | None, int], BacklogPortion], limit: int) -> Backlog:
    """All portions as one, by the same statement that submitting runs: both say the same number."""
    portion = look(None, limit)
    whole = _added(NOTHING, portion)
    with Screen(stderr=True).status("looking…") as progress:
        while portion.after is not None and whole.examined < limit:
            portion = look(portion.after, limit - whole.examined)
            whole = _added(whole, portion)
            progress.update(f"{whole.examined} looked at…")
    return whole


def _added(whole: Backlog, portion: Backlog) -> Backlog:
    totals = {name: Decimal(total) for name, total in whole.totals.items()}
    for name, total in portion.totals.items():
        totals[name] = totals.get(name, Decimal(0)) + Decimal(total)
    return Backlog(
        invoices=whole.invoices + portion.invoices,
        skipped=whole.skipped + portion.skipped,
        totals={name: str(total) for name, total in totals.items()},
        first=whole.first or portion.first,
        last=portion.last or whole.last,
        without_document=whole.without_document + portion.without_document,
        without_number=whole.without_number + portion.without_number,
        without_seller=whole.without_seller + portion.without_seller,
        submit_from=portion.submit_from,
        also_ready=whole.also_ready + portion.also_ready,
    )


def _in_portions(submit: Callable[[str | None, int], Portion], limit: int, expected: Backlog) -> Submitted:
    """Each portion is a transaction of its own: what was interrupted goes on where it stood when it is repeated."""
    submitted = skipped = 0
    after: str | None = None
    progress = Screen(stderr=True)
    while submitted + skipped < limit:
        portion = submit(after, limit - submitted - skipped)
        if portion.last is None:
            break
        after, submitted, skipped = portion.last, submitted + portion.submitted, skipped + portion.skipped
        progress.print(f"{submitted + skipped} of {expected.examined}")
    return Submitted(submitted, skipped, expected.also_ready)


def render(found: Backlog, out: Console) -> None:
    """What would be submitted, and what of it could not be."""
    if not found.invoices:
        out.print("no old invoice fits: what has a technical_status, is ready, or was submitted before is left alone")
    else:
        out.print(
            counted("# old [invoice|invoices], ", found.invoices) + f"{found.first} to {found.last}: {_sums(found)}"
        )
    for count, lacking in (
        (found.without_document, "# of all [has|have] no document"),
        (found.without_number, "# of them [has|have] no number"),
        (found.without_seller, "# of them [has|have] no seller_siren"),
    ):
        if count:
            out.print("  " + counted(lacking, count))
    if found.skipped:
        stay = counted("# more would not be ready and [stays as it is|stay as they are]", found.skipped)
        out.print(f"  {stay}: facteur show says why")
    if found.also_ready:
        already = f"{_rows_say(found.also_ready)} pending already"
        out.print(f"  {already}: without --include-pending nothing is submitted")
    out.print(f"submit_from is {found.submit_from or 'not set'}; nothing was changed, --apply does it")


def render_submitted(answer: Submitted, out: Console) -> None:
    """How many, and how many were left as they are."""
    submitted = counted(
        " # old [invoice is pending: the relay submits it|invoices are pending: the relay submits them]", answer.submitted
    )  # fmt: skip
    say(out, GOOD, submitted)
    if answer.said_pending:
        out.print(f"{_rows_say(answer.said_pending)} pending already: submitted as well")
    if answer.skipped:
        left = counted("# would not have been ready and [is as it was|are as they were]", answer.skipped)
        out.print(f"{left}: facteur show says why")


def _rows_say(count: int) -> str:
    return counted("# [row says|rows say]", count)


def _sums(found: Backlog) -> str:
    return ", ".join(f"{total} {currency}" for currency, total in sorted(found.totals.items())) or "no totals"
