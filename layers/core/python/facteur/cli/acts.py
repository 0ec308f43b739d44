"""facteur retry, reject, adopt, pause, resume, redrive, repin"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.confirm import DryRunOption, WhoOption, WhyOption, YesOption, carry_out, render_done, seconds_in
from facteur.cli.lines import GOOD, say
from facteur.cli.root import ACCOUNTS, ACT, Session, command
from facteur.cli.show import WHAT, What
from facteur.errors import OperatorError
from facteur.operate import acts as operate
from facteur.operate.adopt import adopt as adopt_deposit
from facteur.operate.model.acts import Repinned

AccountArgument = Annotated[str, typer.Argument(help="The account's name")]


@command(
    group=ACT,
    examples=(
        'retry F-2026-00042 --why "number corrected"',
        "retry --state failed --code document_missing --why uploaded",
    ),
)
def retry(
    session: Session,
    what: Annotated[str | None, typer.Argument(help=WHAT)] = None,
    why: WhyOption = "",
    state: Annotated[list[str] | None, typer.Option(help="All that are in this state; may be repeated")] = None,
    code: Annotated[str | None, typer.Option(help="Of these, those with this code as their last error")] = None,
    account: Annotated[str | None, typer.Option(help="Of these, those of this account")] = None,
    who: WhoOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Send a failed or rejected invoice again, or all alike, by way of their rows; look at what waits now. Never a blind resend."""
    if (what is None) == (state is None):
        raise OperatorError("say which invoice, or --state (and --code) for all that are alike")
    if what is not None and (code or account):
        raise OperatorError("--code and --account go with --state")
    if what:
        done = carry_out(session, yes, operate.retry, what=what, who=who, why=why, dry_run=dry_run)
    else:
        done = carry_out(
            session, yes, operate.retry_many, states=state or [], code=code, account=account, who=who, why=why, dry_run=dry_run
        )  # fmt: skip
    session.show(done, render_done)


@command(group=ACT, examples=('reject id:42 --why "entered twice"',))
def reject(
    session: Session, what: What, why: WhyOption = "", who: WhoOption = "", dry_run: DryRunOption = False, yes: YesOption = False
) -> None:  # fmt: skip
    """Decide that a failed or doubtful invoice is not to be sent; its row shows rejected."""
    session.show(carry_out(session, yes, operate.reject, what=what, who=who, why=why, dry_run=dry_run), render_done)


@command(group=ACT, examples=('adopt id:42 01a22b6c-f0e6-7b34-9986-9b2732c6d29d --why "compared at the platform"',))
def adopt(
    session: Session,
    what: What,
    platform_id: Annotated[str, typer.Argument(help="The platform's id of the deposit")],
    why: WhyOption = "",
    account: Annotated[
        str | None, typer.Option(help="Whose deposit it is, if another account's: before a route")
    ] = None,
    unverified: Annotated[bool, typer.Option("--unverified", help="Do not ask the platform about it")] = False,
    who: WhoOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take a deposit that the platform has as this invoice's, and follow it."""
    answer = carry_out(
        session, yes, adopt_deposit, what=what, platform_id=platform_id, account=account, unverified=unverified, who=who, why=why,
        dry_run=dry_run,
    )  # fmt: skip
    session.show(answer, render_done)


@command(group=ACCOUNTS, examples=('pause default --for 2h --why "the platform\'s maintenance"',))
def pause(
    session: Session,
    account: AccountArgument,
    why: WhyOption = "",
    duration: Annotated[str | None, typer.Option("--for", help="How long: 30m, 2h, 1d; else until resume")] = None,
    who: WhoOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Stop deposits, look-ups and status updates of one account, until resume."""
    answer = carry_out(
        session, yes, operate.pause, account=account, seconds=seconds_in(duration), who=who, why=why, dry_run=dry_run
    )
    session.show(answer, render_done)


@command(group=ACCOUNTS, examples=('resume default --why "secret corrected"',))
def resume(
    session: Session, account: AccountArgument, why: WhyOption = "", who: WhoOption = "", dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """End a pause, a person's or an automatic one, and close the breaker."""
    session.show(
        carry_out(session, yes, operate.resume, account=account, who=who, why=why, dry_run=dry_run), render_done
    )


@command(group=ACT, examples=('redrive --why "fixed by 1.4"',))
def redrive(
    session: Session, why: WhyOption = "", who: WhoOption = "", dry_run: DryRunOption = False, yes: YesOption = False
) -> None:
    """Put the dead letters back onto the queue, once their cause is removed."""
    session.show(carry_out(session, yes, operate.redrive, who=who, why=why, dry_run=dry_run), render_done)


@command(group=ACCOUNTS, examples=('repin default --why "new credentials"',))
def repin(
    session: Session, account: AccountArgument, why: WhyOption = "",
    unverified: Annotated[bool, typer.Option("--unverified", help="Though its secret cannot be read here")] = False,
    who: WhoOption = "", dry_run: DryRunOption = False, yes: YesOption = False,
) -> None:  # fmt: skip
    """Let an account deposit with another platform or client than it is pinned to: after a restore, or a new secret."""
    answer = carry_out(
        session, yes, operate.repin, account=account, unverified=unverified, who=who, why=why, dry_run=dry_run
    )
    session.show(answer, render_repinned)


def render_repinned(answer: Repinned, out: Console) -> None:
    """What it was, what the secret says, and what the old client left."""
    done = ("dry run, nothing was changed: the pin would go",) if answer.dry_run else (GOOD, " the pin is gone")
    say(out, *done, f"; the next deposit of account {answer.account} sets one")
    out.print(f"it was:          {_in_words(answer.was)}")
    named = _in_words(answer.secret_names) if answer.secret_names else answer.secret_problem
    out.print(f"its secret says: {named}")
    if answer.open_doubts:
        ids = ", ".join(f"id:{each}" for each in answer.open_doubts)
        out.print(
            f"in doubt with the old client, and not to be looked up with another one: {ids}. "
            "Put the old secret back until they are settled, or adopt or reject each.",
        )  # fmt: skip


def _in_words(pin: Mapping[str, str]) -> str:
    return f"{pin['provider']} at {pin['base_url']}, client {pin['client'][:12]}…"
