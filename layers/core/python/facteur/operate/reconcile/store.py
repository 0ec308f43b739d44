"""The statements behind `facteur reconcile`. They change nothing but the budget, whose permits its calls take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from facteur.operate.reconcile.model import IssuedRow, KnownDeposit
from facteur.postgres.database import Database

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms

BETWEEN_TRIES_SECONDS = 1.0
MOST_WAITS = 180  # of a request; a function has 300 seconds, and a tenth of a small budget is a call every four


class PostgresBooks:
    """Postgres. Every method is one statement and raises DatabaseUnavailableError."""

    DAY = """
        select %(day)s::date::timestamp at time zone 'Europe/Paris' as begin,
               (%(day)s::date + 1)::timestamp at time zone 'Europe/Paris' as "end"
    """
    ACCOUNTS = """
        with known as ( -- not those that a route names and whose day has not come
            select name as account from facteur.accounts where pin is not null
            union select substr(key, 9) from facteur.budgets where key like 'account:%'
            union select credentials from facteur.routes where since <= facteur.now()
        )
        select account from known union select 'default' where not exists (select from known) order by 1
    """
    # A row, and the last submission of its invoice.
    ROW = """
        r.invoice_id, coalesce(l.account, r.account) as account, r.ready, r.invoice_number, r.seller_siren, r.technical_status, r.shown_id,
        exists (select from facteur.changes c where r.invoice_id = any (c.invoice_ids)) as noted,
        l.id as submission_id, l.state, facteur.shown_status(l.state, l.mismatch) as written_status, l.platform_id
    """
    LAST = """
        left join lateral (select * from facteur.submissions s where s.invoice_id = r.invoice_id order by s.id desc limit 1) l on true
    """
    ISSUED = f"""
        with issued as materialized (
            select * from facteur.rows_to_reconcile(null, %(day)s) where %(account)s::text is null or account = %(account)s
        ), differing as (
            select {ROW} from issued r {LAST}
            where r.ready and (l.id is null or l.state in ('rejected', 'failed'))
               or not r.ready and l.id is null and r.shown_id is null
               or facteur.word(r.technical_status) <> facteur.shown_status(l.state, l.mismatch)
               or r.shown_id is not null and not facteur.same_deposit(r.shown_id, l.platform_id)
            order by l.id is null and not r.ready, r.invoice_number, r.invoice_id limit %(limit)s
        )
        select counted.n, d.* from (select count(*)::integer as n from issued) counted left join differing d on true
    """  # noqa: S608  constants
    ROWS_OF = f"select {ROW} from facteur.rows_to_reconcile(%(ids)s, null) r {LAST}"  # noqa: S608  constants
    KNOWN = """
        select s.id as submission_id, s.invoice_id, s.account, s.state, s.platform_id,
               pg_catalog.array_remove(array_prepend(s.invoice_number, array(
                   select distinct a.invoice_number from facteur.attempts a
                   where a.submission_id = s.id and a.invoice_number is distinct from s.invoice_number)), null) as numbers,
               array(select distinct a.own_key from facteur.attempts a where a.submission_id = s.id and a.own_key is not null) as keys,
               s.seller_siren, s.total, s.lifecycle_code, s.written_status,
               not exists (select from facteur.submissions l where l.invoice_id = s.invoice_id and l.id > s.id) as latest,
               {} as in_time
        from facteur.submissions s where {}
    """
    DEPOSITED = KNOWN.format(
        "s.submitted_at < facteur.now() - interval '10 minutes'",
        "s.account = %(account)s and s.deposited_at >= %(since)s and s.deposited_at < %(until)s and s.platform_id is not null",
    )
    TAKEN = KNOWN.format(
        "false",
        """s.id in (
            select id from facteur.submissions where platform_id = any (%(ids)s)
            union select id from facteur.submissions where invoice_number = any (%(numbers)s)
            union select submission_id from facteur.attempts where invoice_number = any (%(numbers)s) or platform_id = any (%(ids)s)
            union select a.submission_id from facteur.submissions u join facteur.attempts a on a.submission_id = u.id
                  where (u.state in ('pending', 'sending', 'in_doubt') or u.state = 'failed' and not u.superseded)
                    and a.own_key = any (%(keys)s))""",
    )
    LATER = """
        select platform_id from facteur.submissions
        where account = %(account)s and state = 'submitted' and deposited_at > %(at)s::timestamptz + interval '1 hour'
        order by deposited_at limit 1
    """
    NUMBERED = """
        select btrim(s.invoice_number::text) as number, min(s.invoice_id::text) as key from facteur.invoice_source s
        where btrim(s.invoice_number::text) = any (%(numbers)s) group by 1
    """
    PERMIT = """
        select facteur.take_permits(null, 1, %(per_minute)s, p_statuses => true) > 0 as granted where not exists (
            select from facteur.budgets where key = 'account:' || %(account)s
            and paused_until > facteur.now() and pause_reason = 'too_many_requests')
    """

    def __init__(self, database: Database, *, requests_per_minute: float, wait: Callable[[float], None]) -> None:
        self._database, self._per_minute, self._wait = database, requests_per_minute, wait
        self._waits_left = MOST_WAITS

    def day(self, day: str) -> tuple[datetime, datetime]:
        """When a day begins and ends in Paris."""
        row = self._database.row(self.DAY, {"day": day})
        return row.begin, row.end

    def accounts(self) -> list[str]:
        return [row.account for row in self._database.rows(self.ACCOUNTS)]

    def issued(self, day: str, account: str | None, limit: int) -> tuple[int, list[IssuedRow]]:
        """How many rows were issued on a day, and those that may say otherwise than our tables."""
        rows = self._database.rows(self.ISSUED, {"day": day, "account": account, "limit": limit})
        return rows[0].n, [IssuedRow(*row[1:]) for row in rows if row.invoice_id is not None]

    def deposited(self, account: str, since: datetime, until: datetime) -> list[KnownDeposit]:
        """Submissions deposited in a time. One deposited a moment ago, which search need not show yet, is not `in_time`."""
        return self._known(self.DEPOSITED, {"account": account, "since": since, "until": until})

    def known(self, platform_ids: Sequence[str], numbers: Sequence[str], keys: Sequence[str]) -> list[KnownDeposit]:
        """Submissions of any account that hold one of the ids, or whose number, or number as sent, is one of these; or that may have
        sent one of the keys and hold no deposit."""
        return self._known(self.TAKEN, {"ids": list(platform_ids), "numbers": list(numbers), "keys": list(keys)})

    def later(self, account: str, at: datetime) -> str | None:
        """A deposit that was made an hour after an instant, or soon afterwards."""
        return next((row.platform_id for row in self._database.rows(self.LATER, {"account": account, "at": at})), None)

    def rows_numbered(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Number -> key of the company's rows."""
        return {row.number: row.key for row in self._database.rows(self.NUMBERED, {"numbers": list(numbers)})}

    def rows_of(self, invoice_ids: Sequence[str]) -> list[IssuedRow]:
        return [IssuedRow(*row) for row in self._database.rows(self.ROWS_OF, {"ids": list(invoice_ids)})]

    def wait_for_permit(self, account: str) -> bool:
        """Whether one call may be made; also where the account is paused, unless the platform asked for it."""
        parameters = {"account": account, "per_minute": self._per_minute}
        while True:
            granted = self._database.rows(self.PERMIT, parameters)
            if not granted or granted[0].granted or self._waits_left <= 0:
                return any(row.granted for row in granted)
            self._waits_left -= 1
            self._wait(BETWEEN_TRIES_SECONDS)

    def _known(self, statement: str, parameters: Mapping[str, Any]) -> list[KnownDeposit]:
        rows = self._database.rows(statement, parameters)
        return [
            KnownDeposit(**row._asdict() | {"numbers": tuple(row.numbers), "keys": tuple(row.keys)}) for row in rows
        ]


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What a reconciliation works with. It changes nothing, but for permits that calls to the platform cost."""

    database: PostgresBooks
    platforms: Callable[[], AccountPlatforms]
