"""What a person looks at: facteur.health and facteur.story."""

from __future__ import annotations

from tests.rows import Rows

ALSO_ON_DEBIAN = True


def test_health_counts_by_account_and_state_with_what_needs_a_person_first(rows: Rows) -> None:
    invoices = [rows.finish() for _ in range(5)]
    rows.look()
    for invoice, state in zip(invoices, ["submitted", "in_doubt", "failed", "rejected"], strict=False):
        rows.reach(invoice, state)

    health = rows.run("select account, state, submissions from facteur.health")

    assert [tuple(row) for row in health] == [
        ("default", "failed", 1),
        ("default", "in_doubt", 1),
        ("default", "pending", 1),
        ("default", "submitted", 1),
        ("default", "rejected", 1),
    ]


def test_health_shows_what_is_overdue_whose_account_is_paused_and_which_rows_were_not_written(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    editor = rows.session()
    editor.rows("begin; select from invoicing.invoices for update")
    rows.reach(invoice, "submitted")
    rows.run("select facteur.pause('account:default', 3600, 'HTTP_403')")

    rows.advance(150)

    (health,) = rows.run("select * from facteur.health")
    assert (health.due, health.write_backs_waiting, health.pause_reason) == (1, 1, "HTTP_403")
    assert 90 <= health.oldest_overdue_seconds <= 150
    assert 90 <= rows.relay.vitals().overdue_seconds <= 150
    rows.advance(3600)
    assert rows.value("select paused_until from facteur.health") is None


def test_health_of_an_idle_installation_is_empty_and_nothing_is_overdue(rows: Rows) -> None:
    assert rows.value("select count(*) from facteur.health") == 0
    assert rows.relay.vitals().overdue_seconds == 0


def test_a_story_says_what_happened_in_order(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    rows.advance(10)
    claim = rows.claim(invoice)
    rows.advance(20)
    rows.record(invoice, claim, "in_doubt", "unknown", error_code="timeout", error_message="no answer")
    rows.advance(30)
    rows.record(invoice, rows.claim(invoice), "submitted", platform_id="P-1", due_in_seconds=5)
    rows.run(
        "insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, occurred_at, reason) "
        "select 's', id, 'P-1', '205', 'APPROVED', 'Approuvée', facteur.now() - interval '1 second', 'ok' from facteur.submissions"
    )

    story = rows.run("select what, detail, platform_id from facteur.story where invoice_id = %(id)s", id=invoice)

    assert [row.what for row in story] == [
        "invoice is ready",
        "deposit attempted",
        "deposit unknown",
        "205 Approuvée",
        "now submitted",
    ]
    assert story[3].detail == "ok"
    assert story[4].platform_id == "P-1"


def test_a_story_of_a_refusal_ends_with_the_platforms_words_and_the_row_that_was_not_written(rows: Rows) -> None:
    invoice = rows.finish()
    rows.look()
    editor = rows.session()
    editor.rows("begin; select from invoicing.invoices for update")

    rows.reach(invoice, "rejected")

    last = rows.run("select what, detail from facteur.story")[-1]
    assert last.what == "now rejected"
    assert last.detail.startswith("HTTP_400 no")
    assert "write-back failed: 55P03" in last.detail
