"""Whether a scheduled statement costs more the more is finished, and what an old transaction does to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg2

from facteur.adapters.postgres import Database
from facteur.adapters.relay_store import PostgresRelay
from local.bench.result import Figure, Result, rounds
from local.bench.stage import Stage, migrated
from local.postgres import PostgresServer

SMALL, LARGE, DELETED = 1_000, 1_000_000, 300_000
OPEN = 100  # rows that are due, of each kind
REPEATS = 41
RATIO_GOAL, BLOAT_GOAL_MS = 1.2, 10.0
FILL = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status, technical_status)
select 'C-' || n, '732829320', '2026-09-01', 120, 's3://bucket/c-' || n || '.pdf', 'final', 'validated'
from generate_series(1, %(count)s) n;
truncate facteur.changes;
insert into facteur.submissions (invoice_id, account, provider, state, platform_id, document_sha256, invoice_number, seller_siren,
                                 total, lifecycle_code, lifecycle_at, submitted_at, told_status, finalized_at)
select id::text, 'default', 'iopole', 'closed', 'p-' || id, md5(id::text) || md5('x' || id), invoice_number, seller_siren,
       total, '212', now(), now(), 'validated', now()
from invoicing.invoices;
insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, platform_id, document_sha256)
select id, invoice_id, account, gen_random_uuid(), now(), 'accepted', platform_id, document_sha256 from facteur.submissions;
insert into facteur.budgets (key) values ('account:default') on conflict do nothing;
"""
DUE = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status)
select 'D-' || n, '732829320', '2026-09-01', 120, 's3://bucket/d-' || n || '.pdf', 'final' from generate_series(1, %(open)s) n;
insert into facteur.submissions (invoice_id, account, provider, state, due_at, platform_id, lease_token, lease_until,
                                 doubt_since, submitted_at)
select state || n, 'default', 'iopole', state, now() - interval '1 hour', case state when 'submitted' then state || n end,
       case state when 'sending' then gen_random_uuid() end, case state when 'sending' then now() end,
       case state when 'in_doubt' then now() end, case state when 'submitted' then now() end
from generate_series(1, %(open)s) n, unnest(array['pending', 'sending', 'in_doubt', 'submitted']) state;
"""
NOTE = "insert into facteur.changes (invoice_ids) select array['gone' || n] from generate_series(1, %(count)s) n"
STATEMENTS = {  # what relay and poll run on their schedule, with what a look at most takes
    "check_environment": "select pins from facteur.installation",
    "begin_relay_run": "select facteur.begin_relay_run()",
    "look": "select * from facteur.look(1, true)",
    "take_notes": "select * from facteur.take_notes('iopole', 20)",
    "end_expired_leases": "select facteur.end_expired_leases()",
    "repeat_write_backs": "select * from facteur.repeat_write_backs(100)",
    "pick_due": PostgresRelay.PICK % {"limit": 500, "per_minute": 1_000_000, "deposits_enabled": "true"},
    "oldest_overdue_seconds": "select facteur.oldest_overdue_seconds()",
    "oldest_doubt_seconds": "select facteur.oldest_doubt_seconds()",
    "note_forgotten": "select facteur.note_forgotten()",
    "claim_news": "select * from facteur.claim_news(20, 120)",
    "claim_sweep": "select * from facteur.claim_sweep(120, false, 190, 200, 175)",
    "claim_histories": "select * from facteur.claim_histories(1, 120)",
    "take_permits": "select facteur.take_permits('default', 1, 1000000, 'history', 1000000)",
}
EXPLAINED = """
load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
set auto_explain.log_level = 'notice'; set auto_explain.log_timing = off
"""
SCAN = re.compile(
    r"((?:Seq|Index|Index Only|Bitmap Index) Scan (?:using \S+ )?on (?!pg_)\w+).*?\(actual (rows=[\d.]+ loops=\d+)\)"
)
IDLE = ("look", "take_notes")  # what an idle relay runs again and again
SIZE = "select pg_total_relation_size('facteur.submissions') + pg_total_relation_size('facteur.attempts')"
DAILY = "note_forgotten (daily)"


@dataclass
class Timed:
    """One database and how long each statement took in it, in milliseconds."""

    connection: Any
    found: dict[str, list[float]]

    def run(self, name: str, statement: str) -> None:
        """Once, rolled back, so that the next finds the same rows."""
        with self.connection.cursor() as cursor:
            cursor.execute("begin")
            began = time.perf_counter()
            cursor.execute(statement)
            self.found.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
            cursor.execute("rollback")

    def median(self, name: str) -> float:
        return median(self.found[name])


def growth(stage: Stage, scale: float) -> Result:
    """The same work due in both databases; statements in turn, each rolled back; then dead notes that vacuum may not take."""
    times = rounds(REPEATS, scale)
    large, deleted = max(2 * SMALL, round(LARGE * scale)), max(1000, round(DELETED * scale))
    with stage.server("shared_buffers=512MB", "autovacuum=off") as server:
        few, many = _filled(server, "few", SMALL), _filled(server, "many", large)
        for _ in range(times):
            for name, statement in STATEMENTS.items():
                few.run(name, statement)
                many.run(name, statement)
        daily = _daily(few), _daily(many)
        size = _bytes(many)
        bloated, plans = _bloated(server, deleted, times)
        plans = (f"At {large:,} closed submissions:", *_plans(many), *plans)
        few.connection.close()
        many.connection.close()
    worst = max(STATEMENTS, key=lambda name: many.median(name) / few.median(name))
    slowest = max(bloated.found, key=bloated.median)
    figures = (
        Figure(
            "Growth", f"{worst} {many.median(worst):.2f} ms", f"{few.median(worst):.2f} ms", many.median(worst) / few.median(worst),
            RATIO_GOAL, "at most", "×",
        ),
        Figure(
            "Growth: an old transaction", f"{slowest}", f"{deleted:,} deleted notes", bloated.median(slowest), BLOAT_GOAL_MS,
            "at most", "ms",
        ),
        Figure(
            "Growth: the daily look", f"{daily[1]:,.1f} ms", f"{daily[0]:,.1f} ms", daily[1] / daily[0], RATIO_GOAL, "at most", "×"
        ),
    )  # fmt: skip
    how = (
        f"{SMALL:,} and {large:,} closed submissions, each with its invoice and attempt, and {OPEN} due rows of each kind in both; "
        f"median of {times}, in turn, each rolled back; then {deleted:,} notes deleted while an older transaction is open"
    )
    table = _table(few, many, bloated, large, deleted, daily)
    return Result(figures, how, (table,), plans, facts={"bytes an invoice": size / large})


def _filled(server: PostgresServer, name: str, count: int) -> Timed:
    database = migrated(server, name)
    database.rows("update facteur.installation set submit_from = '2026-01-01', forgotten_checked_at = now()")
    database.rows(FILL, {"count": count})
    database.rows(DUE, {"open": OPEN})
    database.rows("vacuum analyze")
    database.close()
    return _timed(server, name)


def _timed(server: PostgresServer, name: str) -> Timed:
    connection = psycopg2.connect(server.url(name))
    connection.autocommit = True
    return Timed(connection, {})


def _bytes(timed: Timed) -> int:
    """Of submissions and attempts with their indexes."""
    with timed.connection.cursor() as cursor:
        cursor.execute(SIZE)
        return int(cursor.fetchone()[0])


def _daily(timed: Timed) -> float:
    """The look for forgotten invoices reads every ready one: once a day, and shown apart."""
    timed.run(DAILY, "select facteur.note_forgotten(true)")
    return timed.median(DAILY)


def _bloated(server: PostgresServer, deleted: int, times: int) -> tuple[Timed, tuple[str, ...]]:
    """Statements and plans where vacuum can take nothing: an older transaction that has written something is open."""
    old = psycopg2.connect(server.url("few"))
    with old.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()")  # it stays open, with a snapshot and an id
    database = Database(lambda: {"dsn": server.url("few")})
    database.rows(NOTE, {"count": deleted})
    database.rows("delete from facteur.changes")
    database.rows("vacuum analyze facteur.changes")
    timed = _timed(server, "few")
    for _ in range(times):
        for name in IDLE:
            timed.run(f"{name}, nothing noted", STATEMENTS[name])
    database.rows("update invoicing.invoices set total = 121 where invoice_number like 'D-%'")
    database.close()
    for _ in range(times):
        for name, statement in STATEMENTS.items():
            timed.run(name, statement)
    plans = (f"With {deleted:,} deleted notes and an old transaction:", *_plans(timed))
    timed.connection.close()
    old.close()
    return timed, plans


def _plans(timed: Timed) -> tuple[str, ...]:
    """How each statement finds its rows, also those inside functions, as auto_explain tells it."""
    lines: list[str] = []
    with timed.connection.cursor() as cursor:
        cursor.execute(EXPLAINED)
        for name, statement in STATEMENTS.items():
            timed.connection.notices.clear()
            cursor.execute("begin")
            cursor.execute(statement)
            cursor.execute("rollback")
            scans = [f"  {how} {rows}" for notice in timed.connection.notices for how, rows in SCAN.findall(notice)]
            lines += [f"{name}:", *dict.fromkeys(scans)]
        cursor.execute("set auto_explain.log_min_duration = -1")
    return tuple(lines)


def _table(few: Timed, many: Timed, bloated: Timed, large: int, deleted: int, daily: tuple[float, float]) -> str:
    head = f"| ms | {SMALL:,} closed | {large:,} closed | ratio | {deleted:,} deleted notes |\n|---|---|---|---|---|\n"
    row: Callable[[str], str] = lambda name: (  # noqa: E731
        f"| {name} | {few.median(name):.2f} | {many.median(name):.2f} | {many.median(name) / few.median(name):.2f} "
        f"| {bloated.median(name):.2f} |"
    )
    last = f"| {DAILY} | {daily[0]:.2f} | {daily[1]:.2f} | {daily[1] / daily[0]:.0f} | |"
    idle = [f"| {name}, nothing noted | | | | {bloated.median(f'{name}, nothing noted'):.2f} |" for name in IDLE]
    return head + "\n".join([*map(row, STATEMENTS), *idle, last])
