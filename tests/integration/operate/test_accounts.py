"""A person's pause, which nothing but a person or the time ends; and the pin of an account."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import facteur
from local.world.postgres import as_worker
from tests.operator import Operator
from tests.rows import Rows

SIGNED = ("--why", "a restore", "--who", "jane@desk", "--yes")
PUT_OFF = """
update facteur.submissions set due_at = facteur.now() + interval '1 hour', last_error_code = %(cause)s, queued_at = null, lease_until = null
where invoice_id = %(id)s
"""
REFUSED = re.compile(r'AccountRefusedError\(\s*[Pp]roblem\((?:answer, )?"(\w+)"')
CLAIM = "select * from facteur.claim_status_updates(10, 60)"


@pytest.fixture
def operator(database_url: str) -> Operator:
    """A person whose role may do what the functions do."""
    return Operator(as_worker(database_url))


def test_a_pause_stops_deposits_look_ups_and_statuses_of_its_account_alone(rows: Rows, operator: Operator) -> None:
    waiting, doubtful, followed = rows.noted(), rows.noted(), rows.noted()
    rows.reach(doubtful, "in_doubt")
    rows.reach(followed, "submitted")
    other_account(rows, waiting)
    rows.advance(100)

    assert operator.run("pause", "default", *SIGNED).code == 0

    assert queued(rows) == [rows.submission(waiting).id]
    assert rows.run(CLAIM) == []
    assert rows.run("select * from facteur.accounts_to_pull()") == []
    assert rows.value("select account from facteur.next_sweep(false, 200)") is None


def test_what_was_already_on_the_queue_is_not_claimed_either(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()

    operator.run("pause", "default", *SIGNED)

    assert rows.claim(invoice).verdict == "postponed"


@pytest.mark.parametrize("answered", [True, False])
def test_no_answer_and_no_breaker_ends_a_persons_pause(rows: Rows, operator: Operator, answered: bool) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.run("update facteur.budgets set probing = true, failures = 9 where key = 'account:default'")
    operator.run("pause", "default", *SIGNED)

    rows.run("select facteur.note_answered('default', %(answered)s)", answered=answered)
    rows.run("select facteur.pause('account:default', 1, 'too_many_requests')")
    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1")
    rows.advance(100_000)

    assert rows.submission(invoice).state == "submitted"  # what was under way ends
    assert rows.run(CLAIM) == []
    assert keeps(rows) is True


def test_a_pause_for_a_while_ends_by_itself(rows: Rows, operator: Operator) -> None:
    rows.noted()
    operator.run("pause", "default", "--for", "2h", *SIGNED)

    rows.advance(7190)
    assert queued(rows) == []
    rows.advance(20)

    assert len(queued(rows)) == 1


def test_a_pause_shows_in_status_with_who_and_why_until_it_is_resumed(rows: Rows, operator: Operator) -> None:
    rows.noted()
    rows.relay.begin_run()
    rows.run("update facteur.installation set poll_began_at = facteur.now()")
    rows.run("update facteur.submissions set issue_date = facteur.now()")  # else its deadline is reported, too
    operator.run("pause", "default", *SIGNED)

    paused = operator.run("status")
    operator.run("resume", "default", *SIGNED)

    assert paused.code == 1
    assert "default: paused by jane@desk until somebody resumes it: a restore → facteur resume default" in paused.out
    assert operator.run("status").code == 0
    assert [each.operation for each in rows.run("select operation from facteur.operations order by id")] == [
        "pause",
        "resume",
    ]


def test_resume_also_ends_an_automatic_pause_and_closes_the_breaker(rows: Rows, operator: Operator) -> None:
    rows.noted()
    for _ in range(5):
        rows.run("select facteur.note_answered('default', false)")
    assert queued(rows) == []

    operator.run("resume", "default", *SIGNED)

    assert len(queued(rows)) == 1
    assert rows.run("select probing, failures from facteur.budgets where key = 'account:default'") == [(False, 0)]


@pytest.mark.parametrize("state", ["pending", "in_doubt"])
def test_resume_brings_forward_what_any_cause_of_the_account_has_put_off(
    rows: Rows, operator: Operator, state: str
) -> None:
    causes = ("too_many_requests", "token_refused", "platform_unreachable")
    invoices = {cause: rows.noted() for cause in (*causes, "document_missing")}
    for cause, invoice in invoices.items():
        rows.reach(invoice, state)
        rows.run(PUT_OFF, id=invoice, cause=cause)
    for cause in causes:  # the last one alone is remembered
        rows.run("select facteur.pause('account:default', 3600, %(cause)s)", cause=cause)

    operator.run("resume", "default", *SIGNED)

    due = rows.run("select last_error_code from facteur.submissions where due_at <= facteur.now()")
    assert sorted(each[0] for each in due) == sorted(causes)


def test_every_code_by_which_an_account_is_refused_is_one_that_resume_brings_forward(rows: Rows) -> None:
    sources = (path.read_text("utf-8") for path in Path(facteur.__file__).parent.rglob("*.py"))
    codes = {code for text in sources for code in REFUSED.findall(text)}

    said = {code: rows.value("select facteur.is_accounts(%(code)s)", code=code) for code in sorted(codes)}

    assert {"secret_malformed", "token_refused", "account_refused"} <= codes
    assert said == dict.fromkeys(codes, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pause", "defualt"), "There is no account defualt; there are: default."),
        (("pause", "default", "--for", "soon"), "'soon' is no duration"),
        (("pause", "default", "--for", "0m"), "a pause takes some time"),
        (("resume", "other"), "There is no account other; there are: default."),
        (("repin", "default"), "Account default has no pin"),
        (("redrive",), "no queue is known here"),
    ],
)
def test_what_makes_no_sense_is_refused(rows: Rows, operator: Operator, arguments: tuple[str, ...], said: str) -> None:
    rows.noted()

    answer = operator.run(*arguments, *SIGNED)

    assert answer.code == 2
    assert said in answer.err
    assert rows.value("select count(*) from facteur.operations") == 0


@pytest.mark.parametrize("name", ["pause", "resume", "repin"])
def test_a_dry_run_changes_nothing(rows: Rows, operator: Operator, name: str) -> None:
    rows.noted()
    rows.run("select facteur.pause('account:default', 900, 'HTTP_403')")
    pin(rows)
    before = everything(rows)

    unverified = ["--unverified"] if name == "repin" else []
    said = operator.run(name, "default", *SIGNED, *unverified, "--dry-run")

    assert said.code == 0
    assert "dry run" in said.out
    assert everything(rows) == before


def test_a_pause_that_is_repeated_replaces_the_first(rows: Rows, operator: Operator) -> None:
    rows.noted()
    operator.run("pause", "default", *SIGNED)

    operator.run("pause", "default", "--for", "1h", *SIGNED)

    rows.advance(3601)
    assert keeps(rows) is False


def test_the_default_account_may_be_paused_before_its_first_invoice(rows: Rows, operator: Operator) -> None:
    operator.run("pause", "default", *SIGNED)

    rows.noted()

    assert queued(rows) == []
    assert "paused by jane@desk" in operator.run("status").out


def test_a_pause_of_an_account_whose_invoices_go_elsewhere_says_so(rows: Rows, operator: Operator) -> None:
    rows.run(
        "insert into facteur.routes (account, since, credentials) values ('default', now() - interval '1 day', 'second')"
    )

    said = operator.run("pause", "default", *SIGNED)

    assert "go to second now: pause that one as well" in said.out
    assert operator.run("pause", "second", *SIGNED).code == 0


def test_a_claim_under_way_and_a_pause_take_turns(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    worker = rows.session()
    worker.rows("begin")
    item = {"id": submission.id, "tries": submission.tries, "sha256": "ab", "invoice_number": "F"}
    worker.rows("select * from facteur.claim(%(items)s::jsonb, 60, 6000, true)", {"items": json.dumps([item])})

    with rows.in_background(lambda: operator.run("pause", "default", *SIGNED)) as pausing:
        rows.wait_for_blocked()
        worker.rows("commit")

    assert pausing.result().code == 0
    assert (rows.submission(invoice).state, keeps(rows)) == ("sending", True)


def test_repin_forgets_the_pin_and_names_the_doubts_that_its_client_left(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "in_doubt")
    old = pin(rows)
    rows.run("update facteur.attempts set platform = %(old)s::jsonb", old=json.dumps(old))

    refused = operator.run("repin", "default", *SIGNED)
    kept = rows.value("select pin from facteur.accounts")
    answer = operator.ask("repin", "default", *SIGNED, "--unverified")

    assert (refused.code, "cannot be compared (unknown here: missing settings: IOPOLE_BASE_URL" in refused.err) == (
        2,
        True,
    )
    assert "ask the deployed stack (--stack NAME), or set them" in refused.err
    assert kept == old

    assert rows.value("select pin from facteur.accounts") is None
    assert (answer["was"], answer["open_doubts"]) == (old, [invoice])
    assert (answer["secret_names"], "unknown here" in answer["secret_problem"]) == (None, True)
    assert rows.value("select detail->'pin' from facteur.operations") == old


def pin(rows: Rows) -> dict[str, str]:
    old = {"provider": "iopole", "base_url": "https://old.example", "client": "0" * 64}
    rows.run("select facteur.pin('default', %(old)s::jsonb)", old=json.dumps(old))
    return old


def other_account(rows: Rows, invoice: str) -> None:
    rows.run("update facteur.submissions set account = 'second' where invoice_id = %(id)s", id=invoice)
    rows.run("insert into facteur.budgets (key) values ('account:second')")


def queued(rows: Rows) -> list[int]:
    return [each[0] for each in rows.run("select * from facteur.pick_due(10, 6000, true)")]


def keeps(rows: Rows) -> Any:
    return rows.value("select facteur.paused(b) from facteur.budgets b where key = 'account:default'")


def everything(rows: Rows) -> list[Any]:
    tables = ("budgets", "installation", "operations", "submissions")
    return [rows.run(f"select t::text from facteur.{table} t order by 1") for table in tables]
