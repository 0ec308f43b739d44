"""What the capture trigger costs the company's own writers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

from facteur.postgres.database import Database
from local.bench.result import Figure, Result, rounds
from local.bench.stage import Stage, migrated
from local.world.postgres import PostgresServer, embedded_binaries

DATABASE = "capture"
ROUNDS = 5
CLIENTS = 8
BULK_GOAL, SINGLE_GOAL = 1.3, 1.4
BULK = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status)
select 'B-' || n, '732829320', '2026-09-01', 120, 's3://bucket/b-' || n || '.pdf', 'final' from generate_series(1, %(count)s) n
"""
SINGLE = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status)
values ('S-1', '732829320', '2026-09-01', 120, 's3://bucket/s-1.pdf', 'final');
"""
TRIGGERS = "select tgname from pg_trigger where tgrelid = 'invoicing.invoices'::regclass and not tgisinternal"
FUNCTION = """
select distinct pg_get_functiondef(tgfoid) as definition, p.prosrc as body
from pg_trigger t join pg_proc p on p.oid = t.tgfoid where tgrelid = 'invoicing.invoices'::regclass and not tgisinternal
"""
NOTES, NO_NOTES = "group by chunk;", "group by chunk having array_agg(key) is null;"
NONE, EMPTY, KEYS, FULL, AGAIN = "no trigger", "empty", "keys, no note", "the whole trigger", "no trigger, again"
STEPS = {  # what each adds to the one before it
    EMPTY: "the call, and the new rows kept for it",
    KEYS: "the keys as text, collected",
    FULL: "the note inserted",
}
CHANGE = (
    "The call and the kept rows are Postgres's own price for any statement trigger that sees what was written. The note is a row and an",
    "index entry more in the writer's commit, and only because of it an invoice that was committed cannot be missed. To cost less, the",
    "writers would have to run no trigger: changes read from the write-ahead log by a replication slot, which takes a process that never",
    "stops and keeps the log of the whole server where it does, or an index of what changed in the company's table to look through.",
)


def capture(stage: Stage, scale: float) -> Result:
    """Inserts without the trigger, with it, and with parts of it, in turn, on a durable server; medians of five."""
    rows, singles = max(1000, round(100_000 * scale)), max(10, round(4000 * scale))
    times = rounds(ROUNDS, scale)
    with stage.server() as server:
        database = migrated(server, DATABASE)
        bodies = _bodies(database)
        bulk = _in_turn(database, bodies, lambda: _bulk(database, rows), times)
        single = _in_turn(database, bodies, lambda: _single(server, singles), times)
        database.close()
    figures = (
        Figure(
            f"{rows:,} rows at once", f"{bulk[FULL] * 1e3:,.0f} ms", f"{bulk[NONE] * 1e3:,.0f} ms without", bulk[FULL] / bulk[NONE],
            BULK_GOAL, "at most", "×",
        ),
        Figure(
            f"single rows, {CLIENTS} clients", f"{single[FULL] * 1e6:,.0f} µs", f"{single[NONE] * 1e6:,.0f} µs without",
            single[FULL] / single[NONE], SINGLE_GOAL, "at most", "×",
        ),
    )  # fmt: skip
    a_row = {name: seconds / rows * 1e6 for name, seconds in bulk.items()}
    a_statement = {name: seconds * 1e6 for name, seconds in single.items()}
    notes = (
        f"{a_row[FULL] - a_row[NONE]:.2f} µs for a row of a large statement",
        f"{a_statement[FULL] - a_statement[NONE]:,.0f} µs for a statement of one row, of {CLIENTS} clients at once",
        f"twice without the trigger the same rows at once differ by {abs(bulk[AGAIN] / bulk[NONE] - 1):.1%}, single ones by "
        f"{abs(single[AGAIN] / single[NONE] - 1):.1%}: that much is noise",
    )
    how = (
        f"table of the default mapping, fsync on, without the triggers, with them and with parts of them in turn, median of {times}; "
        f"single rows by pgbench with {CLIENTS} clients of {singles:,} transactions each, one a row"
    )
    return Result(figures, how, notes, why=(*_steps(a_row, a_statement), *CHANGE))


def _steps(a_row: dict[str, float], a_statement: dict[str, float]) -> Iterator[str]:
    """What each part of the trigger adds, in µs."""
    yield f"{'What the trigger adds':40} {'µs a row, at once':>20} {'µs a single row':>20}"
    for before, name in pairwise((NONE, *STEPS)):
        yield f"{STEPS[name]:40} {a_row[name] - a_row[before]:20.2f} {a_statement[name] - a_statement[before]:20.1f}"
    yield f"{'beside the insert itself':40} {a_row[NONE]:20.2f} {a_statement[NONE]:20.1f}"
    yield ""


def _bodies(database: Database) -> dict[str, str | None]:
    """The trigger function with less and less in it, cut from the one that is installed."""
    (installed,) = database.rows(FUNCTION)
    keys = installed.definition.replace(NOTES, NO_NOTES)
    if keys == installed.definition:
        raise RuntimeError("the trigger no longer inserts its note as this measurement expects")
    empty = installed.definition.replace(installed.body, "\nbegin\n    return null;\nend ")
    return {NONE: None, EMPTY: empty, KEYS: keys, FULL: installed.definition, AGAIN: None}


def _in_turn(
    database: Database, bodies: dict[str, str | None], work: Callable[[], float], times: int
) -> dict[str, float]:
    """The median of each."""
    found: dict[str, list[float]] = {name: [] for name in bodies}
    work()  # the files have grown once
    for _ in range(times):
        for name, body in bodies.items():
            _switch(database, body)
            found[name].append(work())
    return {name: median(seconds) for name, seconds in found.items()}


def _switch(database: Database, body: str | None) -> None:
    """Triggers with this function, or off, and the tables empty."""
    for row in database.rows(TRIGGERS):
        database.rows(f"alter table invoicing.invoices {'enable always' if body else 'disable'} trigger {row.tgname}")
    if body:
        database.rows(body)
    database.rows("truncate invoicing.invoices, facteur.changes")
    database.rows("checkpoint")


def _bulk(database: Database, rows: int) -> float:
    """Seconds for all of them in one statement."""
    began = time.perf_counter()
    database.rows(BULK, {"count": rows})
    return time.perf_counter() - began


def _single(server: PostgresServer, singles: int) -> float:
    """Seconds a row, over all clients."""
    binaries = embedded_binaries()
    script = Path(server.data.parent, "single.sql")
    script.write_text(SINGLE)
    said = subprocess.run(
        [
            binaries / "pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-t", str(singles), "-M", "prepared", "-f", script,
            "-h", server.host, "-p", str(server.port), "-U", "app", DATABASE,
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    rate = next(line.split("=")[1].split()[0] for line in said.splitlines() if line.startswith("tps ="))
    return 1 / float(rate)
