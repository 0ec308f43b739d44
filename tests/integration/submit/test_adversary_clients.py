"""What an adversary found about accounts and clients that change, and statements that waited for each other."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from local.measure.ground import add_invoices, work_off
from local.world.levers import World
from tests.rows import CLAIM, Rows
from tests.two_accounts import FIRST, SECOND, deposited_by

LEASE = 160
LEASE_OVER = 61


def test_the_same_bytes_are_not_sent_for_another_row_of_another_account(two: World) -> None:
    two.simulator.script(FIRST, ["lost_answer"])
    add_invoices(two, 1)
    work_off(two)
    two.database.rows("update invoicing.invoices set id = id + 1000, account = 'second'")
    for _ in range(12):
        two.advance(LEASE)
        work_off(two)

    assert len(deposited_by(two)) == 1


def test_an_account_whose_secret_is_spoilt_keeps_no_other_from_depositing(two: World) -> None:
    add_invoices(two, 1, "second")
    work_off(two)
    two.simulator.rotate_secret("new", SECOND["client_id"])
    two.simulator.revoke_tokens(SECOND["client_id"])
    two.put_secret("second", {"client_id": SECOND["client_id"]})  # spoilt
    add_invoices(two, 1, "second")
    work_off(two)
    two.advance(3000)
    add_invoices(two, 1, "second")
    add_invoices(two, 1)
    two.relay()
    two.submit()

    states = two.database.rows("select account, state, last_error_code from facteur.submissions order by id")
    assert [s.state for s in states] == ["submitted", "pending", "pending", "submitted"], states


def test_a_late_failure_and_a_claim_of_the_same_doubt_do_not_deadlock(rows: Rows) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    s = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=s.id)
    rows.run("update facteur.budgets set failures = 1 where key = 'account:default'")
    holder, recorder, claimer = rows.session(), rows.session(), rows.session()
    outcome = {
        "submission_id": s.id,
        "account": "default",
        "lease_token": claim.lease_token,
        "answered": True,
        "move": {"state": "submitted", "platform_id": "P-1"},
        "attempt": {"id": claim.attempt_id, "outcome": "accepted", "platform_id": "P-1"},
    }
    with ThreadPoolExecutor(2) as pool:
        with holder.transaction():
            holder.rows("select from facteur.submissions where id = %(id)s for update", {"id": s.id})
            first = pool.submit(claimer.rows, CLAIM, {"items": json.dumps([{"id": s.id, "tries": s.tries}])})
            rows.wait_for_blocked(1)
            second = pool.submit(recorder.rows, "select facteur.record(%(o)s::jsonb)", {"o": json.dumps(outcome)})
            rows.wait_for_blocked(2)
        print(first.exception(), second.exception())
        assert second.exception() is None
        assert first.exception() is None


def test_a_doubt_is_not_looked_up_with_another_client_after_a_re_pin(two: World) -> None:
    two.simulator.script(FIRST, ["lost_answer"])
    add_invoices(two, 1)
    work_off(two)
    two.put_secret("default", SECOND)
    two.new_container()
    two.database.rows("update facteur.accounts set pin = null where name = 'default'")  # as README says
    for _ in range(12):
        two.advance(LEASE)
        work_off(two)

    assert len(deposited_by(two)) == 1


def test_the_company_hears_of_a_refusal_beside_a_doubt(rows: Rows) -> None:
    rows.run("create table public.written (code text)")
    rows.run(
        "create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, "
        "occurred_at timestamptz) returns void language sql as 'insert into public.written values ($2)'"
    )
    invoice = rows.noted()
    first = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    rows.record(invoice, rows.claim(invoice), "pending")
    rows.record(invoice, rows.claim(invoice), "submitted", "accepted", platform_id="P-2", due_in_seconds=5)
    rows.record(invoice, first, "in_doubt", "unknown", error_code="timeout")
    s = rows.submission(invoice)
    event = {
        "status_id": "1",
        "code": "213",
        "platform_code": "REJECTED",
        "label": "Rejetée",
        "occurred_at": "2026-10-01T10:00:00Z",
        "raw": {},
    }
    update = {
        "submission_id": s.id,
        "platform_id": "P-2",
        "events": [event],
        "newest": {"code": "213", "at": event["occurred_at"]},
        "move": {"state": "rejected", "error_code": "213", "error_message": "no"},
    }
    rows.run("select * from facteur.record_status_update(%(n)s::jsonb)", n=json.dumps(update))
    assert [r.code for r in rows.run("select code from public.written")] == ["213"]


def test_an_account_corrected_on_a_row_that_is_taken_back_leaves_nothing_overdue(two: World) -> None:
    add_invoices(two, 1, "secnod")
    work_off(two)
    two.database.rows("update invoicing.invoices set account = 'third', status = 'draft'")
    for _ in range(4):
        two.advance(LEASE)
        work_off(two)
    two.advance(7200)
    assert two.database.rows("select from facteur.submissions where due_at < facteur.now()") == []


def test_what_cannot_be_sent_and_a_claim_of_its_other_message_do_not_deadlock(rows: Rows) -> None:
    invoice = rows.noted()
    waiting = rows.queued(invoice)
    s = rows.submission(invoice)
    outcome = {
        "submission_id": s.id,
        "account": "default",
        "tries": 0,
        "was": "pending",
        "pause_seconds": 300,
        "move": {"state": "pending", "due_in_seconds": 300, "error_code": "x", "error_message": "y"},
    }
    item = {"id": s.id, "tries": s.tries, "sha256": "ab" * 32, "invoice_number": "F", "seller_siren": "732829320"}
    holder, recorder, claimer = rows.session(), rows.session(), rows.session()
    with ThreadPoolExecutor(2) as pool, holder.transaction():
        holder.rows("select from facteur.submissions where id = %(id)s for update", {"id": s.id})
        first = pool.submit(claimer.rows, CLAIM, {"items": json.dumps([item])})
        rows.wait_for_blocked(1)
        second = pool.submit(recorder.rows, "select facteur.record_unclaimed(%(o)s::jsonb)", {"o": json.dumps(outcome)})
        rows.wait_for_blocked(2)
    assert (waiting is not None, first.exception(), second.exception()) == (True, None, None)
