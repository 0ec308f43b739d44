"""The statements of operations on accounts. What they do, and when they refuse, stands in sql/functions/accounts.sql."""

from __future__ import annotations

from datetime import datetime

from facteur.operate.acts_store import carried_out
from facteur.operate.model.accounts import Account, Route
from facteur.operate.model.acts import Act
from facteur.postgres.database import Database


class PostgresAccounts:
    """Postgres, for accounts. An act raises OperatorError where it is refused, and DatabaseUnavailableError; nothing was done then."""

    ACCOUNTS = """
        select k.account, facteur.routed(k.account, facteur.now()) as credentials, b.per_minute,
               nullif(greatest(b.paused_until, b.hold_until), 'infinity') as until, facteur.paused(b) as paused,
               case when b.hold_until > facteur.now() then b.hold_why else b.pause_reason end as reason,
               a.pin, coalesce(a.own_address, false) as own_address,
               (select coalesce(pg_catalog.jsonb_object_agg(state, n), '{}') from (
                   select s.state, count(*)::integer as n from facteur.submissions s
                   where s.account = k.account and s.state in ('pending', 'sending', 'in_doubt', 'submitted') group by s.state) o) as open
        from pg_catalog.unnest(facteur.known_accounts()) as k(account) left join facteur.accounts a on a.name = k.account
        left join facteur.budgets b on b.key = 'account:' || k.account
        order by k.account
    """
    ROUTES = (
        "select account, since, credentials, since <= facteur.now() as begun from facteur.routes order by since, id"
    )
    LIMIT = "select facteur.set_limit(%(account)s, %(per_minute)s, %(act)s) as answer"
    ROUTE = "select facteur.add_route(%(account)s, %(since)s, %(to)s, %(act)s) as answer"

    def __init__(self, database: Database) -> None:
        self._database = database

    def accounts(self) -> list[Account]:
        routes: dict[str, list[Route]] = {}
        for row in self._database.rows(self.ROUTES):
            routes.setdefault(row.account, []).append(Route(row.since, row.credentials, row.begun))
        return [
            Account(
                row.account, row.credentials, row.per_minute, row.until if row.paused else None, row.reason if row.paused else None,
                row.pin, row.own_address, row.open, tuple(routes.get(row.account, ())),
            )
            for row in self._database.rows(self.ACCOUNTS)
        ]  # fmt: skip

    def limit(self, account: str, per_minute: float | None, act: Act) -> str:
        return str(carried_out(self._database, self.LIMIT, act, account=account, per_minute=per_minute).answer)

    def route(self, account: str, since: datetime, credentials: str, act: Act) -> str:
        return str(carried_out(self._database, self.ROUTE, act, account=account, since=since, to=credentials).answer)
