"""What an adversary found about two acts at the same moment, and about a row that is slow to read."""

from __future__ import annotations

import json
from typing import Any

from facteur.postgres.database import Database
from tests.operator import Operator
from tests.rows import Rows

SIGNED = ("--why", "found by hand", "--who", "jane@desk", "--yes")
SLOW = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending'
           and (invoice_number <> 'SLOW' or pg_sleep(1.5) is not null) as ready,
       document_uri, null::text as file_name, invoice_number, seller_siren, issue_date, total, currency, technical_status,
       'default' as account, submission_id, false as finished
from invoicing.invoices
"""
LOWER = 'select facteur.lower_submit_from(\'2026-07-01\', false, \'{"operation": "submit_backlog", "who": "x", "why": "y"}\')'


def accepted(database: Database, invoice_id: str, claim: Any) -> str:
    """The platform answered with the id that it gives everybody."""
    outcome = {
        "submission_id": claim.submission_id, "account": "default", "invoice_id": invoice_id, "lease_token": claim.lease_token,
        "move": {"state": "submitted", "platform_id": "P-1", "due_in_seconds": 5},
        "attempt": {"id": claim.attempt_id, "outcome": "accepted", "platform_id": "P-1"},
    }  # fmt: skip
    parameters = {"outcome": json.dumps(outcome)}
    return str(database.row("select facteur.record(%(outcome)s::jsonb) as state", parameters).state)


def test_one_id_answered_for_two_invoices_at_once_is_the_firsts_and_the_other_is_in_doubt(rows: Rows) -> None:
    first, second = rows.noted(), rows.noted()
    claims = rows.claim(first), rows.claim(second)
    worker = rows.session()
    worker.rows("begin")
    assert accepted(worker, first, claims[0]) == "submitted"

    with rows.in_background(lambda: accepted(rows.session(), second, claims[1])) as other:
        rows.wait_for_blocked()
        worker.rows("commit")

    assert other.result() == "in_doubt"
    assert rows.submission(second).last_error_code == "platform_id_taken"
    (attempt,) = rows.run("select * from facteur.attempts where invoice_id = %(id)s", id=second)
    assert (attempt.outcome, attempt.platform_id) == ("unknown", None)


def test_a_row_that_is_finished_while_submit_from_is_lowered_is_not_forgotten_for_a_day(rows: Rows) -> None:
    rows.run("update facteur.installation set submit_from = '2026-09-01'")
    invoice = rows.finish()
    rows.update(invoice, issue_date="2026-07-01", technical_status=None)
    rows.look()
    rows.relay.vitals()
    application, person = rows.session(), rows.session()
    application.rows("begin")
    application.rows("update invoicing.invoices set technical_status = 'pending'")
    person.rows("begin")
    person.rows(LOWER)
    application.rows("commit")
    assert rows.relay.take_notes(20).opened == 0
    person.rows("commit")

    rows.relay.vitals()
    rows.look()

    assert rows.states(invoice) == ["pending"]


def test_a_row_that_a_timeout_cancels_stops_no_others(rows: Rows) -> None:
    rows.run(SLOW)
    rows.update(rows.finish(), invoice_number="SLOW")
    invoice = rows.finish()
    rows.run("set statement_timeout = '1s'")

    rows.look()

    assert rows.states(invoice) == ["pending"]


def test_what_is_adopted_for_an_account_that_never_deposited_is_followed(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.run(
        "insert into facteur.routes (account, since, credentials) values ('default', now() + interval '1 day', 'new')"
    )

    said = operator.run("adopt", f"id:{invoice}", "P-1", "--account", "new", "--unverified", *SIGNED)

    assert said.code == 0, said.err
    rows.advance(60)
    assert rows.value("select account from facteur.next_sweep(false, 100)") == "new"
    assert rows.value("select * from facteur.accounts_to_pull()") == "new"


def test_what_a_slow_relay_opens_while_a_route_begins_goes_the_new_way(rows: Rows) -> None:
    invoice = rows.finish()
    slow = rows.session()
    slow.rows("begin")
    slow.rows("select facteur.now()")
    rows.run("insert into facteur.routes (account, since, credentials) values ('default', clock_timestamp(), 'new')")
    slow.rows("select * from facteur.take_notes(20)")
    rows.relay.begin_run()
    slow.rows("commit")
    assert rows.submission(invoice).account == "default"

    rows.relay.begin_run()
    rows.look()

    assert rows.submission(invoice).account == "new"
