"""The statements behind an operator's questions. They change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.operate.model.status import AccountHealth, FunctionRun, Installation, NamedSubmission, Waits
from facteur.postgres.database import Database


class PostgresReading:
    """Postgres, for questions. Every method is one statement, changes nothing, and raises DatabaseUnavailableError."""

    INSTALLATION = """
        select i.version, i.submit_from::text as submit_from, to_regclass('facteur.invoice_source') is not null as watching,
               extract(epoch from facteur.now() - i.relay_began_at)::float as relay_ago,
               extract(epoch from facteur.now() - i.poll_began_at)::float as poll_ago, i.deposits_enabled,
               round(100 * facteur.rate_factor(b))::integer as rate_percent,
               round(facteur.budget_use_percent(b, %(per_minute)s))::integer as budget_use_percent,
               facteur.oldest_undeposited_days() as undeposited_days,
               (select coalesce(sum(pg_catalog.cardinality(c.invoice_ids)), 0)::integer from facteur.changes c
                where c.due_at > '-infinity' and c.error is not null) as unreadable,
               facteur.oldest_silent_seconds() as silent, facteur.oldest_unread_seconds() as unread,
               facteur.accounts_not_shown() as not_shown, facteur.followed_by_nobody() as unfollowed,
               facteur.tallied() as tallies, facteur.rejected_percent() as rejected_percent,
               array(select f.what from facteur.installation_faults() f union all select u.what from facteur.uncounted() u) as faults
        from facteur.installation i, facteur.budgets b where b.key = 'address'
    """
    ACCOUNTS = """
        select account, coalesce(pg_catalog.jsonb_object_agg(state, n order by state) filter (where state is not null), '{}') as states,
               max(overdue) as overdue, max(doubt) as doubt,
               sum(write_backs)::integer as write_backs, sum(mismatched)::integer as mismatched,
               max(greatest(b.paused_until, b.deposits_at))
                   filter (where greatest(b.paused_until, b.deposits_at) > facteur.now()) as paused_until,
               max(case when b.paused_until > facteur.now() then b.pause_reason else 'deposits_refused' end)
                   filter (where greatest(b.paused_until, b.deposits_at) > facteur.now()) as pause_reason,
               bool_or(coalesce(b.probing, false)) as probing, bool_or(coalesce(b.hold_until > facteur.now(), false)) as held,
               max(nullif(b.hold_until, 'infinity')) filter (where b.hold_until > facteur.now()) as held_until,
               max(b.hold_by) filter (where b.hold_until > facteur.now()) as held_by,
               max(b.hold_why) filter (where b.hold_until > facteur.now()) as held_why
        from (select account, state, count(*)::integer as n,
                     coalesce(extract(epoch from facteur.now() - min(due_at) filter (
                         where state <> 'pending' or (select i.deposits_enabled is not false from facteur.installation i)
                     )), 0)::float as overdue,
                     coalesce(extract(epoch from facteur.now() - min(doubt_since) filter (where state = 'in_doubt')), 0)::float as doubt,
                     count(*) filter (where write_back_error is not null)::integer as write_backs,
                     count(*) filter (where mismatch is not null and state in ('submitted', 'closed'))::integer as mismatched
              from facteur.submissions s
              where state not in ('rejected', 'failed') or not exists ( -- replaced: nobody's concern any more
                  select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id)
              group by account, state
              union all -- paused before its first invoice
              select substr(key, 9), null, 0, 0, 0, 0, 0 from facteur.budgets
              where key like 'account:%' and hold_until > facteur.now()) counted
        left join facteur.budgets b on b.key = 'account:' || account
        group by account order by account
    """

    NOTED = "select coalesce(sum(pg_catalog.cardinality(invoice_ids)), 0)::integer as noted from facteur.changes where error is null"

    def __init__(self, database: Database, *, requests_per_minute: float) -> None:
        self._database, self._per_minute = database, requests_per_minute

    def installation(self) -> Installation:
        row = self._database.row(self.INSTALLATION, {"per_minute": self._per_minute})
        return Installation(
            row.version,
            row.submit_from,
            row.watching,
            row.relay_ago,
            row.poll_ago,
            row.deposits_enabled,
            row.rate_percent,
            row.budget_use_percent,
            row.undeposited_days,
            row.unreadable,
            row.silent,
            row.unread,
            row.not_shown,
            tuple(row.faults),
            row.unfollowed,
            row.tallies,
            row.rejected_percent,
        )

    def noted(self) -> int:
        return int(self._database.row(self.NOTED).noted)

    WAITING = """
        select reason, account, count, oldest, extract(epoch from facteur.now() - oldest)::float as oldest_seconds, until,
               extract(epoch from until - facteur.now())::float as until_seconds, detail, next_step from facteur.waiting
    """
    RUNS = """
        select name, extract(epoch from facteur.now() - ended_at)::float as ended_ago, error,
               extract(epoch from facteur.now() - ok_at)::float as ok_ago, failures from facteur.runs order by name
    """

    def waiting(self) -> list[Waits]:
        return [Waits(*row) for row in self._database.rows(self.WAITING)]

    NAMED = """
        select id, invoice_id, invoice_number, account, state, last_error_code from facteur.submissions where id = any (%(ids)s)
    """

    def named(self, submission_ids: Sequence[int]) -> list[NamedSubmission]:
        return [NamedSubmission(*row) for row in self._database.rows(self.NAMED, {"ids": list(submission_ids)})]

    def faults(self) -> list[str]:
        """What has come apart between the company's table and the installation, a sentence each."""
        return [
            row.what for row in self._database.rows("select what from facteur.installation_faults(false) where grave")
        ]

    def runs(self) -> list[FunctionRun]:
        return [FunctionRun(*row) for row in self._database.rows(self.RUNS)]

    def accounts(self) -> list[AccountHealth]:
        return [
            AccountHealth(
                row.account,
                row.states,
                max(0.0, row.overdue),
                max(0.0, row.doubt),
                row.write_backs,
                row.mismatched,
                row.paused_until,
                row.pause_reason,
                row.probing,
                row.held,
                row.held_until,
                row.held_by,
                row.held_why,
            )
            for row in self._database.rows(self.ACCOUNTS)
        ]
