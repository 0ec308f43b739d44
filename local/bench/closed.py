"""Databases in which very much is finished, and a little is due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg2

from local.bench.stage import migrated
from local.world.postgres import PostgresServer

OPEN = 100  # rows that are due, of each kind
FILL = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status, technical_status)
select 'C-' || n, '732829320', '2026-09-01', 120, 's3://bucket/c-' || n || '.pdf', 'final', 'validated'
from generate_series(1, %(count)s) n;
truncate facteur.changes;
insert into facteur.submissions (invoice_id, account, state, platform_id, document_sha256, invoice_number, seller_siren,
                                 total, lifecycle_code, lifecycle_at, submitted_at, written_status, finalized_at)
select id::text, 'default', 'closed', 'p-' || id, md5(id::text) || md5('x' || id), invoice_number, seller_siren,
       total, '212', now(), now(), 'validated', now()
from invoicing.invoices;
insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, platform_id, document_sha256)
select id, invoice_id, account, gen_random_uuid(), now(), 'accepted', platform_id, document_sha256 from facteur.submissions;
insert into facteur.budgets (key) values ('account:default') on conflict do nothing;
"""
DUE = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status)
select 'D-' || n, '732829320', '2026-09-01', 120, 's3://bucket/d-' || n || '.pdf', 'final' from generate_series(1, %(open)s) n;
insert into facteur.submissions (invoice_id, account, state, due_at, platform_id, lease_token, lease_until,
                                 doubt_since, submitted_at)
select state || n, 'default', state, now() - interval '1 hour', case state when 'submitted' then state || n end,
       case state when 'sending' then gen_random_uuid() end, case state when 'sending' then now() end,
       case state when 'in_doubt' then now() end, case state when 'submitted' then now() end
from generate_series(1, %(open)s) n, unnest(array['pending', 'sending', 'in_doubt', 'submitted']) state;
"""


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


def filled(server: PostgresServer, name: str, count: int) -> Timed:
    database = migrated(server, name)
    database.rows("update facteur.installation set submit_from = '2026-01-01', forgotten_checked_at = now()")
    database.rows(FILL, {"count": count})
    database.rows(DUE, {"open": OPEN})
    database.rows("vacuum analyze")
    database.close()
    return timed_in(server, name)


def timed_in(server: PostgresServer, name: str) -> Timed:
    connection = psycopg2.connect(server.url(name))
    connection.autocommit = True
    return Timed(connection, {})
