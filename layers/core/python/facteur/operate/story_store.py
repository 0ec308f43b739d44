"""The statements behind the story of an invoice, and behind lists of invoices. They change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from facteur.operate.model.story import (
    CompanyRow,
    KnownAttempt,
    KnownOperation,
    KnownStatus,
    KnownSubmission,
    KnownTransition,
    Listed,
    Unreadable,
)
from facteur.postgres.database import Database

if TYPE_CHECKING:
    pass

MATCHES = 20  # more than that is no name


class PostgresStories:
    """Postgres, for questions about single invoices. As PostgresReading; an `invoice_id` is the company's key as text."""

    FIND = """
        select distinct invoice_id from (
            select invoice_id, invoice_number, platform_id from facteur.submissions
            union all select invoice_id, invoice_number, platform_id from facteur.attempts
        ) known
        where invoice_id = %(id)s or invoice_number = %(number)s or platform_id = %(submission_id)s
        order by invoice_id limit %(limit)s
    """
    FIND_ROWS = "select distinct key from facteur.find_rows(%(id)s, %(number)s) key order by key limit %(limit)s"
    SUBMISSIONS = """
        select s.id as submission_id, s.invoice_id, s.account, s.state, s.due_at, s.queued_at, s.lease_until, s.platform_id,
               s.invoice_number, s.seller_siren, s.issue_date, s.total, s.currency, s.lifecycle_code, s.written_status,
               s.write_back_due_at, s.write_back_error, s.mismatch, s.empty_lookups, s.last_error_code, s.last_error_message,
               s.created_at, s.updated_at, s.finalized_at,
               h.reason as waits_for, h.detail as waits_detail, h.until as waits_until,
               facteur.waiting_step(h.reason, s.account) as waits_step,
               extract(epoch from facteur.now() - s.due_at)::double precision as overdue_seconds
        from facteur.submissions s left join lateral facteur.holding(s) h on true
        where s.invoice_id = %(id)s order by s.id
    """
    ATTEMPTS = """
        select a.id as attempt_id, a.started_at, a.document_sha256, a.invoice_number
        from facteur.attempts a where a.invoice_id = %(id)s order by a.id
    """
    TRANSITIONS = """
        select t.at, t.subject, t.submission_id, t.account, t.from_state, t.to_state, t.reason, t.detail, t.platform_id, t.by_whom from (
            select * from facteur.transitions where invoice_id = %(id)s
            union all
            select t.* from facteur.transitions t join (
                select s.account, min(s.created_at) as since, max(coalesce(s.submitted_at, s.finalized_at, facteur.now())) as until
                from facteur.submissions s where s.invoice_id = %(id)s group by s.account
            ) open on open.account = t.account and t.at between open.since and open.until where t.invoice_id is null
        ) t order by t.id
    """
    STATUSES = """
        select e.submission_id, e.code, e.label, e.occurred_at, e.caused_by, e.reason, e.message, e.platform_id, e.audience
        from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
        where s.invoice_id = %(id)s order by e.occurred_at, e.id
    """
    OPERATIONS = "select at, who, why, operation from facteur.operations where invoice_id = %(id)s order by id"
    ROW = """
        select coalesce((r.shown).ready, false) as ready, (r.shown).account, (r.shown).technical_status, (r.shown).invoice_number,
               (r.shown).seller_siren, (r.shown).issue_date, (r.shown).total, (r.shown).currency,
               coalesce((r.shown).document_uri, (r.shown).document_bytes || ' bytes in the row') as document, r.problem,
               case when r.problem is null and not (r.shown).ready then facteur.lacks(r.shown) end as lacks
        from facteur.read_row(%(id)s) r
    """
    LIST = """
        select s.invoice_id, s.account, s.state, s.invoice_number, s.total, s.currency, s.created_at as since, s.due_at,
               extract(epoch from facteur.now() - s.created_at)::double precision as age_seconds, s.lifecycle_code,
               s.platform_id as submission_id, count(*) over () as found,
               coalesce(case %(only)s when 'not_written_back' then s.write_back_error when 'mismatched' then s.mismatch
                                      when 'unread' then pg_catalog.concat_ws(' ', 'the search shows', s.swept_code, s.swept_state) end,
                        nullif(pg_catalog.concat_ws(': ', s.last_error_code, s.last_error_message), '')) as about
        from facteur.submissions s
        where (%(states)s = '{}' or s.state = any (%(states)s))
          and (%(account)s::text is null or s.account = %(account)s)
          and (%(since)s::date is null or s.created_at >= %(since)s::date::timestamp at time zone 'UTC')
          and case %(only)s when 'not_written_back' then s.write_back_error is not null
                            when 'mismatched' then s.mismatch is not null and s.state in ('submitted', 'closed')
                            when 'silent' then s.state = 'submitted' and s.lifecycle_code is null
                            when 'not_transmitted' then s.state = 'submitted' and s.lifecycle_code in ('200', '201')
                                                        and s.submitted_at < facteur.now() - interval '3 days'
                            when 'unread' then s.unread_since is not null
                            else true end
          and (s.state not in ('rejected', 'failed') or not exists ( -- replaced: part of a story, and nobody's concern any more
              select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id))
        order by s.id desc limit %(limit)s
    """
    UNREADABLE = """
        select *, count(*) over () as found from (
            select key as invoice_id, c.error, c.due_at from facteur.changes c, pg_catalog.unnest(c.invoice_ids) key
            where c.due_at > '-infinity' and c.error is not null
            union -- those that could be read when they were opened
            select s.invoice_id, s.last_error_message, s.due_at from facteur.submissions s
            where s.state in ('pending', 'in_doubt') and s.queued_at is null and s.last_error_code = 'row_unreadable'
        ) each order by due_at, invoice_id limit %(limit)s
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, word: str, by: Sequence[str]) -> list[str]:
        """Keys of invoices whose id, number, or submission_id (as `by` names) is the word: of submissions, else of rows."""
        names: dict[str, Any] = {kind: word if kind in by else None for kind in ("id", "number", "submission_id")}
        names["limit"] = MATCHES
        known = [row.invoice_id for row in self._database.rows(self.FIND, names)]
        return known or [row.key for row in self._database.rows(self.FIND_ROWS, names)]

    def submissions(self, invoice_id: str) -> list[KnownSubmission]:
        return [KnownSubmission(**row._asdict()) for row in self._of(self.SUBMISSIONS, invoice_id)]

    def attempts(self, invoice_id: str) -> list[KnownAttempt]:
        return [KnownAttempt(**row._asdict()) for row in self._of(self.ATTEMPTS, invoice_id)]

    def transitions(self, invoice_id: str) -> list[KnownTransition]:
        """What was noted of it, and of its account until it was deposited."""
        return [KnownTransition(**row._asdict()) for row in self._of(self.TRANSITIONS, invoice_id)]

    def statuses(self, invoice_id: str) -> list[KnownStatus]:
        return [KnownStatus(**row._asdict()) for row in self._of(self.STATUSES, invoice_id)]

    def operations(self, invoice_id: str) -> list[KnownOperation]:
        return [KnownOperation(**row._asdict()) for row in self._of(self.OPERATIONS, invoice_id)]

    def row(self, invoice_id: str) -> CompanyRow:
        (row,) = self._of(self.ROW, invoice_id)
        return CompanyRow(**row._asdict())

    def listed(
        self, states: Sequence[str], account: str | None, since: date | None, only: str | None, limit: int
    ) -> tuple[list[Listed], int]:
        """The youngest, and how many there are altogether."""
        parameters = {"states": list(states), "account": account, "since": since, "only": only, "limit": limit}
        rows = self._database.rows(self.LIST, parameters)
        return [Listed(**_without_count(row)) for row in rows], rows[0].found if rows else 0

    def unreadable(self, limit: int) -> tuple[list[Unreadable], int]:
        rows = self._database.rows(self.UNREADABLE, {"limit": limit})
        return [Unreadable(**_without_count(row)) for row in rows], rows[0].found if rows else 0

    def _of(self, statement: str, invoice_id: str) -> list[Any]:
        return self._database.rows(statement, {"id": invoice_id})


def _without_count(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name != "found"}
