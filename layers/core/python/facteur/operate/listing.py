"""Which invoices are in a state, of an account, since a day, or not well."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from facteur.domain.lifecycle import in_words
from facteur.domain.submission import State
from facteur.errors import OperatorError
from facteur.operate.accounts import check_account
from facteur.operate.model.story import Listed, Listing
from facteur.operate.services import OperateServices
from facteur.operate.status import unopened

MOST = 10_000
FILTERS = ("mismatched", "not_written_back", "unreadable", "silent", "unread", "not_transmitted")


def list_invoices(
    services: OperateServices,
    *,
    states: list[str],
    account: str | None = None,
    since: str | None = None,
    only: str | None = None,
    limit: int = 50,
) -> Listing:
    """The youngest first.

    Args:
        since: the day on which its submission was opened, YYYY-MM-DD, by UTC.
        only: `mismatched`, `not_written_back` (its row could not be written back), `unreadable` (the mapping raises on the row), `silent`
            (deposited, and never a status), `unread` (the search shows what no status says), or `not_transmitted` (nothing but 200
            and 201 for three days).

    Raises:
        OperatorError: a filter is wrong.
    """
    unknown = sorted(set(states) - set(State))
    if unknown:
        raise OperatorError(f"there is no state {', '.join(unknown)}; there are {', '.join(State)}")
    if only not in {None, *FILTERS}:
        raise OperatorError(f"there is no filter {only!r}")
    if not 1 <= limit <= MOST:
        raise OperatorError(f"--limit must be between 1 and {MOST}")
    check_account(services, account)
    if only == "unreadable":
        unreadable, count = services.stories.unreadable(limit)
        return Listing((), tuple(unreadable), count - len(unreadable))
    listed, count = services.stories.listed(states, account, day(since, "--since"), only, limit)
    return Listing(tuple(map(_with_status, listed)), (), count - len(listed), unopened(services))


def _with_status(one: Listed) -> Listed:
    """`205 Approuvée`."""
    return replace(one, status=in_words(one.lifecycle_code)) if one.lifecycle_code else one


def day(text: str | None, option: str) -> date | None:
    """A date that a person gave.

    Raises:
        OperatorError: it is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OperatorError(f"{option}: {text} is no date: YYYY-MM-DD") from None
