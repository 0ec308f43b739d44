"""What Postgres says about the statements of one database."""

from __future__ import annotations

from facteur.postgres.database import Database

VIEW = """
create extension pg_stat_statements schema public;
create view public.bench_statements as
select calls, total_exec_time as ms, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query
from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database()) and query !~ 'pg_stat_statements|bench_statements'
"""


def count_from_now(database: Database) -> None:
    """Forget what was counted. The first time, begin to count."""
    if not database.row("select to_regclass('public.bench_statements') is not null as known").known:
        database.rows(VIEW)
    database.rows("select pg_stat_statements_reset()")


def counted(database: Database) -> int:
    """Statements that clients sent, BEGIN and COMMIT among them."""
    return int(database.row("select coalesce(sum(calls), 0) as calls from public.bench_statements").calls)


def slowest(database: Database, limit: int = 6) -> tuple[str, ...]:
    """Statements by the time they took together."""
    rows = database.rows("select * from public.bench_statements order by ms desc limit %(limit)s", {"limit": limit})
    return tuple(f"{row.calls:7,} × {row.ms / row.calls:6.2f} ms  {row.query}" for row in rows)
