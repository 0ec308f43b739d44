"""facteur accounts, limit, route"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from facteur.cli.acts import AccountArgument
from facteur.cli.confirm import DryRunOption, WhoOption, WhyOption, YesOption, carry_out, render_done
from facteur.cli.root import Session, command
from facteur.cli.show import moment
from facteur.errors import OperatorError

NO_LIMIT = "none"


@command()
def accounts(session: Session) -> None:
    """Which accounts are there, with which credentials, limits, pauses and routes, and what is open?"""
    session.show(session.ask("accounts"), render)


@command()
def limit(
    session: Session,
    account: AccountArgument,
    per_minute: Annotated[str, typer.Argument(metavar="N|none", help="Calls a minute, or none")],
    why: WhyOption = "",
    who: WhoOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Give an account a limit of its own, beside the one that all share."""
    number = _number(per_minute)
    answer = carry_out(session, "limit", account=account, per_minute=number, who=who, why=why, dry_run=dry_run, yes=yes)
    session.show(answer, render_done)


@command()
def route(
    session: Session,
    account: AccountArgument,
    to: Annotated[str, typer.Option("--to", metavar="CREDENTIALS", help="The last part of the secret's name")],
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="YYYY-MM-DD, at midnight UTC; or a time with its zone")],
    why: WhyOption = "",
    who: WhoOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Deposit what is opened for an account from a date on with other credentials; what was deposited stays where it is."""
    answer = carry_out(
        session, "route", account=account, to=to, since=since, who=who, why=why, dry_run=dry_run, yes=yes
    )
    session.show(answer, render_done)


def render(answer: Any, out: Console) -> None:
    """A table, and the routes below."""
    table = Table("account", "deposits with", "calls a minute", "paused until (UTC)", "platform", "client", "open")
    for each in answer["accounts"]:
        table.add_row(
            each["account"], each["credentials"], _rate(each["per_minute"]), _pause(each),
            *_pin(each), ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(each["open"].items())) or "·",
        )  # fmt: skip
    out.print(table if table.row_count else "no account yet: a row that shows one makes it")
    out.print(f"together: {answer['requests_per_minute']:g} calls a minute")
    for each in answer["accounts"]:
        for one in each["routes"]:
            begun = "since" if one["begun"] else "from"
            line = f"route: {each['account']} → {one['credentials']} {begun} {moment(one['since'])} (UTC)"
            out.print(line)


def _number(text: str) -> float | None:
    if text == NO_LIMIT:
        return None
    try:
        return float(text)
    except ValueError:
        raise OperatorError(f"{text!r} is no number of calls a minute, and not {NO_LIMIT}") from None


def _rate(per_minute: float | None) -> str:
    return "·" if per_minute is None else f"{per_minute:g}"


def _pause(account: Any) -> str:
    if account["pause_reason"] is None and account["paused_until"] is None:
        return "·"
    until = moment(account["paused_until"])[:19] if account["paused_until"] else "somebody resumes it"
    return f"{until}: {account['pause_reason'] or 'no reason'}"


def _pin(account: Any) -> tuple[str, str]:
    pin = account["pin"]
    if pin is None:
        return "not pinned yet", "·"
    own = " (own address)" if account["own_address"] else ""
    return f"{pin['provider']} at {pin['base_url']}{own}", f"{pin['client'][:12]}…"
