"""Old invoices that are submitted on purpose: looked at first, then set to pending in portions."""

from __future__ import annotations

from facteur.errors import OperatorError
from facteur.operate.listing import day
from facteur.operate.model.backlog import BacklogFilter, BacklogPortion, Portion
from facteur.operate.services import OperateServices

NAME = "submit-backlog"
PORTION = 500  # rows in a transaction


def preview_backlog(
    services: OperateServices,
    *,
    since: str,
    until: str | None = None,
    account: str | None = None,
    after: str | None = None,
    limit: int = PORTION,
) -> BacklogPortion:
    """What `submit_backlog` would do to the same portion: its rows are written, looked at, and put back. Changes nothing.

    Raises:
        OperatorError: a date, the limit or the account is wrong, a row is locked, or the view does not show technical_status.
    """
    return services.backlog.preview(_filter(since, until, account), after, _at_most(limit))


def lower_submit_from(
    services: OperateServices, *, since: str, include_pending: bool, who: str, why: str
) -> str | None:
    """Invoices are ready from this day on; what it was before.

    Raises:
        OperatorError: rows outside of any filter would become ready.
    """
    signed = services.act(NAME, who, why, dry_run=False)
    return services.backlog.lower_submit_from(_filter(since, None, None).since, include_pending, signed)


def submit_backlog(
    services: OperateServices,
    *,
    since: str,
    who: str,
    why: str,
    until: str | None = None,
    account: str | None = None,
    after: str | None = None,
    limit: int = PORTION,
) -> Portion:
    """Set one portion to pending, from the key after `after` on. Repeated, it goes on with what is left.

    Raises:
        OperatorError: a row is locked, or its write-back raises: nothing of this portion was done.
    """
    wanted = _filter(since, until, account)
    return services.backlog.submit(wanted, after, _at_most(limit), services.act(NAME, who, why, dry_run=False))


def _filter(since: str, until: str | None, account: str | None) -> BacklogFilter:
    first, last = day(since, "--since"), day(until, "--until")
    if first is None:
        raise OperatorError("--since must be a date, YYYY-MM-DD")
    if last and last < first:
        raise OperatorError(f"--until {last} is before --since {first}")
    return BacklogFilter(first, last, account)


def _at_most(limit: int) -> int:
    if limit < 1:
        raise OperatorError("--limit must be at least 1")
    return min(limit, PORTION)
