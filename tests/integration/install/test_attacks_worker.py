"""The worker may neither back-date nor invent: what a record is about stays, and when and by whom it was made is the database's to say."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from local.world.postgres import WORKER, as_worker
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

ACT = '{"who": "mallory", "why": "y", "operation": "o", "at": "1999-01-01", "session_role": "app"}'
FORGED = [
    "insert into facteur.operations (at, who, why, operation) values ('1999-01-01', 'jane', 'y', 'retry')",
    "insert into facteur.operations (session_role, who, why, operation) values ('app', 'jane', 'y', 'retry')",
    "insert into facteur.operations (id, who, why, operation) overriding system value values (7, 'jane', 'y', 'retry')",
    "update facteur.operations set who = 'jane'",
    "update facteur.operations set at = '1999-01-01'",
    "delete from facteur.operations",
    *(
        f"update facteur.attempts set {column} = {column}"
        for column in ("submission_id", "invoice_id", "account", "lease_token", "started_at", "document_sha256",
                       "invoice_number", "seller_siren", "total", "currency", "platform")
    ),
    "insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, occurred_at, recorded_at) "
    "values ('s', 1, 'p', '205', 'x', 'x', now(), '1999-01-01')",
    "insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, occurred_at, written_at) "
    "values ('s', 1, 'p', '205', 'x', 'x', now(), now())",
    "insert into facteur.routes (account, since, credentials, recorded_at) values ('default', now(), 'x', '1999-01-01')",
    "insert into facteur.unmatched_statuses (status_id, account, platform_id, code, event, recorded_at) "
    "values ('1', 'a', 'p', '2', '{}', now())",
    "insert into facteur.changes (invoice_ids, noted_at) values ('{1}', '1999-01-01')",
    "insert into facteur.changes (invoice_ids, transaction_id) values ('{1}', '1')",
    f"select facteur.lower_submit_from('1999-01-01', true, '{ACT}')",
    "select facteur.set_path('facteur_worker', 'public')",
    "insert into facteur.attempts (invoice_id, account, lease_token, started_at, outcome, platform_id, document_sha256) "
    "values ('7', 'default', gen_random_uuid(), '1999-01-01', 'accepted', 'P-1', 'x')",
    "insert into facteur.attempts (id, invoice_id, account, lease_token, document_sha256) overriding system value "
    "values (7, '7', 'default', gen_random_uuid(), 'x')",
]  # fmt: skip


@pytest.fixture
def worker(rows: Rows) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(as_worker(rows.url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.mark.parametrize("statement", FORGED)
def test_the_worker_cannot_forge_a_record(rows: Rows, worker: psycopg2.extensions.cursor, statement: str) -> None:
    rows.reach(rows.noted(), "submitted")

    with pytest.raises(InsufficientPrivilege):
        worker.execute(statement)


def test_the_database_says_when_and_by_which_role_an_act_was_done(
    rows: Rows, worker: psycopg2.extensions.cursor
) -> None:
    worker.execute("set timezone = 'UTC'")
    worker.execute(f"select facteur.log_operation('{ACT}', null, null, null, '{{}}')")

    act = rows.run("select at, session_role, who from facteur.operations")[0]
    assert (act.session_role, act.who) == (WORKER, "mallory")
    assert rows.value("select at > now() - interval '1 hour' from facteur.operations")


def test_what_the_worker_is_asked_to_call_itself_is_not_what_is_recorded(
    rows: Rows, worker: psycopg2.extensions.cursor
) -> None:
    worker.execute("set application_name = 'app'")
    with pytest.raises(InsufficientPrivilege):
        worker.execute("set session authorization app")

    worker.execute(f"select facteur.log_operation('{ACT}', null, null, null, '{{}}')")

    assert rows.value("select session_role from facteur.operations") == WORKER


def test_a_backlog_that_lowers_the_first_day_is_the_owners_to_submit(rows: Rows) -> None:
    rows.run("update facteur.installation set submit_from = '2026-09-01'")
    rows.run(
        "insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status, technical_status) "
        "values ('F-1', '732829320', '2026-07-01', 1, 's3://b/f.pdf', 'final', null)"
    )
    command = ("submit-backlog", "--since", "2026-07-01", "--apply", "--yes", "--why", "the backlog")

    refused, done = Operator(as_worker(rows.url)).run(*command), Operator(rows.url).run(*command)

    assert (refused.code, done.code) == (2, 0), done.err
    assert "docs/database-roles.md" in refused.err
    assert rows.value("select submit_from::text from facteur.installation") == "2026-07-01"
