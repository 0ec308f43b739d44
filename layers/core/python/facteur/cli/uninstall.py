"""facteur uninstall"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.confirm import DryRunOption, WhoOption, YesOption, asked_why, confirm, typed_name, who_am_i
from facteur.cli.install import LockTimeout, RecordedWhy
from facteur.cli.lines import BAD, say
from facteur.cli.root import INSTALL, NOT_WELL, Session, command
from facteur.errors import OperatorError
from facteur.operate import install as operate
from facteur.operate.install import Uninstalled


@command(group=INSTALL, examples=("uninstall --dry-run",))
def uninstall(
    session: Session,
    drop_data: Annotated[
        bool, typer.Option("--drop-data", help="Drop the schema facteur and all that it knows")
    ] = False,
    drop_columns: Annotated[bool, typer.Option("--drop-columns", help="Drop the columns that init added")] = False,
    force: Annotated[bool, typer.Option("--force", help="Though invoices are still being deposited")] = False,
    dry_run: DryRunOption = False,
    lock_timeout: LockTimeout = operate.LOCK_TIMEOUT_SECONDS,
    confirmed: Annotated[
        str | None,
        typer.Option("--confirm", help="The stack's name, once more: for --drop-data with --stack and --yes"),
    ] = None,
    why: RecordedWhy = "",
    who: WhoOption = "",
    yes: YesOption = False,
) -> int:
    """Take triggers and mapping away; your tables are left as they were."""
    preview = session.ask(operate.uninstall, drop_data=drop_data, drop_columns=drop_columns, force=force, dry_run=True)
    if dry_run:
        session.show(preview, render_uninstalled)
        return NOT_WELL if preview.open_submissions and not force else 0
    if not session.as_json:
        session.draw(preview, render_uninstalled)
    if drop_data and session.stack:
        named = confirmed if yes or confirmed else typed_name(session, _loss(preview))
        if named != session.stack:
            raise OperatorError(
                f"nothing was done: to drop its data, name the stack once more ({operate.NAME_THE_STACK})"
            )
    elif not yes:
        confirm(session, f"{_loss(preview)}these statements are run.")
    why = asked_why(why, yes)
    answer = session.ask(
        operate.uninstall, drop_data=drop_data, drop_columns=drop_columns, force=force, stack=session.stack, who=who or who_am_i(),
        why=why, lock_timeout_seconds=lock_timeout,
    )  # fmt: skip
    session.show(answer, lambda _, out: say(out, ("✔ done", "green")))
    return 0


def _loss(preview: Uninstalled) -> str:
    if not preview.forgotten:
        return ""
    return (
        f"what is known of {preview.forgotten} submissions, {preview.forgotten_deposits} of them deposited, is lost; "
    )


def render_uninstalled(answer: Uninstalled, out: Console) -> None:
    """The statements, and what stays."""
    for statement in answer.statements:
        out.print(statement + ";", soft_wrap=True)
    for kept in answer.kept:
        out.print(f"stays: {kept}")
    if answer.forgotten:
        say(
            out, BAD, f" {answer.forgotten} submissions are forgotten: should it be installed again, whatever row is ready then is "
            "deposited, also for a second time",
        )  # fmt: skip
    if answer.open_submissions:
        say(out, BAD, f" {answer.open_submissions} invoices are still being deposited: refused without --force")
