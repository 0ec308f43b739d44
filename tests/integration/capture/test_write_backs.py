"""The company hears each verdict, whatever its row and its triggers do, and what the write-back itself writes starts nothing."""

from __future__ import annotations

import json

import pytest

from local.world.postgres import as_worker
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

RAISES = """
create function invoicing.refuse() returns trigger language plpgsql as $$ begin {}; return new; end $$;
create {} trigger refuse {} on invoicing.invoices {} for each row execute function invoicing.refuse()
"""
REFUSALS = {
    "a trigger that raises": ("raise exception 'no'", "", "before update", ""),
    "a trigger that asserts": ("assert false, 'no'", "", "before update", ""),
    "a trigger that is cancelled": ("raise sqlstate '57014' using message = 'no'", "", "after update", ""),
    "a trigger that raises at commit": (
        "raise exception 'no'",
        "constraint",
        "after update",
        "deferrable initially deferred",
    ),
}
VERDICTS = {
    "pending": "pending",
    "submitted": "validated",
    "closed": "validated",
    "rejected": "rejected",
    "failed": "error",
}


def pending(rows: Rows) -> str:
    """A finished invoice with a pending submission."""
    invoice = rows.finish()
    rows.look()
    return invoice


@pytest.mark.parametrize(("state", "verdict"), VERDICTS.items())
def test_the_row_shows_the_verdict_and_what_that_wrote_is_nothing_new(rows: Rows, state: str, verdict: str) -> None:
    invoice = pending(rows)

    rows.reach(invoice, state)

    assert rows.invoice(invoice).technical_status == verdict
    assert rows.invoice(invoice).submission_id == rows.submission(invoice).platform_id
    assert rows.notes() == []
    assert rows.submission(invoice).write_back_due_at is None


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
def test_a_company_trigger_that_raises_loses_no_record_and_is_asked_again(rows: Rows, refusal: tuple[str, ...]) -> None:
    invoice = pending(rows)
    rows.run(RAISES.format(*refusal))

    rows.reach(invoice, "submitted")
    assert rows.submission(invoice).state == "submitted"
    assert rows.submission(invoice).write_back_error.endswith(": no")
    assert rows.invoice(invoice).technical_status == "pending"
    rows.run("drop trigger refuse on invoicing.invoices")
    rows.advance(10)

    assert rows.write_back() == (1, 0)
    assert rows.invoice(invoice).technical_status == "validated"
    assert rows.submission(invoice).write_back_error is None


def test_a_write_back_that_stays_refused_is_asked_less_and_less_often_and_holds_up_no_other(rows: Rows) -> None:
    poison, sound = pending(rows), pending(rows)
    rows.run(
        RAISES.format(f"if new.id = {poison} then raise exception 'no'; end if", *REFUSALS["a trigger that raises"][1:])
    )
    rows.reach(poison, "submitted")
    rows.run("update facteur.submissions set write_back_due_at = facteur.now() where invoice_id = %(id)s", id=sound)
    rows.advance(7)

    assert rows.write_back() == (1, 1)
    rows.advance(7)

    assert rows.write_back() == (0, 0)
    assert rows.submission(poison).write_back_due_at is not None


def test_a_locked_row_delays_the_verdict_and_nothing_else(rows: Rows) -> None:
    invoice = pending(rows)
    editor = rows.session()
    editor.rows("begin")
    editor.rows("update invoicing.invoices set total = 5 where id = %(id)s", {"id": invoice})

    rows.reach(invoice, "rejected")
    assert rows.submission(invoice).state == "rejected"
    editor.rows("commit")

    assert rows.look().opened == 0  # its "pending" is older than the verdict
    assert rows.states(invoice) == ["rejected"]
    rows.advance(10)
    assert rows.write_back() == (1, 0)
    rows.advance(120)
    assert rows.look().opened == 0
    assert rows.invoice(invoice).technical_status == "rejected"


@pytest.mark.parametrize(
    ("state", "stale", "healed"),
    [
        ("sending", "validated", "pending"),
        ("in_doubt", "error", "pending"),
        ("submitted", "pending", "validated"),
        ("submitted", "rejected", "validated"),
        ("submitted", None, "validated"),
        ("closed", "pending", "validated"),
        ("rejected", "validated", "rejected"),
        ("failed", "validated", "error"),
    ],
)
def test_a_stale_status_saved_by_an_orm_is_put_right_and_deposits_nothing(
    rows: Rows, state: str, stale: str | None, healed: str
) -> None:
    invoice = pending(rows)
    rows.reach(invoice, state)

    rows.update(invoice, technical_status=stale, total=121)
    assert rows.look().opened == 0
    assert rows.write_back() == (1, 0)

    assert rows.invoice(invoice).technical_status == healed
    assert rows.states(invoice) == [state]
    assert rows.look().repeated == 0


def test_an_invoice_taken_back_before_anything_was_sent_is_not_put_back(rows: Rows) -> None:
    invoice = pending(rows)

    rows.update(invoice, technical_status="on hold")
    rows.look()
    rows.write_back()

    assert rows.invoice(invoice).technical_status == "on hold"
    with rows.relay.pick_due(10) as due:
        due.mark_queued(due.submission_ids)
    (waiting,) = rows.submissions.read(due.submission_ids)
    assert waiting.invoice is not None
    assert not waiting.invoice.ready


@pytest.mark.parametrize(("state", "again"), [("rejected", "pending"), ("failed", "in_doubt")])
def test_pending_after_a_verdict_means_once_more_but_a_doubt_stays_one(rows: Rows, state: str, again: str) -> None:
    invoice = pending(rows)
    rows.reach(invoice, state)

    rows.update(invoice, technical_status="pending")

    assert rows.look().opened == 1
    assert rows.states(invoice) == [state, again]


def test_a_failure_before_any_attempt_starts_over_as_pending(rows: Rows) -> None:
    invoice = pending(rows)
    rows.run("select facteur.mark_queued(array_agg(id)) from facteur.submissions")
    move = '{"submission_id": %s, "move": {"state": "failed", "error_code": "no_number"}}'
    rows.run("select facteur.record_unclaimed(%(o)s::jsonb)", o=move % rows.submission(invoice).id)
    assert rows.invoice(invoice).technical_status == "error"

    rows.update(invoice, technical_status="pending")

    assert rows.look().opened == 1
    assert rows.states(invoice) == ["failed", "pending"]


def test_a_company_trigger_that_keeps_its_own_value_makes_no_circle(rows: Rows) -> None:
    invoice = pending(rows)
    rows.run(RAISES.format("new.technical_status := 'ours'", "", "before update", ""))

    rows.reach(invoice, "submitted")

    assert rows.submission(invoice).write_back_error.startswith("FR004")
    assert rows.look().notes == 0
    assert rows.write_back() == (0, 0)


def test_what_the_companys_trigger_does_to_another_invoice_is_noticed(rows: Rows) -> None:
    invoice, other = pending(rows), rows.finish()
    rows.update(other, status="draft")
    rows.look()
    finish = f"update invoicing.invoices set status = 'final' where id = {other} and status <> 'final'"
    rows.run(RAISES.format(finish, "", "after update", ""))

    rows.reach(invoice, "submitted")

    assert rows.notes() == [[other]]
    assert rows.look().opened == 1


def test_a_write_back_deletes_no_note_of_somebody_else(rows: Rows) -> None:
    invoice = pending(rows)
    writer = rows.session()
    writer.rows("begin")
    writer.rows("insert into facteur.changes (invoice_ids) values (array[%(id)s])", {"id": invoice})

    rows.reach(invoice, "submitted")
    writer.rows("commit")

    assert rows.notes() == [[invoice]]


def test_an_invoice_that_is_gone_needs_no_telling(rows: Rows) -> None:
    invoice = pending(rows)
    rows.run("delete from invoicing.invoices")

    rows.reach(invoice, "submitted")

    assert rows.submission(invoice).write_back_due_at is None


def test_write_status_gets_each_entry_once_and_again_only_if_the_write_back_was_refused(rows: Rows) -> None:
    invoice = pending(rows)
    rows.reach(invoice, "submitted")
    rows.run("create table invoicing.history (code text)")
    rows.run(
        "create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) "
        "returns void language sql as 'insert into invoicing.history values ($2)'"
    )
    rows.run(
        "insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, occurred_at) "
        "select n, s.id, s.platform_id, n, n, n, facteur.now() from unnest(array['200', '201']) n, facteur.submissions s "
        "where s.id = %(id)s",
        id=rows.submission(invoice).id,
    )
    rows.run(RAISES.format(*REFUSALS["a trigger that raises at commit"]))

    assert rows.value("select facteur.try_write_back(id) from facteur.submissions") is False
    assert rows.value("select count(*) from invoicing.history") == 0
    rows.run("drop trigger refuse on invoicing.invoices")
    rows.advance(3600)
    assert rows.write_back() == (1, 0)

    rows.run("select facteur.try_write_back(id) from facteur.submissions")
    assert [row.code for row in rows.run("select code from invoicing.history order by code")] == ["200", "201"]


# --- a rejection whose reason comes later -----------------------------------------------------------------------------

WITHOUT_STATUS = """
drop view facteur.invoice_source;
create view facteur.invoice_source as
select id as invoice_id, status = 'final' as ready, document_uri, invoice_number, seller_siren, issue_date, total from invoicing.invoices
"""
READY_BY_A_STATUS_NOT_SHOWN = WITHOUT_STATUS.replace("'final'", "'final' and technical_status = 'pending'")
HISTORY_THAT_RAISES = """
create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz)
    returns void language plpgsql as 'begin raise exception ''no''; end'
"""


def rejected_without_a_reason(rows: Rows) -> str:
    """An invoice that the search alone shows as rejected."""
    invoice = pending(rows)
    rows.reach(invoice, "submitted")
    submission = rows.submission(invoice)
    shown = {"id": submission.id, "platform_id": submission.platform_id, "code": "213", "is_status": True}
    shown |= {"due_in": 60, "rank": 0, "over": False}
    rows.run("select facteur.record_sweep('default', %(shown)s::jsonb)", shown=json.dumps([shown]))
    move = {"state": "rejected", "error_code": "reason_not_known", "error_message": "no reason yet"}
    update_status(rows, submission, [], move)
    assert rows.invoice(invoice).technical_status == "rejected"
    return invoice


def reason_comes(rows: Rows, invoice: str) -> None:
    statement = "select * from facteur.submissions where invoice_id = %(id)s order by id limit 1"
    (submission,) = rows.run(statement, id=invoice)
    named = {"status_id": "st-213", "code": "213", "platform_code": "213", "label": "Rejetée", "raw": {}}
    event: dict[str, object] = {**named, "occurred_at": "2026-10-01T10:00:00Z", "reason": "VALIDATION_FAILURE"}
    move = {"state": "rejected", "error_code": "VALIDATION_FAILURE", "error_message": "line 3"}
    update_status(rows, submission, [event], move)
    (after,) = rows.run(statement, id=invoice)
    assert (after.state, after.last_error_code) == ("rejected", "VALIDATION_FAILURE")


def update_status(rows: Rows, submission: object, events: list[dict[str, object]], move: dict[str, str]) -> None:
    update = {"submission_id": submission.id, "platform_id": submission.platform_id, "events": events}  # type: ignore[attr-defined]
    update |= {"move": move, "decided_on": len(events), "asked_by": "nobody"}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))


@pytest.mark.parametrize("view", ["", READY_BY_A_STATUS_NOT_SHOWN], ids=["shows the status", "shows none"])
def test_a_reason_that_comes_before_the_relay_looks_is_not_written_over_the_owners_pending(
    rows: Rows, view: str
) -> None:
    rows.run(view or "select 1")
    invoice = rejected_without_a_reason(rows)

    rows.update(invoice, technical_status="pending", total=121)
    reason_comes(rows, invoice)
    assert rows.look().opened == 1

    assert rows.invoice(invoice).technical_status == "pending"
    assert rows.states(invoice) == ["rejected", "pending"]
    assert rows.value("select count(*) from facteur.status_events where written_at is null") == 0


def test_nor_is_it_when_its_write_back_is_repeated(rows: Rows) -> None:
    invoice = rejected_without_a_reason(rows)
    rows.run(HISTORY_THAT_RAISES)
    reason_comes(rows, invoice)
    assert rows.submission(invoice).write_back_due_at is not None

    rows.update(invoice, technical_status="pending", total=121)
    rows.look()
    rows.run(HISTORY_THAT_RAISES.replace("raise exception ''no'';", ""))
    rows.advance(3600)
    assert rows.write_back() == (1, 0)
    rows.look()

    assert rows.states(invoice) == ["rejected", "pending"]


def test_a_rejection_that_an_orm_overwrote_is_written_again_with_its_reason(rows: Rows) -> None:
    invoice = rejected_without_a_reason(rows)

    rows.update(invoice, technical_status="validated")
    rows.look()
    reason_comes(rows, invoice)

    assert rows.invoice(invoice).technical_status == "rejected"


def test_a_reason_that_comes_after_a_retry_does_not_withdraw_what_it_opens(rows: Rows) -> None:
    rows.run(WITHOUT_STATUS)
    invoice = rejected_without_a_reason(rows)
    since = rows.submission(invoice).finalized_at

    result = Operator(as_worker(rows.url)).run("retry", f"id:{invoice}", "--yes", "--why", "the buyer is there now")
    rows.advance(1)
    reason_comes(rows, invoice)
    assert rows.submission(invoice).finalized_at == since
    rows.look()

    assert result.code == 0, result.err
    assert rows.claim(invoice).verdict == "claimed"
