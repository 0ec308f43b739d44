"""A day in three books: the company's table, our tables, and what the platform shows; in portions, for a function's time is short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from facteur.domain.identity import plain
from facteur.domain.status_updates import Sighting
from facteur.errors import EnvironmentMismatchError, NotDepositedError, OperatorError
from facteur.operate.reconcile.compare import compared, gone, missing, number_of, of_a_row
from facteur.operate.reconcile.model import Code, Difference, KnownDeposit, Portion
from facteur.operate.reconcile.shown import NARROWEST, NoDatesError, NoPermitError, all_between, listed, under
from facteur.operate.services import OperateServices
from facteur.platforms.port import Platform

if TYPE_CHECKING:
    from facteur.operate.reconcile.store import Reconciling

MOST_ROWS = (
    2000  # differing rows of a day that one report holds; each is some 400 bytes of a Lambda answer's six megabytes
)
MOST_BY_NUMBER = 1000  # some six calls


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next portion begins: the account's turn, and the time from which on it is looked at, for so many seconds at most."""

    account: str
    since: str
    seconds: float


def reconcile(services: OperateServices, *, day: str, account: str | None = None, cursor: str | None = None) -> Portion:
    """Compare one portion of a day; the first is the company's rows, then come the accounts' deposits, a time after another.

    Args:
        day: YYYY-MM-DD, a day of Paris.
        cursor: `next` of the portion before.

    Raises:
        OperatorError: the day is none, there is no such account, or the budget has no call left for this.
    """
    books = services.reconciling()
    begin, end = books.database.day(_checked(day))
    accounts = _accounts(books, account)
    if cursor is None:
        return _rows(books, day, account, accounts, begin, end)
    at = _parsed(cursor, accounts)
    try:
        portion, reached = _window(books, at, day, end)
    except (NotDepositedError, EnvironmentMismatchError) as error:
        portion, reached = Portion(0, 0, 0, (_not_compared(at.account, str(error), "facteur doctor"),), None), end
    except NoPermitError:
        raise OperatorError("the budget has no call left for this: try again in some minutes") from None
    return replace(portion, next=_next(at, reached, accounts, begin, end))


def _rows(
    books: Reconciling, day: str, account: str | None, accounts: Sequence[str], begin: datetime, end: datetime
) -> Portion:
    count, differing = books.database.issued(day, account, MOST_ROWS)
    found = tuple(difference for row in differing for difference in of_a_row(row))
    if len(differing) == MOST_ROWS:
        what = f"more than {MOST_ROWS} rows of this day say otherwise: these are the first"
        found = (*found, _not_compared(account or "all", what, "correct these, or name an account with --account"))
    first = Cursor(accounts[0], begin.isoformat(), (end - begin).total_seconds()) if accounts else None
    return Portion(count, 0, 0, found, _written(first) if first else None)


def _window(books: Reconciling, at: Cursor, day: str, end: datetime) -> tuple[Portion, datetime]:
    """Compare what was deposited from the cursor on, and until when it was done."""
    since = datetime.fromisoformat(at.since)
    until = min(end, since + timedelta(seconds=at.seconds))
    platform = books.platforms().of(at.account)
    able = platform.capabilities
    if able.search is None and not able.listing:
        nothing = _not_compared(at.account, "its platform has no search", None)
        return Portion(0, 0, 0, (nothing,), None), end
    try:
        read = listed if able.listing else all_between
        shown, unreadable, until = read(books, platform, at.account, since, until)
    except NoDatesError:
        return _by_number(books, platform, at.account, day, since, until)
    ours = books.database.deposited(at.account, since, until)
    if able.search:
        late = [number for each in missing(ours, {each.platform_id for each in shown}) for number in each.numbers]
        shown = [*shown, *under(books, platform, at.account, late)]
    portion = _judged(books, at.account, shown, ours)
    if unreadable:
        step = "ask the platform which they are"
        nameless = _not_compared(at.account, "the platform shows deposits without their ids", step)
        portion = replace(portion, differences=(*portion.differences, nameless))
    return portion, until


def _by_number(
    books: Reconciling, search: Platform, account: str, day: str, since: datetime, until: datetime
) -> tuple[Portion, datetime]:
    """Where the account may not search by date: its deposits, and the rows issued that day that nothing is known of."""
    while len(ours := books.database.deposited(account, since, until)) > MOST_BY_NUMBER and until - since > NARROWEST:
        until = since + (until - since) / 2
    rows = books.database.issued(day, account, MOST_ROWS)[1]
    numbers = [number for each in ours for number in each.numbers]
    numbers += [row.invoice_number for row in rows if row.invoice_number and row.submission_id is None]
    portion = _judged(books, account, under(books, search, account, numbers), ours)
    difference = _not_compared(account, "it may not search by date: what others deposited is not shown", None)
    return replace(portion, differences=(*portion.differences, difference)), until


def _judged(books: Reconciling, account: str, shown: Sequence[Sighting], deposited: Sequence[KnownDeposit]) -> Portion:
    numbers = sorted({name for each in shown if (name := number_of(each))})
    keys = sorted({each.own_key for each in shown if each.own_key})
    known = books.database.known([each.platform_id for each in shown], numbers, keys)
    ours = list({each.submission_id: each for each in (*known, *deposited)}.values())
    ours_too = {plain(number) for each in ours for number in each.numbers}
    unknown = [number for number in numbers if plain(number) not in ours_too]
    rows = books.database.rows_numbered(unknown) if unknown else {}
    found = compared(account, shown, ours, {plain(number): key for number, key in rows.items()})
    return Portion(0, len(deposited), len(shown), (*found, *_of_rows(books, deposited)), None)


def _of_rows(books: Reconciling, deposited: Sequence[KnownDeposit]) -> list[Difference]:
    """What the rows of these deposits say."""
    latest = {each.invoice_id: each for each in deposited if each.latest}
    rows = books.database.rows_of(list(latest))
    lost = set(latest) - {row.invoice_id for row in rows}
    found = [difference for row in rows for difference in of_a_row(row) if difference.code is not Code.NOT_SUBMITTED]
    return [*found, *(gone(latest[each]) for each in sorted(lost))]


def _not_compared(account: str, what: str, step: str | None) -> Difference:
    return Difference(Code.NOT_COMPARED, account, None, None, None, None, None, what, step)


def _next(at: Cursor, reached: datetime, accounts: Sequence[str], begin: datetime, end: datetime) -> str | None:
    if reached < end:
        seconds = (reached - datetime.fromisoformat(at.since)).total_seconds()
        return _written(Cursor(at.account, reached.isoformat(), 2 * seconds))
    later = accounts[accounts.index(at.account) + 1 :]
    return _written(Cursor(later[0], begin.isoformat(), (end - begin).total_seconds())) if later else None


def _accounts(books: Reconciling, account: str | None) -> list[str]:
    known = books.database.accounts()
    if account is not None and account not in known:
        raise OperatorError(f"there is no account {account!r}; there are {', '.join(known) or 'none yet'}")
    return known if account is None else [account]


def _checked(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise OperatorError(f"{day!r} is not a day: give it as YYYY-MM-DD") from None


def _written(cursor: Cursor) -> str:
    return json.dumps(asdict(cursor))


def _parsed(cursor: str, accounts: Sequence[str]) -> Cursor:
    try:
        at = Cursor(**json.loads(cursor))
        if at.account in accounts and datetime.fromisoformat(at.since).tzinfo and at.seconds > 0:
            return at
    except (TypeError, ValueError):
        pass
    raise OperatorError("the cursor is not one that this report gave")
