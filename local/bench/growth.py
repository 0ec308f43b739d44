"""Whether a scheduled statement costs more the more is finished, and what an old transaction does to it."""

from __future__ import annotations

import re

import psycopg2

from facteur.postgres.database import Database
from facteur.relay_submissions.store import PostgresRelay
from local.bench.closed import OPEN, Timed, filled, timed_in
from local.bench.result import Figure, Result, rounds
from local.bench.stage import Stage
from local.world.postgres import PostgresServer

SMALL, LARGE, DELETED = 1_000, 1_000_000, 300_000
MIDDLE = 30_000  # small enough for a planner to read it all
REPEATS = 41
RATIO_GOAL, BLOAT_GOAL_MS = 1.2, 10.0
NOTE = "insert into facteur.changes (invoice_ids) select array['gone' || n] from generate_series(1, %(count)s) n"
STATEMENTS = {  # what relay and poll run on their schedule, with what a look at most takes
    "check_environment": "select name, pin from facteur.accounts where pin is not null",
    "begin_relay_run": "select facteur.begin_relay_run()",
    "look": "select * from facteur.look(1, true)",
    "take_notes": "select * from facteur.take_notes(20)",
    "end_expired_leases": "select facteur.end_expired_leases()",
    "repeat_write_backs": "select * from facteur.repeat_write_backs(100)",
    "pick_due": PostgresRelay.PICK % {"limit": 500, "per_minute": 1_000_000, "deposits_enabled": "true"},
    "vitals": "select * from facteur.vitals(150)",
    "claim_status_updates": "select * from facteur.claim_status_updates(20, 120)",
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
DAILY_WHY = (
    "The daily scan asks the company's view for what is ready, and reads their whole table: which rows are ready only the view knows.",
    "To cost less it would have to trust something that writers keep up, which is what it is there to check.",
    "It runs once a day, with no lock that anybody waits for.",
    "",
)


def growth(stage: Stage, scale: float) -> Result:
    """The same work due in three databases; statements in turn, each rolled back; then dead notes that vacuum may not take."""
    times = rounds(REPEATS, scale)
    large, deleted = max(4 * SMALL, round(LARGE * scale)), max(1000, round(DELETED * scale))
    middle = min(MIDDLE, large // 2)
    with stage.server("shared_buffers=512MB", "autovacuum=off") as server:
        few, some, many = (
            filled(server, name, size) for name, size in (("few", SMALL), ("middling", middle), ("many", large))
        )
        for _ in range(times):
            for name, statement in STATEMENTS.items():
                for timed in (few, some, many):
                    timed.run(name, statement)
        daily, size = (_daily(few), _daily(many)), _bytes(many)
        bloated, plans = _bloated(server, deleted, times)
        plans = (*DAILY_WHY, *_plans(some, f"At {middle:,} closed"), *_plans(many, f"At {large:,} closed"), *plans)
        for timed in (few, some, many):
            timed.connection.close()
    figures = (
        *(_grown(few, timed, size) for timed, size in ((some, middle), (many, large))),
        *_others(bloated, deleted, daily),
    )
    how = (
        f"{SMALL:,}, {middle:,} and {large:,} closed submissions, each with its invoice and attempt, and {OPEN} due rows of each kind in "
        f"each; median of {times}, in turn, rolled back; then {deleted:,} notes deleted while an older transaction is open, "
        "and the relay has looked once since"
    )
    table = _table((few, some, many), bloated, (SMALL, middle, large, deleted), daily)
    return Result(figures, how, (table,), plans, facts={"bytes an invoice": size / large})


def _grown(few: Timed, timed: Timed, closed: int) -> Figure:
    """The statement that has grown most."""
    worst = max(STATEMENTS, key=lambda name: timed.median(name) / few.median(name))
    ratio = timed.median(worst) / few.median(worst)
    return Figure(
        f"{closed:,} closed", f"{worst} {timed.median(worst):.2f} ms", f"{few.median(worst):.2f} ms with {SMALL:,}", ratio,
        RATIO_GOAL, "at most", "×",
    )  # fmt: skip


def _others(bloated: Timed, deleted: int, daily: tuple[float, float]) -> tuple[Figure, Figure]:
    slowest = max((name for name in bloated.found if not name.endswith(", the first")), key=bloated.median)
    once = max(bloated.median(f"{name}, the first") for name in IDLE)
    return (
        Figure(
            "an old transaction", f"{slowest}", f"{deleted:,} deleted notes; the first pass after them {once:.0f} ms",
            bloated.median(slowest), BLOAT_GOAL_MS, "at most", "ms",
        ),
        Figure(
            "the daily scan", f"{daily[1]:,.1f} ms", f"{daily[0]:,.1f} ms", daily[1] / daily[0], RATIO_GOAL, "at most", "×"
        ),
    )  # fmt: skip


def _bytes(timed: Timed) -> int:
    """Of submissions and attempts with their indexes."""
    with timed.connection.cursor() as cursor:
        cursor.execute(SIZE)
        return int(cursor.fetchone()[0])


def _daily(timed: Timed) -> float:
    """The scan for forgotten invoices reads every ready one: once a day, and shown apart."""
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
    timed = timed_in(server, "few")
    for name in IDLE:
        timed.run(f"{name}, the first", STATEMENTS[name])
    database.rows(
        STATEMENTS["take_notes"]
    )  # an idle relay's look: from now on nobody walks over what it has seen the end of
    for _ in range(times):
        for name in IDLE:
            timed.run(f"{name}, nothing noted", STATEMENTS[name])
    database.rows("update invoicing.invoices set total = 121 where invoice_number like 'D-%'")
    database.close()
    for _ in range(times):
        for name, statement in STATEMENTS.items():
            timed.run(name, statement)
    plans = _plans(timed, f"With {deleted:,} deleted notes and an old transaction")
    timed.connection.close()
    old.close()
    return timed, plans


def _plans(timed: Timed, heading: str) -> tuple[str, ...]:
    """How each statement finds its rows, also those inside functions, as auto_explain shows it."""
    lines = [f"{heading}:"]
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


def _table(three: tuple[Timed, ...], bloated: Timed, sizes: tuple[int, ...], daily: tuple[float, float]) -> str:
    few, _, many = three
    lines = [
        f"| ms | {' | '.join(f'{size:,} closed' for size in sizes[:3])} | ratio | {sizes[3]:,} deleted notes |",
        "|---|---|---|---|---|---|",
    ]
    for name in STATEMENTS:
        found = " | ".join(f"{timed.median(name):.2f}" for timed in three)
        lines.append(f"| {name} | {found} | {many.median(name) / few.median(name):.2f} | {bloated.median(name):.2f} |")
    lines += [
        f"| {name}, {when} | | | | | {bloated.median(f'{name}, {when}'):.2f} |"
        for when in ("the first", "nothing noted")
        for name in IDLE
    ]
    lines.append(f"| {DAILY} | {daily[0]:.2f} | | {daily[1]:.2f} | {daily[1] / daily[0]:.0f} | |")
    return "\n".join(lines)
