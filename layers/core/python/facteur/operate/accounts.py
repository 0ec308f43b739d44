"""Accounts: which there are, their own limits, and with which credentials they deposit from when on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from facteur.errors import OperatorError
from facteur.operate.model.accounts import Accounts
from facteur.operate.model.acts import Done
from facteur.operate.services import OperateServices


def accounts(services: OperateServices) -> Accounts:
    """Every account that rows, pins or routes have named."""
    return Accounts(tuple(services.accounts.accounts()), services.settings.requests_per_minute)


def check_account(services: OperateServices, account: str | None) -> None:
    """A filter by an account. Raises OperatorError where there is none of that name."""
    if account is None:
        return
    known = [each.account for each in services.accounts.accounts()]
    if account not in known:
        raise OperatorError(f"There is no account {account}; there are: {', '.join(known)}")


def limit(
    services: OperateServices, *, account: str, per_minute: float | None, who: str, why: str, dry_run: bool = False
) -> Done:
    """Calls a minute of one account, beside the limit that all share; None takes it away.

    Raises:
        OperatorError: there is no such account, or the limit is below one or absurd.
    """
    signed = services.act("limit", who, why, dry_run)
    return Done(signed.operation, services.accounts.limit(account, per_minute, signed), dry_run, account)


def route(
    services: OperateServices, *, account: str, to: str, since: str, who: str, why: str, dry_run: bool = False
) -> Done:
    """From a date on, what is opened for an account is deposited with other credentials; docs/accounts.md.

    Args:
        to: the last part of the secret's name.
        since: a date, which begins at midnight UTC, or a time with its zone.

    Raises:
        OperatorError: there is no such account, the date is past or none, or it is so already.
    """
    signed = services.act("route", who, why, dry_run)
    return Done(signed.operation, services.accounts.route(account, _instant(since), to, signed), dry_run, account)


def _instant(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise OperatorError(f"{text!r} is no date such as 2027-01-01, and no time such as 2027-01-01T00:00:00+01:00")
    return instant
