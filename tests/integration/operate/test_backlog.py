"""submit-backlog: exactly the old rows that a person means; preview: what would be sent, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from facteur.postgres.database import Database
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

OLD = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status, technical_status)
values (%(number)s, '732829320', %(day)s, 100, 'EUR', %(uri)s, %(status)s, %(technical_status)s) returning id::text
"""
SIGNED = ("--why", "the backlog of July", "--who", "jane@desk", "--yes")


@pytest.fixture
def operator(owner: Operator) -> Operator:
    """The worker lowers no first day."""
    return owner


@pytest.fixture
def lived(rows: Rows) -> Rows:
    """An installation whose first day is the first of September."""
    rows.run("update facteur.installation set submit_from = '2026-09-01'")
    return rows


def old(
    rows: Rows, number: str, day: str, *, status: str = "final", technical_status: str | None = None, uri: str | None = "s3://b/f.pdf"
) -> str:  # fmt: skip
    values = {"number": number, "day": day, "status": status, "technical_status": technical_status, "uri": uri}
    return str(rows.value(OLD, **values))


def backlog(operator: Operator, *filters: str) -> Printed:
    return operator.run("submit-backlog", *filters, "--apply", *SIGNED)


def test_the_preview_counts_sums_and_says_what_is_lacking_and_changes_nothing(lived: Rows, operator: Operator) -> None:
    old(lived, "F-1", "2026-07-01")
    old(lived, "F-2", "2026-07-31", uri=None)
    old(lived, "F-0", "2026-06-30")
    before = lived.run("select * from invoicing.invoices order by id")

    answer = operator.ask("submit-backlog", "--since", "2026-07-01", "--until", "2026-07-31")

    assert answer == {
        "invoices": 1, "skipped": 1, "totals": {"EUR": "100"}, "first": "F-1", "last": "F-1", "without_document": 1, "without_number": 0,
        "without_seller": 0, "submit_from": "2026-09-01", "also_ready": 0,
    }  # fmt: skip
    assert lived.run("select * from invoicing.invoices order by id") == before
    assert str(lived.value("select submit_from from facteur.installation")) == "2026-09-01"


def test_exactly_the_rows_of_the_filter_are_submitted(lived: Rows, operator: Operator) -> None:
    wanted = [old(lived, "F-1", "2026-07-01"), old(lived, "F-2", "2026-07-31")]
    for number, day in (("F-0", "2026-06-30"), ("F-3", "2026-08-01")):
        old(lived, number, day)
    old(lived, "F-4", "2026-07-15", technical_status="validated")

    result = backlog(operator, "--since", "2026-07-01", "--until", "2026-07-31")
    lived.look()
    lived.run("update invoicing.invoices set total = total")  # somebody touches every row
    lived.look()

    assert result.code == 0, result.err
    assert sorted(lived.noted_invoices()) == sorted(wanted)
    assert lived.value("select count(*) from invoicing.invoices where technical_status = 'pending'") == 2


def test_drafts_and_rows_without_a_document_stay_as_they_are(lived: Rows, operator: Operator) -> None:
    good, draft, bare = (
        old(lived, "F-1", "2026-07-01"), old(lived, "F-2", "2026-07-02", status="draft"), old(lived, "F-3", "2026-07-03", uri=None),
    )  # fmt: skip

    result = backlog(operator, "--since", "2026-07-01")

    assert "1 old invoice is pending" in result.out
    assert "2 would not have been ready" in result.out
    assert [lived.invoice(each).technical_status for each in (good, draft, bare)] == ["pending", None, None]
    assert lived.invoice(draft).last_technical_update is None


@pytest.mark.slow
def test_the_preview_counts_what_apply_submits_over_several_portions(lived: Rows, operator: Operator) -> None:
    many = OLD.replace("values (%(number)s", "select n::text").replace(
        "%(status)s", "case when n % 200 = 0 then 'draft' else %(status)s end", 1
    )
    lived.run(
        many.replace("_status)s)", "_status)s from generate_series(1, 1203) n").replace("n % 200", "n %% 200"),
        day="2026-07-01", uri="s3://b/f.pdf", status="final", technical_status=None,
    )  # fmt: skip

    found = operator.ask("submit-backlog", "--since", "2026-07-01")
    shown = operator.run("submit-backlog", "--since", "2026-07-01", "--limit", "600")
    result = backlog(operator, "--since", "2026-07-01")

    assert (found["invoices"], found["skipped"], found["first"], found["last"]) == (1197, 6, "1", "1203")
    assert found["totals"] == {"EUR": "119700"}
    assert "597 old invoices" in shown.out
    assert "3 more would not be ready" in shown.out
    assert "1,197 old invoices are pending" in result.out


def test_the_preview_says_that_rows_which_say_pending_stop_the_whole(lived: Rows, operator: Operator) -> None:
    old(lived, "F-2", "2026-08-01", technical_status="pending")

    result = operator.run("submit-backlog", "--since", "2026-07-01")

    assert "1 row says pending already: without --include-pending nothing is submitted" in result.out


@pytest.mark.slow
def test_a_backlog_goes_in_portions_and_what_was_interrupted_goes_on_where_it_stood(
    lived: Rows, operator: Operator
) -> None:
    many = OLD.replace("values (%(number)s", "select n::text").replace(
        "_status)s)", "_status)s from generate_series(1, 1203) n"
    )
    lived.run(many, day="2026-07-01", uri="s3://b/f.pdf", status="final", technical_status=None)

    first = backlog(operator, "--since", "2026-07-01", "--limit", "502")
    second = backlog(operator, "--since", "2026-07-01")

    assert "502 old invoices are pending" in first.out
    assert "701 old invoices are pending" in second.out
    assert lived.look().opened == 1203
    assert lived.value("select count(*) from facteur.operations where detail ? 'submitted'") == 2 + 2


def test_a_backlog_that_is_submitted_twice_is_submitted_once(lived: Rows, operator: Operator) -> None:
    invoice = old(lived, "F-1", "2026-07-01")

    backlog(operator, "--since", "2026-07-01")
    lived.look()
    lived.reach(invoice, "submitted")
    again = backlog(operator, "--since", "2026-07-01")
    lived.look()

    assert "0 old invoices are pending" in again.out
    assert lived.states(invoice) == ["submitted"]


def test_rows_that_say_pending_already_are_refused_unless_they_are_meant(lived: Rows, operator: Operator) -> None:
    chosen = old(lived, "F-1", "2026-07-01")
    beside = old(lived, "F-2", "2026-08-01", technical_status="pending")
    old(lived, "F-3", "2026-08-01", technical_status="pending", status="draft")

    refused = backlog(operator, "--since", "2026-07-01", "--until", "2026-07-31")
    assert (refused.code, lived.look().opened) == (2, 0)
    meant = backlog(operator, "--since", "2026-07-01", "--until", "2026-07-31", "--include-pending")
    lived.look()

    assert "1 row says pending already" in refused.err
    assert meant.code == 0
    assert "1 old invoice is pending" in meant.out
    assert "1 row says pending already: submitted as well" in meant.out
    assert lived.noted_invoices() == sorted([chosen, beside])


def test_a_dry_run_submits_nothing_also_with_apply(lived: Rows, operator: Operator) -> None:
    old(lived, "F-1", "2026-07-01")

    result = backlog(operator, "--since", "2026-07-01", "--dry-run")

    assert "1 old invoice, F-1 to F-1" in result.out
    assert lived.look().opened == 0


def test_the_function_itself_refuses_to_lower_the_first_day_over_pending_rows(lived: Rows) -> None:
    old(lived, "F-2", "2026-08-01", technical_status="pending")

    with pytest.raises(Exception, match="1 rows say pending already"):
        lived.run("select facteur.lower_submit_from('2026-07-01', false, '{}')")

    assert str(lived.value("select submit_from from facteur.installation")) == "2026-09-01"


def test_the_first_day_is_lowered_and_never_raised_and_recorded(lived: Rows, operator: Operator) -> None:
    old(lived, "F-1", "2026-07-01")
    backlog(operator, "--since", "2026-07-01")

    backlog(operator, "--since", "2026-08-01")

    assert str(lived.value("select submit_from from facteur.installation")) == "2026-07-01"
    recorded = (
        "select who, why, operation, detail->>'submit_from' as day from facteur.operations where detail ? 'submit_from'"
    )
    assert lived.run(recorded) == [("jane@desk", "the backlog of July", "submit-backlog", "2026-07-01")]


def test_a_row_that_somebody_holds_ends_the_portion_and_nothing_of_it_is_done(lived: Rows, operator: Operator) -> None:
    old(lived, "F-1", "2026-07-01")
    locked = old(lived, "F-2", "2026-07-02")
    trigger = "begin if new.id = {} then raise lock_not_available; end if; return new; end"
    lived.run(f"create function public.no() returns trigger language plpgsql as '{trigger.format(locked)}'")
    lived.run("create trigger no before update on invoicing.invoices for each row execute function public.no()")

    result = backlog(operator, "--since", "2026-07-01")

    assert f"Somebody holds the row of invoice {locked}" in result.err
    assert lived.value("select count(*) from invoicing.invoices where technical_status is not null") == 0


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (("--since", "July"), "July is no date: YYYY-MM-DD"),
        (("--since", "2026-13-01"), "2026-13-01 is no date: YYYY-MM-DD"),
        (("--since", "2026-07-02", "--until", "2026-07-01"), "--until 2026-07-01 is before --since 2026-07-02"),
        (("--since", "2026-07-01", "--limit", "0"), "--limit must be at least 1"),
        (("--since", "2026-07-01", "--account", "nix"), "There is no account nix; there are: default."),
        (("--since", "2026-07-01", "--apply", "--yes"), "add --why"),
        (("--since", "2026-07-01", "--apply", "--why", "x"), "nobody said yes"),
    ],
)
def test_a_backlog_that_nobody_answers_for_is_refused(
    lived: Rows, operator: Operator, arguments: tuple[str, ...], result: str
) -> None:
    invoice = old(lived, "F-1", "2026-07-01")

    answer = operator.run("submit-backlog", *arguments)

    assert (answer.code, result in answer.err) == (2, True)
    assert lived.invoice(invoice).technical_status is None


def test_preview_shows_what_waits_and_what_is_wrong_with_it(rows: Rows, operator: Operator) -> None:
    good, no_seller, taken_back = rows.noted(), rows.noted(), rows.noted()
    rows.update(no_seller, seller_siren="12")
    rows.look()
    rows.update(taken_back, status="draft")

    answer = operator.ask("preview")

    problems = {each["invoice_id"]: each["problem"] for each in answer["invoices"]}
    assert problems[good] is None
    assert problems[no_seller] == "it has no seller_siren (nine digits)"
    assert "not ready any more" in problems[taken_back]
    assert (answer["pending"], answer["totals"]) == (3, {"EUR": "360"})


def test_preview_fetches_documents_and_says_what_is_wrong_with_each(
    rows: Rows, operator: Operator, tmp_path: Path
) -> None:
    good, missing, broken = rows.noted(), rows.noted(), rows.noted()
    for name, content in ((good, b"%PDF-1.7"), (broken, b"hello")):
        (tmp_path / name).write_bytes(content)
        rows.update(name, document_uri=(tmp_path / name).as_uri())
    rows.update(missing, document_uri=(tmp_path / "gone").as_uri())

    result = operator.run("preview", "--documents", "--json")

    assert result.code == 1
    problems = {each["invoice_id"]: each["problem"] for each in operator.ask("preview", "--documents")["invoices"]}
    assert problems[good] is None
    assert "nothing lies at document_uri yet" in problems[missing]
    assert "neither PDF nor XML" in problems[broken]
    assert rows.value("select count(*) from facteur.attempts") == 0


def test_preview_of_nothing_is_well(rows: Rows, operator: Operator) -> None:
    result = operator.run("preview")

    assert (result.code, "nothing waits" in result.out) == (0, True)


def test_a_view_that_does_not_show_the_status_has_no_backlog(database: Database, operator: Operator) -> None:
    view: Any = database.row("select pg_get_viewdef('facteur.invoice_source'::regclass)")[0]
    database.rows("drop view facteur.invoice_source")
    database.rows("create view facteur.invoice_source as " + re.sub(r"\S*technical_status,\n", "", view, count=1))

    result = operator.run("submit-backlog", "--since", "2026-07-01")

    assert result.code == 2
    assert "does not show technical_status" in result.err
