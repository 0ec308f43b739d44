"""What a person does to one submission: allowed or refused with a sentence, recorded with who and why, never a blind resend."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from local.world.postgres import as_worker
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

STATES = ["pending", "sending", "in_doubt", "submitted", "closed", "rejected", "failed"]
SIGNED = ("--why", "the bank called", "--who", "jane@desk", "--yes")
ALLOWED = {  # act -> state -> state afterwards
    "retry": {"pending": "pending", "in_doubt": "in_doubt", "rejected": "rejected", "failed": "failed"},
    "reject": {"in_doubt": "rejected", "failed": "rejected"},
    "adopt": {"pending": "submitted", "in_doubt": "submitted", "rejected": "submitted", "failed": "submitted"},
}
REFUSED = {
    ("retry", "sending"): "is being worked on: try again in ",
    ("retry", "submitted"): "it is not sent again",
    ("retry", "closed"): "it is not sent again",
    ("reject", "pending"): "Nothing was sent yet",
    ("reject", "sending"): "is being worked on",
    ("reject", "submitted"): "only what failed or is in doubt",
    ("reject", "closed"): "only what failed or is in doubt",
    ("reject", "rejected"): "only what failed or is in doubt",
    ("adopt", "sending"): "is being worked on",
    ("adopt", "submitted"): "only what failed, was rejected, is in doubt, or is pending",
    ("adopt", "closed"): "only what failed, was rejected, is in doubt, or is pending",
}
CASES = [(act, state) for act in ALLOWED for state in STATES]


@pytest.fixture
def operator(database_url: str) -> Operator:
    """A person whose role may do what the functions do, as the deployed stack's may."""
    return Operator(as_worker(database_url))


@pytest.mark.parametrize(("name", "state"), CASES)
def test_each_act_in_each_state_is_done_or_refused_with_a_sentence(
    rows: Rows, operator: Operator, name: str, state: str
) -> None:
    invoice = arranged(rows, state)

    said = act(operator, name, invoice)

    if (name, state) in REFUSED:
        assert (said.code, REFUSED[name, state] in said.err) == (2, True), said.err
        assert (rows.submission(invoice).state, operations(rows)) == (state, [])
    else:
        assert said.code == 0, said.err
        assert rows.submission(invoice).state == ALLOWED[name][state]
        assert operations(rows) == [(name, "jane@desk", "the bank called", invoice)]


@pytest.mark.parametrize(("name", "state"), CASES)
def test_a_dry_run_says_the_same_and_changes_nothing(rows: Rows, operator: Operator, name: str, state: str) -> None:
    invoice = arranged(rows, state)
    before = everything(rows)

    said = act(operator, name, invoice, "--dry-run")

    assert everything(rows) == before
    assert said.code == (2 if (name, state) in REFUSED else 0)


@pytest.mark.parametrize(("name", "state"), [case for case in CASES if case not in REFUSED])
def test_an_act_that_is_done_twice_does_no_more_than_once(
    rows: Rows, operator: Operator, name: str, state: str
) -> None:
    invoice = arranged(rows, state)
    act(operator, name, invoice)
    once = (rows.states(invoice), rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id)

    again = act(operator, name, invoice)

    assert again.code == (0 if name == "retry" else 2)
    assert (rows.states(invoice), rows.invoice(invoice).technical_status, rows.invoice(invoice).submission_id) == once


@pytest.mark.parametrize(("state", "opened"), [("rejected", "pending"), ("failed", "in_doubt")])
def test_a_retry_opens_a_new_submission_by_the_relay_and_in_doubt_where_an_outcome_is_unknown(
    rows: Rows, operator: Operator, state: str, opened: str
) -> None:
    invoice = arranged(rows, state)

    said = act(operator, "retry", invoice)
    assert rows.invoice(invoice).technical_status == "pending"
    rows.look()

    assert rows.states(invoice) == [state, opened]
    assert ("looked up before anything is sent" in said.out) == (opened == "in_doubt")


@pytest.mark.parametrize("state", ["pending", "in_doubt"])
def test_a_retry_of_what_waits_makes_it_due_now_and_nothing_else(rows: Rows, operator: Operator, state: str) -> None:
    invoice = arranged(rows, state)
    rows.run("update facteur.submissions set due_at = facteur.now() + interval '1 day', queued_at = facteur.now()")
    before = rows.submission(invoice)

    act(operator, "retry", invoice)

    after = rows.submission(invoice)
    assert (after.queued_at, after.due_at < before.due_at) == (None, True)
    assert changed(before, after) == {"due_at", "queued_at", "updated_at"}


def test_a_retry_of_a_row_that_would_not_be_ready_is_refused_and_says_what_it_lacks(
    rows: Rows, operator: Operator
) -> None:
    invoice = arranged(rows, "failed")
    rows.update(invoice, document_uri=None)
    before = everything(rows)

    said = act(operator, "retry", invoice)

    assert said.code == 2
    assert "it has no document" in said.err
    assert everything(rows) == before


def test_a_retry_first_delivers_a_verdict_that_is_still_under_way(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    trigger_that_raises(rows)
    rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")
    refused = act(operator, "retry", invoice)
    rows.run("drop trigger no on invoicing.invoices")

    said = act(operator, "retry", invoice)
    rows.look()
    rows.write_back()

    assert "has not even its last verdict" in refused.err
    assert said.code == 0
    assert (rows.states(invoice), rows.invoice(invoice).technical_status) == (["rejected", "pending"], "pending")


def test_a_failure_that_was_retried_needs_nobody_any_more(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")
    assert operator.ask("status")["accounts"][0]["states"] == {"failed": 1}

    act(operator, "retry", invoice)
    rows.look()

    assert operator.ask("status")["accounts"][0]["states"] == {"in_doubt": 1}
    assert operator.ask("list", "--state", "failed")["invoices"] == []


def test_a_doubt_that_a_person_rejected_is_looked_up_first_when_its_row_asks_again(
    rows: Rows, operator: Operator
) -> None:
    invoice = arranged(rows, "in_doubt")

    said = act(operator, "reject", invoice)
    assert "the platform may have it" in said.out
    assert rows.invoice(invoice).technical_status == "rejected"
    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.states(invoice) == ["rejected", "in_doubt"]
    assert rows.value("select outcome from facteur.attempts") == "unknown"


def test_a_rejection_whose_row_is_locked_is_written_to_it_later(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")
    trigger_that_raises(rows)

    said = act(operator, "reject", invoice)
    rows.run("drop trigger no on invoicing.invoices")
    rows.advance(60)
    rows.write_back()

    assert "could not be written yet" in said.out
    assert rows.invoice(invoice).technical_status == "rejected"


def test_what_was_adopted_is_written_to_the_row_and_followed(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")

    act(operator, "adopt", invoice)

    row, adopted = rows.invoice(invoice), rows.submission(invoice)
    assert (row.technical_status, row.submission_id) == ("validated", "P-ADOPTED")
    assert (adopted.platform_id, adopted.finalized_at) == ("P-ADOPTED", None)
    assert rows.run("select outcome, platform_id, message from facteur.attempts") == [
        ("accepted", "P-ADOPTED", "adopted by jane@desk")
    ]
    rows.advance(10)
    assert [each.platform_id for each in rows.run("select * from facteur.claim_status_updates(10, 60)")] == [
        "P-ADOPTED"
    ]


def test_an_adoption_without_an_attempt_records_one(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "pending")

    act(operator, "adopt", invoice)

    (attempt,) = rows.run("select * from facteur.attempts")
    assert (attempt.outcome, attempt.platform_id, attempt.invoice_number) == (
        "accepted", "P-ADOPTED", rows.submission(invoice).invoice_number,
    )  # fmt: skip


def test_a_refused_rejection_names_the_number_that_was_typed(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    number = rows.submission(invoice).invoice_number

    said = operator.run("reject", number, *SIGNED)

    assert f"Invoice {number} (id {invoice}) is submitted" in said.err


def test_a_deposit_of_another_invoice_is_never_adopted_not_even_unverified(rows: Rows, operator: Operator) -> None:
    other, invoice = rows.noted(), rows.noted()
    rows.reach(other, "submitted")
    rows.reach(invoice, "failed")
    taken = rows.submission(other).platform_id

    said = operator.run("adopt", f"id:{invoice}", taken, "--unverified", *SIGNED)

    assert said.code == 2
    assert f"another invoice's: id:{other} holds it" in said.err
    assert rows.submission(invoice).state == "failed"


def test_another_deposit_than_the_one_that_the_platform_answered_with_is_not_adopted(
    rows: Rows, operator: Operator
) -> None:
    invoice = arranged(rows, "failed")
    rows.run("update facteur.attempts set outcome = 'accepted', platform_id = 'P-FIRST'")

    said = act(operator, "adopt", invoice)

    assert "P-FIRST" in said.err
    assert rows.submission(invoice).state == "failed"


@pytest.mark.parametrize("name", ["retry", "reject", "adopt"])
def test_an_act_on_an_old_submission_beside_a_live_one_is_refused(rows: Rows, operator: Operator, name: str) -> None:
    invoice = arranged(rows, "rejected")
    old = rows.submission(invoice).id
    rows.update(invoice, technical_status="pending")
    rows.look()
    statement = {
        "retry": "select facteur.retry(%(id)s, '{}')", "reject": "select facteur.reject(%(id)s, '{}')",
        "adopt": "select facteur.adopt(%(id)s, '{\"platform_id\": \"P\"}', '{}')",
    }[name]  # fmt: skip

    with pytest.raises(Exception, match="has another submission by now"):
        rows.run(statement, id=old)


@pytest.mark.parametrize("name", list(ALLOWED))
def test_an_act_while_a_look_up_holds_the_lease_is_refused(rows: Rows, operator: Operator, name: str) -> None:
    invoice = arranged(rows, "in_doubt")
    rows.claim(invoice)

    said = act(operator, name, invoice)

    assert "is being worked on: try again in " in said.err
    assert rows.submission(invoice).lease_token


@pytest.mark.parametrize("name", list(ALLOWED))
def test_an_act_waits_for_the_relay_that_holds_the_row(rows: Rows, operator: Operator, name: str) -> None:
    invoice = arranged(rows, "in_doubt")
    relay = rows.session()
    relay.rows("begin")
    relay.rows("select * from facteur.pick_due(10, 6000, true)")

    with rows.in_background(lambda: act(operator, name, invoice)) as acting:
        rows.wait_for_blocked()
        relay.rows("select facteur.mark_queued(array(select id from facteur.submissions))")
        relay.rows("commit")

    assert acting.result().code == 0
    assert rows.submission(invoice).state == ALLOWED[name]["in_doubt"]
    assert rows.submission(invoice).queued_at is None


@pytest.mark.parametrize("name", list(ALLOWED))
def test_an_act_that_waits_for_a_claim_then_sees_the_lease(rows: Rows, operator: Operator, name: str) -> None:
    invoice = arranged(rows, "in_doubt")
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    worker = rows.session()
    worker.rows("begin")
    items = json.dumps([{"id": submission.id, "tries": submission.tries}])
    worker.rows("select * from facteur.claim(%(items)s::jsonb, 60, 60000, true)", {"items": items})

    with rows.in_background(lambda: act(operator, name, invoice)) as acting:
        rows.wait_for_blocked()
        worker.rows("commit")

    assert "is being worked on" in acting.result().err
    assert operations(rows) == []


@pytest.mark.parametrize("name", ["retry", "adopt"])
def test_two_people_who_act_at_once_do_one_thing(rows: Rows, operator: Operator, name: str) -> None:
    invoice = arranged(rows, "failed")
    first = rows.session()
    first.rows("begin")
    statement = {
        "retry": "select facteur.retry(%(id)s, %(act)s)", "adopt": "select facteur.adopt(%(id)s, '{\"platform_id\": \"P-1\"}', %(act)s)"
    }[name]  # fmt: skip
    signed = json.dumps({"operation": name, "who": "x", "why": "y"})
    first.rows(statement, {"id": rows.submission(invoice).id, "act": signed})

    with rows.in_background(lambda: act(operator, name, invoice)) as acting:
        rows.wait_for_blocked()
        first.rows("commit")
    rows.look()

    assert acting.result().code == (0 if name == "retry" else 2)
    assert rows.states(invoice) == (["failed", "in_doubt"] if name == "retry" else ["submitted"])


def test_the_late_answer_of_an_adopted_deposit_changes_nothing(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    late = rows.claim(invoice)
    rows.advance(61)
    rows.relay.end_expired_leases()
    act(operator, "adopt", invoice)

    rows.record(invoice, late, "submitted", "accepted", platform_id="P-ADOPTED")

    assert rows.states(invoice) == ["submitted"]
    assert rows.submission(invoice).platform_id == "P-ADOPTED"


def test_a_word_that_names_several_invoices_is_refused(rows: Rows, operator: Operator) -> None:
    first, second = arranged(rows, "failed"), rows.finish()
    rows.update(second, invoice_number=first)
    rows.look()

    said = operator.run("retry", first, *SIGNED)

    assert said.code == 2
    assert f"say which one of id:{first}, id:{second}" in said.err


@pytest.mark.parametrize(("answer", "state"), [("y\n", "rejected"), ("n\n", "failed"), ("", "failed")])
def test_an_act_asks_first_and_without_an_answer_does_nothing(
    rows: Rows, operator: Operator, answer: str, state: str
) -> None:
    invoice = arranged(rows, "failed")

    said = operator.run("reject", f"id:{invoice}", "--why", "x", answer=answer)

    assert said.code == (0 if state == "rejected" else 2)
    assert rows.submission(invoice).state == state


def test_an_act_without_a_reason_is_refused(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")

    assert operator.run("reject", f"id:{invoice}", "--yes").code == 2
    assert operator.run("reject", f"id:{invoice}", "--yes", "--why", " ").code == 2
    assert rows.submission(invoice).state == "failed"


def test_who_is_by_default_the_person_at_the_machine(rows: Rows, operator: Operator) -> None:
    operator.run("reject", f"id:{arranged(rows, 'failed')}", "--yes", "--why", "x")

    assert "@" in rows.value("select who from facteur.operations")


def test_what_people_did_is_part_of_the_story_and_can_not_be_changed(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")
    act(operator, "reject", invoice)

    (story,) = operator.ask("show", f"id:{invoice}")["stories"]

    said = {"what": "reject", "detail": "by jane@desk: the bank called"}
    assert said in [{"what": each["what"], "detail": each["detail"]} for each in story["happenings"]]
    for change in ("delete from facteur.operations", "update facteur.operations set why = 'y'"):
        with pytest.raises(Exception, match="23001"):
            rows.run(change)


def arranged(rows: Rows, state: str) -> str:
    invoice = rows.noted()
    rows.claim(invoice) if state == "sending" else rows.reach(invoice, state)
    return invoice


def act(operator: Operator, name: str, invoice: str, *more: str) -> Printed:
    given = ["P-ADOPTED", "--unverified"] if name == "adopt" else []
    return operator.run(name, f"id:{invoice}", *given, *SIGNED, *more)


def operations(rows: Rows) -> list[Any]:
    found = rows.run("select operation, who, why, invoice_id from facteur.operations order by id")
    return [tuple(each) for each in found]


def everything(rows: Rows) -> list[Any]:
    tables = ("facteur.submissions", "facteur.attempts", "facteur.operations", "facteur.changes", "invoicing.invoices")
    return [rows.run(f"select * from {table} order by id") for table in tables]


def changed(before: Any, after: Any) -> set[str]:
    return {name for name in before._fields if getattr(before, name) != getattr(after, name)}


def trigger_that_raises(rows: Rows) -> None:
    rows.run("create function public.no() returns trigger language plpgsql as 'begin raise ''no''; end'")
    rows.run("create trigger no before update on invoicing.invoices for each row execute function public.no()")


def test_the_question_names_the_installation_and_an_exported_stack_is_not_asked(
    rows: Rows, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTEUR_STACK", "production")
    invoice = arranged(rows, "failed")

    said = operator.run("retry", f"id:{invoice}", "--why", "why not", answer="n\n")

    assert said.code == 2
    assert re.match(r"On \S+ at \S+:\d+: \S+ \(id", said.err), said.err
    assert "password" not in said.err


def test_the_command_that_show_suggests_can_be_copied(rows: Rows, operator: Operator) -> None:
    invoice = arranged(rows, "failed")

    command = operator.ask("show", f"id:{invoice}")["stories"][0]["help"]
    said = operator.run(*shlex.split(command)[1:], "--yes")

    assert said.code == 0, said.err
