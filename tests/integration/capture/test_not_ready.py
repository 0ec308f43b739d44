"""Finished invoices that lack something are heard of: an age that nothing in the row can hide, and a count that nothing can end."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from facteur.postgres.database import Database
from facteur.relay_submissions.store import PostgresRelay
from local.world.postgres import as_worker
from tests.operator import Operator
from tests.rows import Rows

DAY = 86_400
NOT_READY = "select not_ready, not_ready_id from facteur.installation"
AGE = "select seconds from facteur.oldest_waiting() where reason = 'not_ready'"
COLUMNS = "id as invoice_id, {ready} as ready, document_uri, invoice_number, seller_siren, {finished} as finished"


def show(rows: Rows, ready: str = "document_uri is not null", finished: str = "true", more: str = "") -> None:
    columns = COLUMNS.format(ready=ready, finished=finished)
    rows.run(
        f"drop view facteur.invoice_source; create view facteur.invoice_source as select {columns}{more} from invoicing.invoices"
    )


def counted(rows: Rows, seconds: float = 0) -> Any:
    rows.advance(seconds)
    rows.relay.vitals()
    return rows.database.row(NOT_READY)


def age(rows: Rows) -> float:
    return float(rows.value(AGE))


def lacking(rows: Rows, **columns: Any) -> str:
    invoice = rows.finish()
    rows.update(invoice, **(columns or {"document_uri": None}))
    return invoice


def test_as_installed_finished_invoices_that_are_not_ready_are_counted_each_hour_until_they_are(rows: Rows) -> None:
    rows.finish()
    late = lacking(rows, document_uri=None, issue_date="2026-09-02")
    found = counted(rows)
    assert (found.not_ready, found.not_ready_id) == (1, late)
    assert age(rows) > 2 * DAY  # by its day of issue

    rows.update(late, document_uri="file:///late.xml")

    assert counted(rows, 3_660).not_ready == 0
    assert rows.value("select count(*) from facteur.not_ready") == 0


@pytest.mark.parametrize("column", ["issue_date", "document_uri"])
def test_a_draft_or_a_row_that_is_over_is_not_counted(rows: Rows, column: str) -> None:
    lacking(rows, status="draft", **{column: None})
    lacking(rows, technical_status="validated", **{column: None})

    assert counted(rows).not_ready == 0


SHOWS_STATUS = {"more": ", technical_status"}


def rejected(rows: Rows, **columns: Any) -> str:
    """An invoice whose deposit was refused, and what somebody changed in its row since."""
    invoice = rows.noted()
    rows.reach(invoice, "rejected")
    assert rows.invoice(invoice).technical_status == "rejected"
    rows.update(invoice, **(columns or {"document_uri": None}))
    return invoice


def failed(rows: Rows) -> str:
    """An invoice that certainly was not deposited, and needs a person."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "failed", "rejected", error_code="given_up", error_message="no")
    return invoice


def test_a_corrected_invoice_that_lacks_its_document_is_heard_of_from_its_correction_on(
    rows: Rows, operator: Operator
) -> None:
    invoice = rejected(rows)
    assert counted(rows).not_ready == 0
    rows.update(invoice, technical_status="pending")
    rows.look()

    found = counted(rows, DAY + 60)
    assert (found.not_ready, found.not_ready_id) == (1, invoice)
    assert age(rows) < 60  # its day of issue is long ago
    counted(rows, 2 * DAY)
    troubles = [each["what"] for each in operator.ask("status")["troubles"]]

    assert f"1 finished invoice lacks something to be deposited, the oldest is id:{invoice}" in troubles
    rows.update(invoice, document_uri="file:///corrected.xml")
    rows.look()
    assert (rows.states(invoice), counted(rows, 3_660).not_ready) == (["rejected", "pending"], 0)


@pytest.mark.parametrize("column", ["issue_date", "document_uri"])
def test_an_invoice_that_a_person_sends_again_and_that_lacks_something_is_heard_of(rows: Rows, column: str) -> None:
    invoice = failed(rows)
    rows.update(invoice, technical_status="pending", **{column: None})

    assert counted(rows).not_ready_id == invoice


def test_a_view_that_shows_no_status_says_of_a_corrected_invoice_what_it_lacks(rows: Rows) -> None:
    invoice = rejected(rows, total=121)
    show(rows)
    assert counted(rows).not_ready == 0
    rows.update(invoice, document_uri=None)

    assert counted(rows, DAY + 60).not_ready_id == invoice


@pytest.mark.parametrize("shown", [None, SHOWS_STATUS], ids=["as installed", "finished whatever its status"])
@pytest.mark.parametrize("status", ["rejected", " Rejected", "error"])
def test_an_invoice_that_nobody_has_corrected_yet_lacks_nothing(
    rows: Rows, shown: dict[str, str] | None, status: str
) -> None:
    rejected(rows, technical_status=status, document_uri=None)
    if shown:
        show(rows, **shown)

    assert counted(rows).not_ready == 0


@pytest.mark.parametrize("state", ["pending", "sending", "in_doubt", "submitted", "closed"])
def test_what_a_live_submission_answers_for_is_not_counted(rows: Rows, state: str) -> None:
    invoice = rows.noted()
    rows.claim(invoice) if state == "sending" else rows.reach(invoice, state)
    rows.update(invoice, document_uri=None, technical_status="pending")

    assert (rows.states(invoice), counted(rows).not_ready) == ([state], 0)


def test_what_waits_for_its_verdict_to_be_written_is_not_counted(rows: Rows) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.update(invoice, document_uri=None)
    holder = rows.session()
    with holder.transaction():
        holder.rows("select from invoicing.invoices where id = %(id)s for update", {"id": invoice})
        rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")
        assert counted(rows).not_ready == 0

    rows.advance(3_600)
    rows.write_back()
    rows.update(invoice, technical_status="pending")

    assert counted(rows, DAY).not_ready_id == invoice


def test_without_an_issue_date_the_age_runs_from_when_it_was_first_seen(rows: Rows) -> None:
    late = lacking(rows, issue_date=None)
    assert counted(rows).not_ready_id == late
    assert age(rows) < 60
    lacking(rows, issue_date=None)

    found = counted(rows, 3 * DAY)

    assert (found.not_ready, found.not_ready_id) == (2, late)
    assert 3 * DAY <= age(rows) < 3 * DAY + 60


def test_what_is_ready_by_now_takes_its_age_with_it(rows: Rows) -> None:
    late = lacking(rows, issue_date=None)
    counted(rows)
    lacking(rows, issue_date=None)
    rows.update(late, issue_date="2026-09-02")

    counted(rows, 3 * DAY)

    assert age(rows) < 60


@pytest.mark.parametrize(
    "shown",
    [
        {"ready": "null::boolean"},
        {"ready": "false", "more": ", '2026-09-01'::text as issue_date"},
        {"finished": "'yes'::text", "more": ", '-infinity'::date as issue_date"},
    ],
    ids=["ready is null", "a text as day of issue", "a text as finished, no day that can be"],
)
def test_a_view_of_the_companys_own_making_is_counted(rows: Rows, shown: dict[str, str]) -> None:
    late = lacking(rows)
    show(rows, **shown)

    assert counted(rows).not_ready_id == late
    assert age(rows) >= 0


def test_a_count_that_raises_is_a_fault_that_is_reported(rows: Rows, operator: Operator) -> None:
    lacking(rows)
    show(rows, finished="1 / (id - id) = 1")

    faults = rows.relay.vitals().faults
    troubles = [each["what"] for each in operator.ask("status")["troubles"]]

    assert any("cannot be read for what is finished (SQLSTATE 22012)" in fault for fault in faults)
    assert any("cannot be read for what is finished (SQLSTATE 22012)" in what for what in troubles)
    show(rows)
    assert counted(rows, DAY + 60).not_ready == 1
    assert not any("finished" in fault for fault in rows.relay.vitals().faults)


def test_a_clock_that_was_ahead_delays_no_count(rows: Rows) -> None:
    rows.run("update facteur.installation set not_ready_counted_at = now() + interval '20 days'")
    rows.run("update facteur.installation set forgotten_checked_at = now() + interval '20 days'")
    lacking(rows)

    vitals = rows.relay.vitals()

    assert vitals.forgotten == 0
    assert rows.database.row(NOT_READY).not_ready == 1


@pytest.mark.slow
@pytest.mark.parametrize("column", ["ready", "finished"])
def test_a_run_begins_while_the_whole_view_is_read(rows: Rows, column: str) -> None:
    for _ in range(4):
        lacking(rows)
    show(rows, **{column: "pg_sleep(0.5) is null"})
    rows.run("delete from facteur.changes")
    asked = rows.session()
    asked.rows("set lock_timeout = '300ms'")
    relay = PostgresRelay(rows.session(), requests_per_minute=150, deposits_enabled=True)

    with rows.in_background(relay.vitals) as slow:
        for _ in range(6):
            asked.rows("select pg_sleep(0.3)")
            asked.rows("select facteur.begin_relay_run(true, 150)")
        slow.result()


SHORT_NAMES = """
create function public.shipped() returns boolean language plpgsql as $$ begin return true; end $$;
create function public.is_finished() returns boolean language plpgsql as $$ begin return shipped(); end $$;
"""


def test_the_worker_counts_them_through_functions_that_use_the_companys_short_names(rows: Rows) -> None:
    lacking(rows)
    rows.run(SHORT_NAMES)
    show(rows, finished="public.is_finished()")
    rows.run("grant select on facteur.invoice_source to facteur_worker")
    worker = Database(lambda: {"dsn": as_worker(rows.url)})

    worker.rows("select facteur.count_not_ready()")
    worker.close()

    assert rows.database.row(NOT_READY).not_ready == 1


def test_the_worker_cannot_make_a_note_older_than_it_is(rows: Rows) -> None:
    connection = psycopg2.connect(as_worker(rows.url))
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("update facteur.changes set noted_at = '1999-01-01'")
    connection.close()
