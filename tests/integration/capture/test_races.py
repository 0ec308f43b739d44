"""Writers, relay, and submit in each other's way: no change is lost, and no invoice gets a second deposit."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from facteur.relay_submissions.store import PostgresRelay
from tests.rows import FINISH, Rows

ALSO_ON_DEBIAN = True

READY = "update invoicing.invoices set status = 'final' where id = %(id)s"


def draft(rows: Rows) -> str:
    """An invoice that is not yet finished; its notes are consumed."""
    invoice = rows.finish()
    rows.update(invoice, status="draft")
    rows.look()
    return invoice


def test_a_long_transaction_that_commits_after_a_later_one_is_not_missed(rows: Rows) -> None:
    long, short = rows.session(), rows.session()
    long.rows("begin")
    early = long.row(FINISH).id
    late = short.row(FINISH).id

    assert rows.look().opened == 1
    assert rows.states(late) == ["pending"]
    assert rows.states(early) == []
    long.rows("commit")

    assert rows.look().opened == 1
    assert rows.states(early) == ["pending"]


def test_the_second_writer_of_an_invoice_is_seen_although_the_relay_consumed_the_first_ones_note(rows: Rows) -> None:
    invoice = draft(rows)
    first, second = rows.session(), rows.session()
    first.rows("begin")
    first.rows("update invoicing.invoices set total = 1 where id = %(id)s", {"id": invoice})

    with rows.in_background(lambda: [second.rows("begin"), second.rows(READY, {"id": invoice})]) as update:
        rows.wait_for_blocked()
        first.rows("commit")
        update.result()
        assert rows.look().opened == 0  # only the first one's note is there
        second.rows("commit")

    assert rows.look().opened == 1


def test_a_relay_that_has_not_committed_hides_no_note_and_opens_nothing_twice(rows: Rows) -> None:
    invoice = rows.finish()
    other = rows.session()
    slow = PostgresRelay(other, requests_per_minute=6000, deposits_enabled=True)
    other.rows("begin")
    assert slow.take_notes(20).opened == 1
    rows.update(invoice, total=2)

    with rows.in_background(rows.look) as look:
        rows.wait_for_blocked()  # the other relay's submission may yet be rolled back
        other.rows("commit")
        assert look.result().opened == 0

    assert rows.states(invoice) == ["pending"]
    assert rows.notes() == []


def test_what_a_relay_took_and_rolled_back_is_taken_again(rows: Rows) -> None:
    invoice = rows.finish()
    other = rows.session()
    other.rows("begin")
    PostgresRelay(other, requests_per_minute=6000, deposits_enabled=True).take_notes(20)
    assert rows.look().notes == 0
    other.rows("rollback")

    assert rows.look().opened == 1
    assert rows.states(invoice) == ["pending"]


def test_a_change_between_reading_and_withdrawing_is_read_again(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    rows.update(invoice, status="draft")
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    (waiting,) = rows.submissions.read([submission.id])
    assert waiting.invoice is not None
    assert not waiting.invoice.ready
    rows.update(invoice, status="final")
    rows.look()  # finds a live submission

    assert not rows.submissions.withdraw(submission.id)

    assert rows.states(invoice) == ["pending"]
    with rows.relay.pick_due(10) as due:
        assert due.submission_ids == [submission.id]


@pytest.mark.parametrize("gone", ["delete from invoicing.invoices", "truncate invoicing.invoices"])
def test_an_invoice_that_is_gone_before_its_deposit_is_withdrawn(rows: Rows, gone: str) -> None:
    invoice = rows.finish()
    rows.look()
    rows.run(gone)
    with rows.relay.pick_due(10) as due:
        due.mark_queued(due.submission_ids)

    (waiting,) = rows.submissions.read(due.submission_ids)
    assert waiting.invoice is None
    rows.submissions.withdraw(waiting.submission_id)

    assert rows.look().opened == 0
    assert rows.states(invoice) == []


def test_a_withdrawal_that_comes_late_takes_nothing_back(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    rows.claim(invoice)

    rows.submissions.withdraw(rows.submission(invoice).id)

    assert rows.states(invoice) == ["sending"]


def test_what_may_have_been_deposited_is_not_withdrawn_and_does_not_circle_through_the_queue(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    rows.reach(invoice, "in_doubt")
    rows.record(invoice, rows.claim(invoice), "pending")
    rows.update(invoice, status="draft")
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=rows.submission(invoice).id)

    rows.submissions.withdraw(rows.submission(invoice).id)

    left = rows.submission(invoice)
    assert (left.state, left.queued_at, left.last_error_code) == ("pending", None, "not_ready")
    assert left.due_at > rows.value("select facteur.now() + interval '1 minute'")


def test_a_relay_with_an_old_view_of_things_cannot_make_a_doubt_into_a_blind_deposit(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    rows.reach(invoice, "failed")  # the attempt's outcome stays unknown
    rows.run(
        "insert into facteur.submissions (invoice_id, account, state, due_at) "
        "values (%(id)s, 'default', 'pending', facteur.now())",
        id=invoice,
    )

    claim = rows.claim(invoice)

    assert claim.verdict == "postponed"
    assert rows.submission(invoice).state == "in_doubt"
    assert rows.value("select count(*) from facteur.attempts") == 1


def test_two_messages_for_one_row_claim_it_once(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    first, second = rows.session(), rows.session()
    submission = rows.submission(invoice).id
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission)
    claim = "select * from facteur.claim(%(items)s::jsonb, 60, 60000, true)"
    items = {"items": json.dumps([{"id": submission, "sha256": "ab" * 32}])}
    first.rows("begin")
    assert len(first.rows(claim, items)) == 1

    with rows.in_background(lambda: second.rows(claim, items)) as rival:
        rows.wait_for_blocked()
        first.rows("commit")

        assert rival.result() == []
    assert rows.value("select count(*) from facteur.attempts") == 1


def test_a_claim_waits_for_the_mark_of_the_relay_that_sent_its_message(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    other = rows.session()
    relay = PostgresRelay(rows.database, requests_per_minute=6000, deposits_enabled=True)
    claim = "select verdict from facteur.claim(%(items)s::jsonb, 60, 60000, true)"
    items = {"items": json.dumps([{"id": rows.submission(invoice).id, "sha256": "ab" * 32}])}

    with ThreadPoolExecutor(1) as thread, relay.pick_due(10) as due:
        early = thread.submit(other.rows, claim, items)
        rows.wait_for_blocked()
        due.mark_queued(due.submission_ids)
        rows.run("commit")
        rows.run("begin")
        assert [row.verdict for row in early.result()] == ["claimed"]


def test_many_writers_and_two_relays_at_once_open_one_submission_per_invoice(rows: Rows) -> None:
    invoices = [draft(rows) for _ in range(12)]

    def write(offset: int) -> None:
        session = rows.session()
        for turn in range(24):
            session.rows(READY, {"id": invoices[(offset * 5 + turn) % 12]})

    def relay(_: int) -> int:
        store = PostgresRelay(rows.session(), requests_per_minute=6000, deposits_enabled=True)
        return sum(store.take_notes(3).opened for _ in range(60))

    with ThreadPoolExecutor(5) as threads:
        writers = threads.map(write, range(3))
        opened = sum(threads.map(relay, range(2)))
        assert list(writers) == [None] * 3

    assert opened + rows.look().opened == 12
    assert [rows.states(invoice) for invoice in invoices] == [["pending"]] * 12
    assert rows.value("select count(*) from facteur.changes") == 0


def company_could_lock(rows: Rows, invoice_id: str) -> bool:
    session = rows.session()
    statement = "select id from invoicing.invoices where id = %(id)s for update skip locked"
    free = bool(session.rows(statement, {"id": invoice_id}))
    session.close()
    return free


def test_a_bulk_write_of_the_company_is_never_chosen_as_a_deadlocks_victim(rows: Rows) -> None:
    first, second = rows.finish(), rows.finish()
    rows.look()
    for invoice in (first, second):
        rows.run("select facteur.try_write_back(%(id)s)", id=rows.submission(invoice).id)
    rows.run("update facteur.submissions set write_back_due_at = facteur.now() - make_interval(secs => 10 - id)")
    company = rows.session()
    company.rows("begin; set local deadlock_timeout = '100ms'")
    company.rows("update invoicing.invoices set total = 1 where id = %(id)s", {"id": second})

    with rows.in_background(rows.write_back) as write_backs:
        while company_could_lock(rows, first) and not write_backs.done():
            pass
        company.rows("update invoicing.invoices set total = 1 where id = %(id)s", {"id": first})
        company.rows("commit")
        write_backs.result()

    assert [rows.invoice(invoice).total for invoice in (first, second)] == [1, 1]


def test_a_note_of_a_transaction_that_is_older_than_many_looks_is_found_when_it_commits(rows: Rows) -> None:
    writer = rows.session()
    writer.rows("begin")
    (late,) = writer.rows(FINISH)
    for _ in range(3):
        rows.finish()
        assert rows.look().opened == 1

    writer.rows("commit")

    assert rows.look().opened == 1
    assert rows.states(late.id) == ["pending"]


def test_a_relay_that_is_still_at_work_lets_no_other_look_past_its_notes(rows: Rows) -> None:
    rows.finish()
    rows.look()
    first = rows.finish()
    other = rows.session()
    other.rows("begin")
    PostgresRelay(other, requests_per_minute=6000, deposits_enabled=True).take_notes(20)
    second = rows.finish()
    assert rows.look().opened == 1

    other.rows("rollback")

    assert rows.look().opened == 1
    assert [rows.states(invoice) for invoice in (first, second)] == [["pending"], ["pending"]]


def test_notes_are_found_in_a_database_that_was_restored_into_a_younger_cluster(rows: Rows) -> None:
    rows.run("update facteur.installation set notes_seen = '4000000000:4000000000:'")
    rows.finish()

    assert rows.look().opened == 1
    assert rows.value("select pg_snapshot_xmax(notes_seen) < '4000000000'::xid8 from facteur.installation")


def test_notes_of_a_younger_cluster_that_nobody_looked_at_in_time_are_found_by_the_daily_count(rows: Rows) -> None:
    current = int(rows.value("select pg_current_xact_id()::text"))
    rows.run(
        "update facteur.installation set notes_seen = %(ahead)s::pg_snapshot", ahead=f"{current + 50}:{current + 50}:"
    )
    rows.finish()
    for _ in range(60):
        rows.run("select pg_current_xact_id()")
    assert rows.look().opened == 0, "this is what must not last"

    rows.run("select facteur.note_forgotten()")

    assert rows.look().opened == 1


def test_nobody_walks_over_notes_that_an_old_snapshot_keeps(rows: Rows) -> None:
    old = rows.session()
    old.rows("begin isolation level repeatable read")
    old.rows("select 1")
    rows.run("insert into facteur.changes (invoice_ids) select array['gone'] from generate_series(1, 20000)")
    rows.run("delete from facteur.changes")
    rows.finish()
    rows.look()
    rows.run("vacuum analyze facteur.changes")

    plan = rows.value("explain (analyze, buffers, format json) select facteur.any_note(facteur.notes_seen())")

    assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 50
