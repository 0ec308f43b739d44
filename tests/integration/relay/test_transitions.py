"""What happened is noted where it happens, once, and never rewritten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facteur.errors import StatementRefusedError
from tests.operator import Operator
from tests.rows import Rows

OF = "select subject, from_state, to_state, reason, platform_id, by_whom from facteur.transitions where invoice_id = %(id)s order by id"


def noted(rows: Rows, invoice: str, subject: str) -> list[Any]:
    return [each for each in rows.run(OF, id=invoice) if each.subject == subject]


def failing_twice(rows: Rows, invoice: str, code: str) -> None:
    """The same failure twice in a row."""
    for _ in range(2):
        rows.record(invoice, rows.claim(invoice), "pending", "not_deposited", error_code=code, error_message="down")
        rows.advance(7200)
        rows.look()


def test_a_deposit_that_is_not_found_has_been_unknown_before(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "in_doubt", "unknown", error_code="timeout", error_message="no answer")
    rows.advance(60)
    rows.record(invoice, rows.claim(invoice), "pending")

    (story,) = operator.ask("show", f"id:{invoice}")["stories"]

    assert [(each.from_state, each.to_state) for each in noted(rows, invoice, "attempt")] == [
        (None, "unknown"),
        ("unknown", "not_found"),
    ]
    whats = [each["what"] for each in story["happenings"]]
    assert whats.index("deposit unknown") < whats.index("deposit, so far unknown, is not found")


def test_a_retry_that_comes_to_the_same_is_noted_once(rows: Rows) -> None:
    invoice = rows.noted()

    failing_twice(rows, invoice, "platform_unreachable")
    failing_twice(rows, invoice, "account_refused")

    found = [(each.to_state, each.reason) for each in noted(rows, invoice, "submission")]
    assert found == [("pending", None), ("pending", "platform_unreachable"), ("pending", "account_refused")]


def test_what_the_row_shows_and_what_it_did_not_take_is_noted(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run("alter table invoicing.invoices add constraint no check (technical_status <> 'validated') not valid")
    rows.reach(invoice, "submitted")
    rows.run("alter table invoicing.invoices drop constraint no")
    rows.advance(60)
    rows.write_back()

    found = [(each.from_state, each.to_state, each.reason) for each in noted(rows, invoice, "write_back")]

    assert found == [("pending", "not taken", "23514"), ("pending", "validated", None)]
    words = rows.run("select detail from facteur.transitions where subject = 'write_back'")
    assert [each.detail for each in words] == [None, None]  # an error of the company's may quote her row


def test_who_did_it_stands_with_what_he_did(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "failed")

    operator.run("reject", f"id:{invoice}", "--who", "jane@desk", "--why", "it is void", "--yes")
    operator.run("pause", "default", "--who", "jane@desk", "--why", "a restore", "--yes")
    operator.run("resume", "default", "--who", "joe@desk", "--why", "it is done", "--yes")

    assert noted(rows, invoice, "submission")[-1][2:] == ("rejected", "rejected_by_person", None, "jane@desk")
    account = rows.run(
        "select from_state, to_state, reason, by_whom from facteur.transitions where subject = 'account' order by id"
    )
    assert [tuple(each) for each in account] == [
        ("open", "paused", "hold", "jane@desk"),
        ("paused", "open", None, "joe@desk"),
    ]


def test_a_story_has_the_pauses_of_its_account_until_it_is_deposited(rows: Rows, operator: Operator) -> None:
    waiting, deposited = rows.noted(), rows.noted()
    rows.reach(deposited, "submitted")
    rows.advance(60)
    operator.run("pause", "default", "--who", "jane@desk", "--why", "a restore", "--yes")
    operator.run("resume", "default", "--who", "jane@desk", "--why", "it is done", "--yes")

    stories = {each: operator.ask("show", f"id:{each}")["stories"][0]["happenings"] for each in (waiting, deposited)}

    assert [each["what"] for each in stories[waiting]][-2:] == ["account default waits", "account default goes on"]
    assert not any("account default" in each["what"] for each in stories[deposited])


def test_a_submission_that_is_withdrawn_leaves_its_story(rows: Rows) -> None:
    invoice = rows.noted()
    rows.queued(invoice)

    rows.run("select facteur.withdraw(%(id)s)", id=rows.submission(invoice).id)

    assert [each.to_state for each in noted(rows, invoice, "submission")] == ["pending", "withdrawn"]


@pytest.mark.parametrize(
    "change",
    [
        "delete from facteur.transitions",
        "update facteur.transitions set to_state = 'closed'",
        "update facteur.transitions set detail = 'otherwise'",
        "update facteur.transitions set at = '2026-01-01'",
    ],
)
def test_nothing_that_was_noted_is_changed(rows: Rows, change: str) -> None:
    rows.reach(rows.noted(), "failed")

    with pytest.raises(StatementRefusedError, match="23001"):
        rows.run(change)


def test_words_about_what_is_long_over_are_forgotten_and_the_rest_stays(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "failed")
    before = noted(rows, invoice, "submission")
    rows.advance(40 * 86400)

    rows.run("select facteur.forget_personal_data((facteur.now() - interval '1 day')::date, 'by law')")

    assert noted(rows, invoice, "submission") == before
    assert (
        rows.value(
            "select count(*) from facteur.transitions where invoice_id = %(id)s and detail is not null", id=invoice
        )
        == 0
    )


def test_no_statement_moves_a_row_past_it(rows: Rows) -> None:
    """Not even one of an administrator's."""
    invoice = rows.noted()

    rows.run(
        "update facteur.submissions set state = 'in_doubt', doubt_since = facteur.now(), last_error_code = 'by_hand' "
        "where invoice_id = %(id)s",
        id=invoice,
    )

    assert noted(rows, invoice, "submission")[-1][2:4] == ("in_doubt", "by_hand")


def test_statuses_move_a_story_on(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    update = {
        "submission_id": rows.submission(invoice).id,
        "platform_id": rows.submission(invoice).platform_id,
        "events": [],
    }

    rows.run(
        "select facteur.record_status_update(%(update)s::jsonb)",
        update=json.dumps(update | {"decided_on": 0, "move": {"state": "closed"}}),
    )

    assert [each.to_state for each in noted(rows, invoice, "submission")] == ["pending", "submitted", "closed"]
