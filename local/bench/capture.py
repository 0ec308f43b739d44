"""What the capture trigger costs the company's own writers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from facteur.adapters.postgres import Database
from local.bench.result import Figure, Result, rounds
from local.bench.stage import Stage, migrated
from local.postgres import PostgresServer, embedded_binaries

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


def capture(stage: Stage, scale: float) -> Result:
    """Inserts with and without the trigger, in turn, on a durable server; medians of five."""
    rows, singles = max(1000, round(100_000 * scale)), max(10, round(4000 * scale))
    times = rounds(ROUNDS, scale)
    with stage.server() as server:
        database = migrated(server, DATABASE)
        bulk = _in_turn(database, lambda: _bulk(database, rows), times)
        single = _in_turn(database, lambda: _single(server, singles), times)
        floor = _in_turn(database, lambda: _single(server, singles), times, noted=False)
        database.close()
    with_trigger, without = bulk
    figures = (
        Figure(
            f"{rows:,} rows at once", f"{with_trigger * 1e3:,.0f} ms", f"{without * 1e3:,.0f} ms without", with_trigger / without,
            BULK_GOAL, "at most", "×",
        ),
        Figure(
            f"single rows, {CLIENTS} clients", f"{single[0] * 1e6:,.0f} µs", f"{single[1] * 1e6:,.0f} µs without",
            single[0] / single[1], SINGLE_GOAL, "at most", "×",
        ),
    )  # fmt: skip
    notes = (
        f"{(with_trigger - without) / rows * 1e6:.2f} µs for a row of a large statement",
        f"{(single[0] - single[1]) * 1e6:,.0f} µs for a statement of one row, of {CLIENTS} clients at once",
        f"the same single rows twice without the trigger differ by {abs(floor[0] / floor[1] - 1):.1%}: that much is noise",
    )
    how = (
        f"table of the default mapping, fsync on, with and without the triggers in turn, median of {times}; single rows by "
        f"pgbench with {CLIENTS} clients of {singles:,} transactions each, one a row"
    )
    return Result(figures, how, notes)


def _in_turn(database: Database, work: Callable[[], float], times: int, *, noted: bool = True) -> tuple[float, float]:
    """The median with the trigger (or, to learn how much is noise, without it) and without it."""
    ours, bare = [], []
    work()  # the files have grown once
    for _ in range(times):
        _switch(database, on=noted)
        ours.append(work())
        _switch(database, on=False)
        bare.append(work())
    _switch(database, on=True)
    return median(ours), median(bare)


def _switch(database: Database, *, on: bool) -> None:
    """Triggers on or off, and the tables empty."""
    for row in database.rows(TRIGGERS):
        database.rows(f"alter table invoicing.invoices {'enable always' if on else 'disable'} trigger {row.tgname}")
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
