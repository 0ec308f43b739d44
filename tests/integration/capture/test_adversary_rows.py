"""What an adversary found in the SQL: looks that are stale, triggers and views of the company's, a count that is cancelled."""

from __future__ import annotations

import json

from facteur.domain.decision import Decision
from facteur.domain.submission import Move, State, Waiting
from facteur.errors import Problem
from tests.rows import CLAIM, Rows

LEASE_OVER = 61
GIVEN_UP = Decision(
    Move(State.FAILED, error_code="document_empty", error_message="the document is empty"),
    problem=Problem("document_empty", "the document is empty"),
)


def noted(rows: Rows) -> str:
    """An invoice with a pending submission; its key."""
    invoice = rows.finish()
    rows.look()
    return invoice


# --- stale looks ------------------------------------------------------------------------------------------------------

WITH_ACCOUNT = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total, currency, technical_status, account, submission_id, false as finished
from invoicing.invoices
"""


def read(rows: Rows, invoice: str) -> Waiting:
    """What a submitter reads of the invoice's message."""
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    (waiting,) = rows.submissions.read([submission.id])
    return waiting


def queued_again(rows: Rows, invoice: str) -> None:
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=rows.submission(invoice).id)


def test_what_was_read_before_another_copys_deposit_ends_no_doubt(rows: Rows) -> None:
    invoice = noted(rows)
    stale = read(rows, invoice)
    rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    queued_again(rows, invoice)

    assert rows.submissions.record_unclaimed(stale, GIVEN_UP) == "duplicate"

    assert rows.submission(invoice).state == "in_doubt"
    assert rows.claim(invoice).verdict == "claimed"


def test_what_was_read_before_another_copys_failed_try_records_nothing(rows: Rows) -> None:
    invoice = noted(rows)
    stale = read(rows, invoice)
    rows.record(invoice, rows.claim(invoice), "pending", "not_deposited", due_in_seconds=5)
    rows.advance(6)
    queued_again(rows, invoice)

    assert rows.submissions.record_unclaimed(stale, GIVEN_UP) == "duplicate"

    assert (rows.submission(invoice).state, rows.invoice(invoice).technical_status) == ("pending", "pending")


def test_what_was_read_and_still_stands_is_recorded(rows: Rows) -> None:
    invoice = noted(rows)

    assert rows.submissions.record_unclaimed(read(rows, invoice), GIVEN_UP) == "failed"

    assert rows.invoice(invoice).technical_status == "error"


def test_what_was_read_before_the_account_was_corrected_is_neither_sent_nor_recorded(rows: Rows) -> None:
    rows.run("alter table invoicing.invoices add account text")
    rows.run(WITH_ACCOUNT)
    invoice = noted(rows)
    stale = read(rows, invoice)
    rows.update(invoice, account="second")
    rows.look()
    queued_again(rows, invoice)

    assert rows.submissions.record_unclaimed(stale, GIVEN_UP) == "duplicate"
    item = {"id": stale.submission_id, "tries": stale.tries, "sha256": "ab" * 32, "invoice_number": "F-1"}
    assert [row.verdict for row in rows.run(CLAIM, items=json.dumps([item]))] == ["stale"]

    assert (rows.submission(invoice).state, rows.submission(invoice).account) == ("pending", "second")
    assert rows.run("select from facteur.attempts") == []


# --- what the company hears -------------------------------------------------------------------------------------------

ASKS_AGAIN = """
create function public.ask_again() returns trigger language plpgsql as $$ begin
    if new.technical_status = 'rejected' and new.invoice_number not like '%-bis' then
        update invoicing.invoices set invoice_number = new.invoice_number || '-bis', technical_status = 'pending' where id = new.id;
    end if;
    return null;
end $$;
create trigger ask_again after update on invoicing.invoices for each row execute function public.ask_again()
"""


def test_a_company_trigger_that_answers_a_verdict_with_another_number_is_heard(rows: Rows) -> None:
    rows.run(ASKS_AGAIN)
    invoice = noted(rows)

    rows.reach(invoice, "rejected")
    rows.look()

    assert rows.states(invoice) == ["rejected", "pending"]
    assert rows.submission(invoice).invoice_number.endswith("-bis")


RAISES_ONCE_REFUSED = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total / case technical_status when 'rejected' then 0 else 1 end as total,
       currency, technical_status, 'default' as account, submission_id, false as finished
from invoicing.invoices
"""


def test_a_view_that_raises_on_the_refused_row_hinders_no_write_back(rows: Rows) -> None:
    rows.run(RAISES_ONCE_REFUSED)
    invoice = noted(rows)

    rows.reach(invoice, "rejected")

    assert (rows.invoice(invoice).technical_status, rows.submission(invoice).write_back_error) == ("rejected", None)


# --- the daily count --------------------------------------------------------------------------------------------------

STUCK_THE_FIRST_TIME = """
create sequence public.looks;
create function public.look() returns boolean volatile language plpgsql as $$ begin
    if nextval('public.looks') = 1 then perform pg_sleep(600); end if;
    return true;
end $$;
create or replace view facteur.invoice_source as
select id as invoice_id, public.look() and status = 'final' and technical_status = 'pending' as ready, document_uri,
       null::text as file_name, invoice_number, seller_siren, issue_date, total, currency, technical_status,
       'default' as account, submission_id, false as finished
from invoicing.invoices
"""


def test_a_count_of_forgotten_rows_that_a_timeout_cancels_goes_through_them_in_portions(rows: Rows) -> None:
    invoice = rows.finish()
    rows.run("delete from facteur.changes")
    rows.run(STUCK_THE_FIRST_TIME)
    rows.run("set statement_timeout = '2s'")

    assert rows.relay.vitals().forgotten == 1

    rows.run("reset statement_timeout")
    assert rows.notes() == [[invoice]]
