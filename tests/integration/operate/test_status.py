"""facteur status: one screen that says all is well, or what is not and which command helps."""

from __future__ import annotations

import json

import pytest

from tests.operator import Operator
from tests.rows import Rows


def test_a_working_installation_is_well(rows: Rows, operator: Operator) -> None:
    both_ran(rows)
    rows.reach(opened(rows), "submitted")

    result = operator.run("status")

    assert result.code == 0
    assert "all is well" in result.out


def test_what_needs_a_person_is_named_with_the_command_that_helps(rows: Rows, operator: Operator) -> None:
    both_ran(rows)
    rows.reach(opened(rows), "failed")
    rows.run("select facteur.pause('account:default', 3600, 'HTTP_403')")

    result = operator.run("status")

    assert result.code == 1
    assert "1 invoice failed" in result.out
    assert "facteur list --state failed" in result.out
    assert "facteur resume default" in result.out


def test_a_failure_that_was_corrected_is_history(rows: Rows, operator: Operator) -> None:
    both_ran(rows)
    invoice = opened(rows)
    rows.reach(invoice, "failed")
    rows.update(invoice, technical_status="pending")
    rows.look()

    rows.relay.vitals()  # as each run of the relay does

    assert operator.run("status").code == 0
    assert operator.ask("list", "--state", "failed")["invoices"] == []
    assert rows.value("select count(*) from facteur.health where state = 'failed'") == 0


def test_a_relay_and_a_poll_that_are_silent_are_reported(rows: Rows, operator: Operator) -> None:
    never = operator.ask("status")
    both_ran(rows)
    rows.advance(600)

    silent = operator.ask("status")

    assert [each["what"] for each in never["troubles"]] == [
        "relay_submissions has never run",
        "poll_statuses has never run",
    ]
    assert "has not run for 10 minutes" in silent["troubles"][0]["what"]


def test_what_waits_while_deposits_are_off_is_not_overdue(rows: Rows, operator: Operator) -> None:
    opened(rows)
    rows.advance(7200)
    rows.store(deposits_enabled=False).begin_run()
    rows.run("update facteur.installation set poll_began_at = facteur.now()")

    answer = operator.ask("status")

    assert answer["installation"]["deposits_enabled"] is False
    assert answer["accounts"][0]["states"] == {"pending": 1}
    assert [each["what"] for each in answer["troubles"]] == ["1 waits for deposits to be enabled"]


def test_an_invoice_that_is_not_deposited_for_days_is_reported_also_while_deposits_are_off(
    rows: Rows, operator: Operator
) -> None:
    opened(rows, issued_days_ago=9)
    rows.store(deposits_enabled=False).begin_run()
    rows.run("update facteur.installation set poll_began_at = facteur.now()")

    before = operator.ask("status")["troubles"]
    rows.advance(24 * 3600)
    rows.store(deposits_enabled=False).begin_run()
    rows.run("update facteur.installation set poll_began_at = facteur.now()")
    after, off = operator.ask("status")["troubles"]

    assert before == []
    assert after["what"] == "an invoice that was issued 10 days ago is not deposited"
    assert "facteur list --state pending" in after["help"]
    assert off["what"] == "1 waits for deposits to be enabled"


def test_what_is_late_and_what_holds_it_up_is_on_the_screen(rows: Rows, operator: Operator) -> None:
    opened(rows)
    rows.advance(600)
    both_ran(rows)
    rows.run("select facteur.take_permits('default', 15, 180)")
    quiet = operator.run("status")
    rows.run("update facteur.budgets set probing = true where key = 'account:default'")
    open_breaker = operator.run("status")

    assert "overdue: for 10 min" in quiet.out
    assert "breaker: closed" in quiet.out
    assert "budget: 0 % used" not in quiet.out
    assert "breaker: open (default)" in open_breaker.out


@pytest.mark.slow
def test_each_answer_of_watch_is_a_line_for_a_program(rows: Rows, operator: Operator) -> None:
    both_ran(rows)

    result = operator.run("watch", "--for", "2.5", "--json")

    assert result.code == 0
    assert [json.loads(line)["troubles"] for line in result.out.splitlines()] == [[], []]


def test_without_a_place_to_work_at_it_says_what_to_give(operator: Operator) -> None:
    result = Operator("").run("status")

    assert result.code == 2
    assert "--stack" in result.err


def test_a_database_that_does_not_answer_is_one_sentence_and_not_a_traceback() -> None:
    result = Operator("postgresql://nobody@127.0.0.1:1/none").run("status")

    assert result.code == 2
    assert "no connection" in result.err


def both_ran(rows: Rows) -> None:
    rows.relay.begin_run()
    rows.run("update facteur.installation set poll_began_at = facteur.now()")


def opened(rows: Rows, issued_days_ago: int = 0) -> str:
    invoice = rows.finish()
    rows.update(invoice, issue_date=days_ago(rows, issued_days_ago))
    rows.look()
    return invoice


def days_ago(rows: Rows, days: int) -> str:
    """The day of Paris so many days ago."""
    return str(rows.value(f"select (facteur.now() at time zone 'Europe/Paris')::date - {int(days)}"))
