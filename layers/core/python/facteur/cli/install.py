"""facteur init"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace as replaced
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.confirm import WhoOption, YesOption, asked_why, confirm, who_am_i
from facteur.cli.lines import BAD, WARN, say
from facteur.cli.root import INSTALL, NOT_WELL, Session, command
from facteur.domain.visible import visible
from facteur.errors import OperatorError
from facteur.operate import install as operate
from facteur.operate.install import Initialised, KindColumn, Plan, Question, Sample

RecordedWhy = Annotated[
    str, typer.Option("--why", help="Why; it is recorded in facteur.operations, and asked for without --yes")
]
LockTimeout = Annotated[float, typer.Option(help="Seconds to wait for a lock before giving up", min=0.001)]


@command(group=INSTALL, examples=("init", "init --table billing.invoices --column number=ref"))
def init(
    session: Session,
    table: Annotated[str | None, typer.Option(help="The invoice table, as schema.table")] = None,
    column: Annotated[list[str] | None, typer.Option(help="part=column, such as number=invoice_ref")] = None,
    documents: Annotated[str | None, typer.Option(help="Where documents lie: s3://bucket/path/{id}.xml")] = None,
    final: Annotated[list[str] | None, typer.Option(help="Status of a finished invoice; may be repeated")] = None,
    seller: Annotated[str | None, typer.Option(help="SIREN of the seller, where it is always the same")] = None,
    watch: Annotated[
        list[str] | None, typer.Option(help="Another table that makes invoices ready: schema.table:column")
    ] = None,
    add_columns: Annotated[
        bool, typer.Option("--add-columns", help="Add the columns to write back to that are missing")
    ] = False,
    kinds: Annotated[
        list[str] | None,
        typer.Option(help="Kinds of documents that are invoices: standard,deposit or column=kind; may be repeated"),
    ] = None,
    where: Annotated[str | None, typer.Option(help="A condition of your own on the invoice's row, in SQL")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put this mapping in place of one that is installed")
    ] = False,
    mapping: Annotated[Path | None, typer.Option(help="Write the mapping there; with --apply, read it")] = None,
    submit_from: Annotated[
        str | None, typer.Option(help="Issue date of the first invoice to deposit, YYYY-MM-DD")
    ] = None,
    lock_timeout: LockTimeout = operate.LOCK_TIMEOUT_SECONDS,
    apply: Annotated[bool, typer.Option("--apply", help="Do it, in one transaction")] = False,
    why: RecordedWhy = "",
    who: WhoOption = "",
    yes: YesOption = False,
) -> int:
    """Install on an existing database: show the mapping and every statement with its locks; with --apply, run them."""
    if apply and submit_from is None:
        raise OperatorError(operate.NO_FIRST_DAY)

    def wished(
        table: str | None,
        mapping: str | None,
        kinds: list[str] | None,
        apply: bool = False,
        who: str = "",
        why: str = "",
    ) -> Initialised:
        return session.ask(
            operate.init, table=table, columns=column, documents=documents, final=final, seller=seller, watch=watch,
            add_columns=add_columns, replace=replace, submit_from=submit_from, where=where, mapping=mapping, kinds=kinds, apply=apply,
            lock_timeout_seconds=lock_timeout, who=who, why=why,
        )  # fmt: skip

    edited = read_mapping(mapping) if mapping and apply else None
    proposed = wished(table, edited, kinds)
    if proposed.question:
        kinds = [*(kinds or ()), *_asked_kinds(session, proposed.question, yes)]
        proposed = wished(table, edited, kinds)
    plan = planned(proposed)
    if not apply:
        write_mapping(mapping, plan.mapping)
        session.show(proposed, render_proposal)
        return 0
    if not session.as_json:
        session.draw(proposed, render)
    if not yes:
        confirm(session, f"{plan.table} gets the trigger, and what was issued from {submit_from} on is deposited.")
    why = asked_why(why, yes)
    answer = wished(plan.table, plan.mapping, kinds, True, who or who_am_i(), why)  # what was shown is what is run
    shown = replaced(planned(answer), remarks=plan.remarks)  # on what was chosen; a mapping that is given has none
    session.show(replaced(answer, plan=shown), render_sanity)
    sanity = answer.sanity
    return NOT_WELL if sanity and (sanity.ready_too_early or sanity.ready_without_number_or_seller) else 0


def planned(answer: Initialised) -> Plan:
    """What is proposed. Raises OperatorError where a question has to be answered first."""
    if answer.plan is None:
        raise OperatorError(answer.question.sentence if answer.question else "nothing is proposed")
    return answer.plan


def _asked_kinds(session: Session, question: Question, yes: bool) -> list[str]:
    """Ask which kinds are invoices. Raises OperatorError where nobody is there to say it."""
    if yes or session.as_json:
        raise OperatorError(question.sentence)
    return [_asked_kind(question, each) for each in question.columns if each.named is None]


def _asked_kind(question: Question, column: KindColumn) -> str:
    for each in column.kinds:
        label = f" {each.label}" if each.label else ""
        documents = "" if each.documents is None else f": {each.documents:,} documents"
        print("  " + visible(f"{column.name} {each.value or '(none)'}{label}{documents}"), file=sys.stderr)
    try:
        asked = visible(f"Which {column.name} of {question.table} are invoices? Several by commas")
        answer = str(typer.prompt(asked, err=True))
    except typer.Abort:
        raise OperatorError(question.sentence) from None
    return f"{column.name}={answer}"


def read_mapping(path: Path) -> str:
    """An edited mapping. Raises OperatorError where there is none."""
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        raise OperatorError(f"{path} cannot be read: without --apply, init writes it") from None


def write_mapping(path: Path | None, text: str) -> None:
    """Write a proposed mapping. Raises OperatorError where something else is there: it may have been edited."""
    if path is None:
        return
    if path.exists() and path.read_text("utf-8") != text:
        raise OperatorError(f"{path} is there already and differs: remove it, or use it with --apply")
    path.write_text(text, "utf-8")
    print(f"facteur: the mapping is in {visible(str(path))}", file=sys.stderr)


def render(answer: Initialised, out: Console) -> None:
    """What was found, the statements in order with their locks, and what to know beforehand."""
    plan = planned(answer)
    size = plan.bytes / 2**20
    say(out, (plan.table, "bold"), f", about {plan.rows:,} rows ({size:,.0f} MB)")
    for choice in plan.choices:
        out.print(f"  {choice.part}: {choice.chosen}")
    render_samples(answer.samples, out)
    out.print("In one transaction, in this order:")
    last = (plan.count, *plan.triggers) if plan.counts_first else (*plan.triggers, plan.count)
    for number, step in enumerate((*plan.steps, *last), 1):
        out.print(f"\n{number}. {step.what}", style="bold")
        lock = f"{step.lock} on {', '.join(step.on)}" if step.lock else "none on your tables"
        out.print(f"   lock: {lock}; blocks {step.blocks}")
        out.print(f"   lasts {step.lasts}")
        for line in step.statement.splitlines():
            out.print("   | " + line, soft_wrap=True)
    for remark in plan.remarks:
        say(out, "\n", WARN, f" {remark}")


def render_samples(samples: Iterable[Sample], out: Console) -> None:
    """Rows that would be deposited, and rows that would not, so that a wrong choice is seen before it is made."""
    for goes, heading in (True, "would go, if issued on the first day or later:"), (False, "would not go:"):
        chosen = [each for each in samples if each.goes is goes]
        if chosen:
            out.print(f"  {heading}")
        for each in chosen:
            named = ", ".join(filter(None, (each.number, each.status, each.kind)))
            out.print(f"    {each.id}: {named}")


def render_proposal(answer: Initialised, out: Console) -> None:
    """The plan, which was not carried out."""
    render(answer, out)
    out.print("\nNothing was changed. --apply runs it, --mapping FILE gives you the mapping to edit.")


def render_sanity(answer: Initialised, out: Console) -> None:
    """What the installed mapping shows."""
    sanity = answer.sanity
    say(out, (f"✔ installed on {planned(answer).table}", "green"))
    if sanity is None or sanity.ready is None:
        out.print("The table is too large to be counted here: select count(*) from facteur.invoice_source where ready")
        return
    out.print(
        f"facteur.invoice_source shows {sanity.rows:,} invoices. Ready, and so deposited next: {sanity.ready:,}; "
        f"of these, issued before the first day: {sanity.ready_too_early:,}.",
    )
    if sanity.ready_too_early:
        say(out, BAD, " The mapping does not hold the first day: keep deposits off and correct facteur.invoice_source")
    if sanity.ready_without_number_or_seller:
        say(out, BAD, f" {sanity.ready_without_number_or_seller:,} ready ones lack a number or the seller's SIREN")
