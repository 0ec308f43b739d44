"""Personal data go when their time is over; what proves a deposit, and keeps it from being made again, stays."""

from __future__ import annotations

import pytest

from facteur.errors import ConfigurationError, DatabaseUnavailableError
from facteur.postgres.database import Database
from local.sam import ROOT
from local.world.postgres import as_worker
from tests.rows import Rows

ALSO_ON_DEBIAN = True
DAY = 86400
FORGET = "select * from facteur.forget_personal_data((facteur.now() - interval '30 days')::date, 'the time is over')"
SAID = """
update facteur.attempts set response = '{"seller": "Mme Durand"}', message = 'Mme Durand is unknown',
    platform_id = coalesce(platform_id, 'P-0');
update facteur.submissions set last_error_message = 'Mme Durand is unknown' where finalized_at is not null;
insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, occurred_at, message, raw, reason)
select 'S-' || id, id, 'P-' || id, '210', 'REFUSED', 'Refusée', facteur.now(), 'ask Mme Durand', '{"message": "Mme Durand"}', 'DEST_ERR'
from facteur.submissions;
insert into facteur.unmatched_statuses (status_id, account, platform_id, code, event, recorded_at)
values ('X-1', 'default', 'P-X', '200', '{}', facteur.now())
"""
KEPT = """
select (select jsonb_agg(to_jsonb(a) - 'response' - 'message' order by a.id) from facteur.attempts a) as attempts,
       (select jsonb_agg(to_jsonb(e) - 'raw' - 'message' order by e.id) from facteur.status_events e) as statuses,
       (select jsonb_agg(to_jsonb(s) - 'last_error_message' order by s.id) from facteur.submissions s) as submissions
"""
EVERYTHING = """
select concat((select jsonb_agg(a) from facteur.attempts a where invoice_id = %(id)s),
              (select jsonb_agg(e) from facteur.status_events e
               where submission_id in (select s.id from facteur.submissions s where s.invoice_id = %(id)s)),
              (select jsonb_agg(s) from facteur.submissions s where invoice_id = %(id)s))
"""


def ended(rows: Rows, state: str) -> str:
    invoice = rows.noted()
    rows.reach(invoice, state)
    return invoice


@pytest.mark.parametrize("state", ["closed", "rejected", "failed"])
def test_words_about_an_invoice_that_ended_long_ago_are_blanked_and_nothing_else_changes(
    rows: Rows, state: str
) -> None:
    invoice = ended(rows, state)
    rows.run("update facteur.submissions set write_back_due_at = null")
    rows.run(SAID)
    kept = rows.run(KEPT)
    rows.advance(60 * DAY)

    (done,) = rows.run(FORGET)

    assert "Durand" not in rows.value(EVERYTHING, id=invoice)
    assert rows.run(KEPT) == kept
    assert (done.attempts_blanked, done.statuses_blanked, done.errors_blanked, done.unmatched_deleted) == (1, 1, 1, 1)


def test_what_is_under_way_or_young_keeps_its_words(rows: Rows) -> None:
    waiting, young = ended(rows, "submitted"), rows.noted()
    rows.run(SAID)
    rows.advance(60 * DAY)
    rows.reach(young, "rejected")
    rows.run("update facteur.submissions set last_error_message = 'Mme Durand' where invoice_id = %(id)s", id=young)

    (done,) = rows.run(FORGET)

    assert "Durand" in rows.value(EVERYTHING, id=waiting)
    assert "Durand" in rows.value(EVERYTHING, id=young)
    assert (done.attempts_blanked, done.statuses_blanked, done.errors_blanked) == (0, 0, 0)


def test_an_invoice_that_was_sent_again_since_keeps_the_words_of_its_first_time(rows: Rows) -> None:
    invoice = ended(rows, "rejected")
    rows.run(SAID)
    rows.advance(60 * DAY)
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert rows.states(invoice) == ["rejected", "pending"]

    (done,) = rows.run(FORGET)

    assert done.attempts_blanked == 0


def test_a_forgotten_invoice_is_not_deposited_again_whoever_touches_it(rows: Rows) -> None:
    invoice = ended(rows, "closed")
    rows.run(SAID)
    rows.advance(60 * DAY)
    rows.run(FORGET)

    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.states(invoice) == ["closed"]


def test_it_is_on_the_record_who_forgot_and_why(rows: Rows) -> None:
    rows.run(FORGET)

    (act,) = rows.run("select * from facteur.operations")

    assert (act.operation, act.why) == ("forget_personal_data", "the time is over")
    assert act.who == rows.value("select session_user::text")
    assert set(act.detail) == {"before", "attempts", "statuses", "errors", "unmatched_statuses"}


@pytest.mark.parametrize("before", ["null", "facteur.now()::date + 1"])
def test_a_day_that_is_not_over_is_refused(rows: Rows, before: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match="InvalidParameterValue"):
        rows.run(f"select facteur.forget_personal_data({before}, 'why')")


def test_the_worker_may_not_forget(rows: Rows) -> None:
    worker = Database(lambda: {"dsn": as_worker(rows.url)})

    with pytest.raises(ConfigurationError, match="lacks a right"):
        worker.rows(FORGET)

    worker.close()


@pytest.mark.parametrize("outcome", [None, "unknown"])
def test_an_attempt_that_a_dead_worker_left_open_is_blanked_once_its_invoice_is_over(
    rows: Rows, outcome: str | None
) -> None:
    invoice = ended(rows, "rejected")
    rows.run("update facteur.submissions set write_back_due_at = null")
    rows.run(SAID)
    rows.run("update facteur.attempts set ended_at = null, outcome = %(outcome)s", outcome=outcome)
    rows.advance(60 * DAY)

    (done,) = rows.run(FORGET)

    assert "Durand" not in rows.value(EVERYTHING, id=invoice)
    assert done.attempts_blanked == 1


WORDS = """
select c.table_name as relation, c.column_name as name, c.data_type as kind from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where table_schema = 'facteur' and t.table_type = 'BASE TABLE' and c.is_generated = 'NEVER' and c.data_type in ('text', 'jsonb')
"""
QUOTED = "Bearer eyJhbGciOi.Mme-Durand"


def _left(rows: Rows) -> set[str]:
    """Every column of ours in which what was planted can still be read."""
    return {
        f"{column.relation}.{column.name}" for column in rows.run(WORDS)
        if rows.value(f"select count(*) from facteur.{column.relation} where {column.name}::text like '%%Durand%%'")
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("state", ["closed", "rejected"])
def test_the_page_names_every_column_that_keeps_what_it_said(rows: Rows, state: str) -> None:
    invoice = ended(rows, state)
    rows.run(SAID)
    rows.run(
        "insert into facteur.changes (invoice_ids, due_at, error) values (array[%(id)s], 'infinity', 'x')", id=invoice
    )
    rows.run("update facteur.submissions set write_back_due_at = null, write_back_error = 'x'")
    rows.run("insert into facteur.operations (who, why, operation) values ('jane', 'why', 'retry')")
    rows.run("alter table facteur.operations disable trigger user")
    planted = set()
    for column in rows.run(WORDS):
        value = "to_jsonb(%(text)s::text)" if column.kind == "jsonb" else "%(text)s"
        if (column.relation, column.name) not in KEYS and column.relation in OF_AN_INVOICE:
            rows.run(f"update facteur.{column.relation} set {column.name} = {value}", text=QUOTED)
            planted.add(f"{column.relation}.{column.name}")
    rows.advance(60 * DAY)
    assert planted <= _left(rows)  # and what the triggers noted of it

    rows.run(FORGET)

    page = (ROOT / "docs/security.md").read_text()
    left = _left(rows)
    assert {name for name in left if f"`{name}`" not in page} == set()
    assert left & BLANKED == set()
    assert planted >= BLANKED
    for relation in {row.relation for row in rows.run(WORDS)} - OF_AN_INVOICE - {"unmatched_statuses"}:
        assert f"`{relation}`" in page, "holds nothing of a single invoice, says the page"


def test_a_row_that_shows_an_error_for_what_was_objected_keeps_showing_it(rows: Rows) -> None:
    """And what the platform objected before is nothing new when it says it again."""
    invoice = ended(rows, "closed")
    rows.run(
        "update facteur.submissions set objection_code = 'contradictory_statuses', objection = 'Mme Durand took it', "
        "mismatch = 'Mme Durand took it', write_back_due_at = facteur.now()"
    )
    assert rows.write_back() == (1, 0)
    rows.advance(60 * DAY)

    (done,) = rows.run(FORGET)
    again = rows.run(FORGET)[0]
    newly = rows.value(
        'select facteur.object_to(s, \'{"code": "contradictory_statuses", "text": "Mme Durand took it"}\') from facteur.submissions s'
    )
    rows.update(invoice, currency="EUR")
    rows.look()
    rows.write_back()

    assert (done.errors_blanked, again.errors_blanked, newly) == (1, 0, False)
    assert _left(rows) == set()
    assert rows.invoice(invoice).technical_status == "error"
    assert rows.submission(invoice).mismatch == "(forgotten)"


BLANKED = {
    "attempts.response", "attempts.message", "status_events.raw", "status_events.message", "changes.error",
    "submissions.last_error_message", "submissions.write_back_error", "submissions.objection", "submissions.mismatch",
}  # fmt: skip
OF_AN_INVOICE = {"submissions", "attempts", "status_events", "changes", "operations"}
KEYS = {("submissions", "invoice_id"), ("submissions", "state"), ("attempts", "invoice_id"), ("attempts", "outcome")}
