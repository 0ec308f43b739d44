"""facteur show: one invoice's whole story, and what happens next; facteur list: which invoices are how."""

from __future__ import annotations

import json

import pytest

from tests.operator import Operator
from tests.rows import Rows

NEXT = [
    ("pending", "Put onto the queue"),
    ("sending", "A deposit may be under way"),
    ("in_doubt", "Looked up at the platform"),
    ("submitted", "asked for its statuses"),
    ("rejected", "correct the invoice"),
    ("closed", "life cycle is over"),
    ("failed", "a person decides"),
]


@pytest.mark.parametrize(("state", "result"), NEXT)
def test_each_state_says_what_happens_next(rows: Rows, operator: Operator, state: str, result: str) -> None:
    invoice = rows.noted()
    rows.claim(invoice) if state == "sending" else rows.reach(invoice, state)

    (story,) = operator.ask("show", invoice)["stories"]

    assert story["state"] == state
    assert result in story["next_step"]


@pytest.mark.parametrize("state", ["rejected", "failed"])
@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({}, "the relay opens a new submission."),
        ({"document_uri": None}, "and it is not ready: it has no document. It is sent as soon as it is."),
        ({"issue_date": None}, "and it is not ready: it has no issue_date. It is sent as soon as it is."),
    ],
)
def test_a_corrected_invoice_says_what_it_waits_for(
    rows: Rows, operator: Operator, state: str, columns: dict[str, None], result: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state)
    rows.update(invoice, technical_status=" Pending", **columns)

    (story,) = operator.ask("show", invoice)["stories"]

    assert story["next_step"].startswith("Its row says pending again")
    assert story["next_step"].endswith(result)
    assert story["help"] is None


def test_a_row_that_has_not_its_verdict_yet_was_not_corrected(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    holder = rows.session()
    with holder.transaction():
        holder.rows("select from invoicing.invoices where id = %(id)s for update", {"id": invoice})
        rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")

    (story,) = operator.ask("show", invoice)["stories"]

    assert rows.invoice(invoice).technical_status == "pending"
    assert "correct the invoice" in story["next_step"]


@pytest.mark.parametrize("name", ["id:{id}", "number:{number}", "submission_id:{platform}", "{number}", "{platform}"])
def test_an_invoice_is_found_by_its_key_its_number_and_its_submission_id(
    rows: Rows, operator: Operator, name: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    known = rows.submission(invoice)

    result = operator.run("show", name.format(id=invoice, number=known.invoice_number, platform=known.platform_id))

    assert result.code == 0
    assert f"id {invoice} " in result.out


def test_the_timeline_has_attempts_answers_statuses_and_reasons_in_order(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.record(invoice, claim, "in_doubt", "unknown", error_code="timeout", error_message="no answer")
    rows.record(invoice, rows.claim(invoice), "submitted", platform_id="P-1")
    event = {
        "status_id": "S-1", "code": "210", "platform_code": "REFUSED", "label": "Refusée", "caused_by": "BUYER",
        "occurred_at": "2099-01-01T00:00:00Z", "reason": "LEGAL", "message": "The note is missing", "raw": {},
    }  # fmt: skip
    update = {"submission_id": claim.submission_id, "platform_id": "P-1", "events": [event], "newest": {}}
    rows.run(
        "select facteur.record_status_update(%(update)s::jsonb)",
        update=json.dumps(update | {"move": {"state": "closed"}}),
    )

    (story,) = operator.ask("show", "P-1")["stories"]

    result = [each["what"] for each in story["happenings"]]
    assert result[:3] == ["invoice is ready", "deposit attempted", "deposit unknown"]
    assert story["happenings"][-1] | {"at": ""} == {
        "at": "", "what": "210 Refusée", "detail": "LEGAL: The note is missing · by BUYER",
    }  # fmt: skip


def test_a_word_that_names_several_invoices_shows_them_all(rows: Rows, operator: Operator) -> None:
    first, second = rows.noted(), rows.finish()
    rows.update(second, invoice_number=first)
    rows.look()

    answer = operator.ask("show", first)

    assert [each["invoice_id"] for each in answer["stories"]] == [first, second]
    assert [each["account"] for each in answer["stories"]] == ["default", "default"]
    assert len(operator.ask("show", f"id:{first}")["stories"]) == 1


def test_a_row_that_nothing_was_opened_for_is_found_by_key_and_number(rows: Rows, operator: Operator) -> None:
    invoice = rows.finish()
    rows.update(invoice, status="draft", invoice_number="F-DRAFT")

    (story,) = operator.ask("show", "F-DRAFT")["stories"]

    assert (story["invoice_id"], story["state"], story["happenings"]) == (invoice, None, [])
    assert "not show it as ready" in story["next_step"]
    assert operator.ask("show", f"id:{invoice}")["stories"] == [story]


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        (
            {"technical_status": None, "issue_date": "2001-01-02"},
            "technical_status null, not ready: its technical_status is null",
        ),
        ({"status": "draft"}, "not ready: the view's own condition does not hold (is its status final?)"),
        ({"document_uri": None}, "not ready: it has no document"),
        ({"issue_date": "2001-01-01"}, "not ready: its issue_date 2001-01-01 is before submit_from"),
    ],
)
def test_a_row_that_is_not_ready_says_why(
    rows: Rows, operator: Operator, columns: dict[str, str | None], result: str
) -> None:
    invoice = rows.finish()
    rows.run("update facteur.installation set submit_from = '2001-01-02', installed_from = '2001-01-03'")
    rows.update(invoice, **columns)

    assert result in operator.run("show", f"id:{invoice}").out


def test_an_old_row_that_says_nothing_is_submitted_by_the_backlog(rows: Rows, operator: Operator) -> None:
    invoice = rows.finish()
    rows.update(invoice, technical_status=None)

    (story,) = operator.ask("show", f"id:{invoice}")["stories"]

    assert story["help"] == "facteur submit-backlog --since 2026-09-01 --until 2026-09-01"


def test_a_document_that_is_missing_is_to_be_uploaded_unless_the_account_is_paused(
    rows: Rows, operator: Operator
) -> None:
    invoice = rows.noted()
    rows.run("update facteur.submissions set last_error_code = 'document_missing'")

    missing = operator.run("show", f"id:{invoice}").out
    operator.run("pause", "default", "--why", "a restore", "--yes")

    assert "upload it" in missing
    assert "upload it" not in operator.run("show", f"id:{invoice}").out


def test_a_row_on_which_the_view_raises_is_still_a_story(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    view = rows.value("select pg_get_viewdef('facteur.invoice_source'::regclass)").replace(
        "total,", "(1 / (total - 120)) as total,"
    )
    rows.run(f"create or replace view facteur.invoice_source as {view}")

    (story,) = operator.ask("show", f"id:{invoice}")["stories"]

    assert story["state"] == "pending"
    assert story["row"]["problem"] == "facteur.invoice_source raises on it (SQLSTATE 22012)"


def test_a_word_that_names_nothing_is_an_error(operator: Operator, rows: Rows) -> None:
    result = operator.run("show", "F-NONE")

    assert result.code == 2
    assert "no invoice has the id, number, or submission_id 'F-NONE'" in result.err
    assert "no invoice has the id 99999;" in operator.run("show", "id:99999").err


def test_what_a_story_shows_holds_no_document_and_no_raw_answer(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.run("update facteur.attempts set response = 'raw-answer'")

    assert "raw-answer" not in operator.run("show", invoice, "--json").out


def test_a_list_is_filtered_by_state_account_and_day(rows: Rows, operator: Operator) -> None:
    waiting, failed = rows.noted(), rows.noted()
    rows.reach(failed, "failed")

    assert ids(operator, "--state", "failed") == [failed]
    assert ids(operator, "--state", "failed", "--state", "pending") == [failed, waiting]
    assert ids(operator, "--account", "default") == [failed, waiting]
    assert operator.run("list", "--account", "other").code == 2
    assert ids(operator, "--since", "2099-01-01") == []
    assert ids(operator, "--since", "2020-01-01") == [failed, waiting]


def test_a_list_shows_the_youngest_and_says_how_many_more_there_are(rows: Rows, operator: Operator) -> None:
    youngest = [rows.noted() for _ in range(3)][-1]

    answer = operator.ask("list", "--limit", "1")

    assert [each["invoice_id"] for each in answer["invoices"]] == [youngest]
    assert answer["more"] == 2
    assert "and 2 more" in operator.run("list", "--limit", "1").out


def test_rows_that_could_not_be_written_back_are_listed(rows: Rows, operator: Operator) -> None:
    well, unwritten = rows.noted(), rows.noted()
    rows.run("create function public.no() returns trigger language plpgsql as 'begin raise ''no''; end'")
    rows.run("create trigger no before update on invoicing.invoices for each row execute function public.no()")
    rows.reach(unwritten, "submitted")

    answer = operator.ask("list", "--not-written-back")

    assert [each["invoice_id"] for each in answer["invoices"]] == [unwritten]
    assert answer["invoices"][0]["about"] == "P0001: no"
    assert well not in ids(operator, "--not-written-back")


def test_rows_that_ask_for_another_invoice_are_listed(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.update(invoice, invoice_number="F-OTHER", technical_status="pending")
    rows.look()

    answer = operator.ask("list", "--mismatched")

    assert [each["invoice_id"] for each in answer["invoices"]] == [invoice]
    assert "F-OTHER" in answer["invoices"][0]["about"]


@pytest.mark.parametrize(("sign", "shown"), [("\u2011", "\\u2011"), ("\u00a0", "\\xa0"), ("𝟏", "\\U0001d7cf")])
def test_two_numbers_that_look_alike_are_shown_to_the_letter(
    rows: Rows, operator: Operator, sign: str, shown: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    sent = rows.submission(invoice).invoice_number
    rows.update(invoice, invoice_number=f"{sent}{sign}", technical_status="pending")
    rows.look()

    (listed,) = operator.ask("list", "--mismatched")["invoices"]

    assert f"asks for invoice {sent}{shown} of 732829320, and {sent} of 732829320 was sent" in listed["about"]


def test_rows_that_the_mapping_cannot_read_are_listed(rows: Rows, operator: Operator) -> None:
    rows.run("select facteur.note(array['7', '8'], facteur.now() + interval '5 minutes', '22012: division by zero')")

    answer = operator.ask("list", "--unreadable")

    assert [(each["invoice_id"], each["error"]) for each in answer["unreadable"]] == [
        ("7", "22012: division by zero"), ("8", "22012: division by zero"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "result"),
    [
        (["--state", "lost"], "there is no state lost"),
        (["--since", "2026-13-01"], "2026-13-01 is no date: YYYY-MM-DD"),
        (["--limit", "0"], "--limit must be between"),
        (["--unreadable", "--not-written-back"], "exclude each other"),
        (["--unreadable", "--state", "failed"], "takes no other filter"),
    ],
)
def test_a_wrong_filter_is_reported(rows: Rows, operator: Operator, filters: list[str], result: str) -> None:
    answer = operator.run("list", *filters)

    assert answer.code == 2
    assert result in answer.err


@pytest.mark.parametrize("state", ["pending", "in_doubt", "submitted", "rejected", "failed"])
def test_what_holds_an_invoice_comes_before_what_could_be_done(rows: Rows, operator: Operator, state: str) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state)
    freely = operator.ask("show", invoice)["stories"][0]["help"]
    operator.ask("pause", "default", "--why", "month end", "--yes")

    (story,) = operator.ask("show", invoice)["stories"]

    assert state == "submitted" or freely.startswith("facteur retry")
    assert story["help"].startswith("facteur resume default")
    assert "paused by" in story["next_step"]


@pytest.mark.parametrize("state", ["pending", "rejected", "failed"])
@pytest.mark.parametrize("cause", ["deposits", "refused", "limit", "breaker", "store"])
def test_what_holds_all_of_an_account_is_reported_of_each_invoice(
    rows: Rows, operator: Operator, cause: str, state: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state)
    hold(rows, cause)

    (story,) = operator.ask("show", invoice)["stories"]

    result = {
        "deposits": "waits for deposits",
        "refused": "waits for account default, which is refused: token_refused until",
        "limit": "waits for the limit",
        "breaker": "waits for the platform of account default, which does not answer until",
        "store": "waits for documents: store_denied (bucket)",
    }
    assert story["next_step"].startswith(("It " if state == "pending" else "Sent again, it ") + result[cause])
    assert not story["help"].startswith("facteur retry")


@pytest.mark.parametrize("cause", ["refused", "limit", "breaker"])
def test_a_deposit_whose_account_waits_is_not_said_to_be_asked_for_its_statuses(
    rows: Rows, operator: Operator, cause: str
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    hold(rows, cause)

    (story,) = operator.ask("show", invoice)["stories"]

    assert story["next_step"].startswith("It waits for ")
    assert "It is deposited, and then the platform is asked for its statuses." in story["next_step"]


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("pending", "It waits for the relay. Then it is deposited."),
        ("in_doubt", "It waits for the relay. Then it is looked up"),
        ("sending", "It waits for the relay. Its worker did not report: then it is looked up at the platform."),
        ("queued", "It waits on the queue for a worker. Then it is deposited."),
    ],
)
def test_an_invoice_whose_relay_or_worker_does_not_run_says_so(
    rows: Rows, operator: Operator, state: str, result: str
) -> None:
    invoice = rows.noted()
    rows.run("select facteur.begin_relay_run(true, 6000)")
    if state == "sending":
        rows.claim(invoice)
    elif state == "queued":
        rows.queued(invoice)
    else:
        rows.reach(invoice, state)
    freely = operator.ask("show", invoice)["stories"][0]["next_step"]
    rows.advance(3600)

    (story,) = operator.ask("show", invoice)["stories"]

    assert "It waits" not in freely
    assert story["next_step"].startswith(result), story["next_step"]
    assert story["help"] == "facteur doctor"


def hold(rows: Rows, cause: str) -> None:
    """What holds an account, or all, without a person's doing."""
    if cause == "deposits":
        rows.run("update facteur.installation set deposits_enabled = false")
    elif cause == "store":
        rows.run("insert into facteur.stores (name, reason) values ('bucket', 'store_denied')")
        rows.run("update facteur.submissions set store = 'bucket'")
    else:
        reason = {"refused": "token_refused", "limit": "too_many_requests", "breaker": "platform_down"}[cause]
        paused = "facteur.now() + interval '1 hour', %(reason)s"
        rows.run(
            "insert into facteur.budgets (key, paused_until, pause_reason) values ('account:default', " + paused + ")"
            " on conflict (key) do update set paused_until = excluded.paused_until, pause_reason = excluded.pause_reason",
            reason=reason,
        )


def test_watch_shows_the_status_until_its_time_is_over(rows: Rows, operator: Operator) -> None:
    result = operator.run("watch", "--for", "0")

    assert result.code == operator.run("status").code == 1
    assert result.out.count("relay_submissions has never run") == 2


def test_watch_goes_on_where_the_database_does_not_answer() -> None:
    result = Operator("postgresql://nobody@127.0.0.1:1/none").run("watch", "--for", "0")

    assert result.code == 2  # the last question was not answered
    assert "no connection" in result.out


NO_SCHEMA = "there is no schema facteur here: is it the right database? facteur init installs it"
ASKED = [
    "status",
    "list",
    "show F-1",
    "preview",
    "accounts",
    "retry F-1",
    "pause default",
    "resume default",
    "adopt F-1 x",
]


@pytest.mark.parametrize("asked", [*ASKED, "watch --for 0", "repin default", "reconcile --day 2026-09-01"])
def test_a_database_without_our_schema_is_reported_as_such(empty_url: str, asked: str) -> None:
    signed = (
        ("--why", "it waits", "--yes") if asked.split()[0] in {"retry", "pause", "resume", "adopt", "repin"} else ()
    )

    result = Operator(empty_url).run(*asked.split(), *signed)

    assert (result.code, NO_SCHEMA in result.err + result.out) == (2, True), result


@pytest.mark.parametrize("asked", ["list", "preview"])
def test_an_account_that_there_is_not_is_reported(rows: Rows, operator: Operator, asked: str) -> None:
    rows.noted()
    rows.look()

    result = operator.run(asked, "--account", "nix")

    assert result.code == 2
    assert "There is no account nix; there are: default" in result.err


@pytest.mark.parametrize("asked", ["list", "preview"])
def test_rows_that_no_relay_has_opened_are_reported(rows: Rows, operator: Operator, asked: str) -> None:
    rows.run("select facteur.note(array['7', '8', '9'])")
    silent = operator.run(asked)

    rows.run("update facteur.installation set relay_began_at = facteur.now()")

    assert "3 rows are noted and not opened yet: the relay has never run" in silent.out
    assert "noted" not in operator.run(asked).out


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (("postgresql://", "mysql://"), "the database's address is not a postgresql:// URL"),
        (("/test_", "/secret_"), "no connection: the server has no database of this name"),
        (("app@", "secret:secret@"), "no connection: the server has no role of this name"),
    ],
)
def test_why_there_is_no_connection_is_reported_and_nothing_of_the_address(
    database_url: str, change: tuple[str, str], result: str
) -> None:
    answer = Operator(database_url.replace(*change)).run("status")

    assert (answer.code, result in answer.err) == (2, True), answer.err
    assert not [each for each in ("secret", "app", "127.0.0.1", "test_") if each in answer.err]


def ids(operator: Operator, *filters: str) -> list[str]:
    return [each["invoice_id"] for each in operator.ask("list", *filters)["invoices"]]
