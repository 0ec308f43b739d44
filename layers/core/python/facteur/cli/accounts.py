"""facteur accounts, limit, route"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.acts import AccountArgument
from facteur.cli.confirm import DryRunOption, WhoOption, WhyOption, YesOption, carry_out, render_done
from facteur.cli.lines import print_rows
from facteur.cli.root import ACCOUNTS, Session, command
from facteur.cli.times import local
from facteur.errors import OperatorError
from facteur.operate import accounts as operate
from facteur.operate.model.accounts import Account, Accounts

NO_LIMIT = "none"


@command(group=ACCOUNTS, examples=("accounts",))
def accounts(session: Session) -> None:
    """Which accounts are there, with which credentials, limits, pauses and routes, and what is open?"""
    session.show(session.ask(operate.accounts), render)


@command(group=ACCOUNTS, examples=('limit second 60 --why "their contract"', 'limit second none --why "no more"'))
def limit(
    session: Session,
    account: AccountArgument,
    per_minute: Annotated[str, typer.Argument(metavar="N|none", help="Calls a minute, or none")],
    why: WhyOption = "",
    who: WhoOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Give an account a limit of its own, beside the one that all share."""
    number = _number(per_minute)
    answer = carry_out(
        session, yes, operate.limit, account=account, per_minute=number, who=who, why=why, dry_run=dry_run
    )
    session.show(answer, render_done)


@command(group=ACCOUNTS, examples=('route default --to second --from 2026-12-01 --why "another contract"',))
def route(
    session: Session,
    account: AccountArgument,
    to: Annotated[str, typer.Option("--to", metavar="CREDENTIALS", help="The last part of the secret's name")],
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="YYYY-MM-DD, at midnight UTC; or a time with its zone")],
    why: WhyOption = "",
    who: WhoOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Deposit what is opened for an account from a date on with other credentials; what was deposited stays where it is."""
    answer = carry_out(
        session, yes, operate.route, account=account, to=to, since=since, who=who, why=why, dry_run=dry_run
    )
    session.show(answer, render_done)


def render(answer: Accounts, out: Console) -> None:
    """An account a row, and below it what it waits for, with what it deposits, and its routes."""
    if not answer.accounts:
        out.print("no account yet: a row that shows one makes it")
    else:
        rows = [(each.account, each.credentials, _rate(each.per_minute), _open(each)) for each in answer.accounts]
        print_rows(
            out, ("account", "deposits with", "calls/min", "open"), rows, [_below(each) for each in answer.accounts]
        )
    out.print(f"together: {answer.requests_per_minute:g} calls a minute")


def _open(account: Account) -> str | None:
    return ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(account.open.items())) or None


def _below(account: Account) -> tuple[str | None, ...]:
    routes = [
        f"→ {each.credentials} {'since' if each.begun else 'from'} {local(each.since)}" for each in account.routes
    ]
    return _pause(account), _pin(account), *routes


def _number(text: str) -> float | None:
    if text == NO_LIMIT:
        return None
    try:
        return float(text)
    except ValueError:
        raise OperatorError(f"{text!r} is no number of calls a minute, and not {NO_LIMIT}") from None


def _rate(per_minute: float | None) -> str:
    return "·" if per_minute is None else f"{per_minute:g}"


def _pause(account: Account) -> str | None:
    if account.pause_reason is None and account.paused_until is None:
        return None
    return f"paused until {local(account.paused_until) or 'somebody resumes it'}: {account.pause_reason or 'no reason'}"


def _pin(account: Account) -> str:
    pin = account.pin
    if pin is None:
        return "not pinned yet"
    own = " (own address)" if account.own_address else ""
    return f"{pin['provider']} at {pin['base_url']}{own}, client {pin['client'][:12]}…"
