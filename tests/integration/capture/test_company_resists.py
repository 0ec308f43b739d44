"""The company's table is not believed: what it shows after each write-back is compared with what was written."""

from __future__ import annotations

import json
import re

import pytest

from local.invoices import sample_invoice
from local.world.levers import World
from local.world.postgres import as_worker
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

TRIGGER = """
create function invoicing.resist() returns trigger language plpgsql as $$ begin {} end $$;
create trigger resist before update on invoicing.invoices for each row execute function invoicing.resist()
"""
# An owner of the mapping who does not own the table: row security binds him.
CLERK = """
do $$ begin create role clerk; exception when duplicate_object then null; end $$;
grant usage on schema facteur, invoicing to clerk;
grant select, update on invoicing.invoices to clerk;
grant select on facteur.installation to clerk;
grant create on schema facteur to clerk;
alter view facteur.invoice_source owner to clerk;
alter function facteur.write_back(text, text, text, text) owner to clerk;
"""
VIEW = "select pg_get_viewdef('facteur.invoice_source'::regclass)"
FINAL = "if old.technical_status = 'pending' then return {}; end if; return new;"


def show_status_as(rows: Rows, expression: str) -> None:
    text, replaced = re.subn(
        r"\n +(\w+\.)?technical_status,", f"\n {expression} as technical_status,", rows.value(VIEW)
    )
    assert replaced == 1
    rows.run("create or replace view facteur.invoice_source as " + text)


def a_trigger_that_keeps_the_old_row(rows: Rows) -> None:
    rows.run(TRIGGER.format(FINAL.format("old")))


def a_trigger_that_drops_the_change(rows: Rows) -> None:
    rows.run(TRIGGER.format(FINAL.format("null")))


def a_trigger_that_rewrites_the_status(rows: Rows) -> None:
    rows.run(
        TRIGGER.format(
            "if new.technical_status <> 'pending' then new.technical_status := 'pending'; end if; return new;"
        )
    )


def a_trigger_that_keeps_the_id(rows: Rows) -> None:
    rows.run(TRIGGER.format("new.submission_id := coalesce(old.submission_id, 'none'); return new;"))


def a_trigger_that_shortens_the_id(rows: Rows) -> None:
    rows.run(
        TRIGGER.format(
            "new.submission_id := left(new.submission_id, 2); new.technical_status := left(new.technical_status, 5); return new;"
        )
    )


def a_rule_instead_of_the_update(rows: Rows) -> None:
    rows.run("create rule resist as on update to invoicing.invoices do instead nothing")


def row_security_that_hides_rows_from_updates(rows: Rows) -> None:
    rows.run(CLERK)
    rows.run(
        "alter table invoicing.invoices enable row level security;"
        "create policy reads on invoicing.invoices for select using (true);"
        "create policy writes on invoicing.invoices for update using (status = 'draft')"
    )


def a_view_that_maps_the_words(rows: Rows) -> None:
    show_status_as(rows, "(case technical_status when 'pending' then 'pending' else 'sent' end)::varchar(20)")


def a_trigger_that_puts_it_back_afterwards(rows: Rows) -> None:
    rows.run(
        TRIGGER.replace("before update", "after update").format(
            "if new.technical_status <> 'pending' then "
            "update invoicing.invoices set technical_status = 'pending' where id = new.id; end if; return null;"
        )
    )


RESISTANCE = [
    a_trigger_that_keeps_the_old_row, a_trigger_that_drops_the_change, a_trigger_that_rewrites_the_status,
    a_trigger_that_shortens_the_id, a_rule_instead_of_the_update, row_security_that_hides_rows_from_updates,
    a_view_that_maps_the_words, a_trigger_that_keeps_the_id, a_trigger_that_puts_it_back_afterwards,
]  # fmt: skip


@pytest.mark.parametrize("resist", RESISTANCE)
def test_a_write_back_that_the_row_does_not_show_has_failed_and_is_tried_again(rows: Rows, resist: object) -> None:
    invoice = rows.noted()
    resist(rows)  # type: ignore[operator]

    rows.reach(invoice, "submitted")

    submission = rows.submission(invoice)
    assert submission.state == "submitted"
    assert submission.write_back_error.startswith("FR004: the row does not show the ")
    assert submission.unwritten_since is not None
    assert rows.notes() == []
    rows.advance(60)
    assert rows.write_back() == (0, 1)


@pytest.mark.parametrize("state", ["rejected", "failed"])
@pytest.mark.parametrize("resist", RESISTANCE[:3])
def test_a_verdict_that_the_row_does_not_take_opens_nothing_whatever_touches_the_row(
    rows: Rows, resist: object, state: str
) -> None:
    invoice = rows.noted()
    resist(rows)  # type: ignore[operator]
    rows.reach(invoice, state)

    for _ in range(8):
        rows.advance(2700)
        rows.update(invoice, total=7)
        rows.look()
        rows.write_back()
        rows.run("select facteur.note_forgotten(true)")

    assert rows.states(invoice) == [state]
    assert rows.invoice(invoice).technical_status == "pending"
    assert rows.submission(invoice).write_back_error.startswith("FR004")


def test_once_the_trigger_is_gone_the_verdict_is_written_and_pending_means_once_more_again(rows: Rows) -> None:
    invoice = rows.noted()
    a_trigger_that_keeps_the_old_row(rows)
    rows.reach(invoice, "rejected")
    rows.run("drop trigger resist on invoicing.invoices")
    rows.advance(60)

    assert rows.write_back() == (1, 0)
    assert rows.invoice(invoice).technical_status == "rejected"
    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.states(invoice) == ["rejected", "pending"]


@pytest.mark.slow
def test_a_rejected_invoice_whose_row_stays_pending_is_posted_once_in_six_hours(
    world: World, operator: Operator
) -> None:
    world.database.rows(TRIGGER.format(FINAL.format("old")))
    world.simulator.script(sample_invoice(1).number, ["400"] * 100)
    world.add(1)

    for _ in range(24):
        world.deposit()
        world.update(1, total=7)
        world.advance(900)

    assert len(world.simulator.calls("deposit")) == 1
    assert "could not be written back" in operator.run("status").out


# --- what a write-back need not show exactly ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "new.technical_status := upper(new.technical_status); return new;",
        "new.technical_status := ' ' || new.technical_status || E'\\t'; new.submission_id := upper(new.submission_id) || ' '; return new;",
    ],
)
def test_case_and_blanks_are_no_difference(rows: Rows, body: str) -> None:
    invoice = rows.noted()
    rows.run(TRIGGER.format(body))

    rows.reach(invoice, "submitted")

    assert rows.submission(invoice).write_back_due_at is None
    assert rows.look().repeated == 0


def test_no_deposit_and_an_empty_text_are_one(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run(TRIGGER.format("new.submission_id := coalesce(new.submission_id, ''); return new;"))

    rows.reach(invoice, "failed")

    assert (rows.submission(invoice).write_back_due_at, rows.invoice(invoice).submission_id) == (None, "")


def test_a_uuid_may_come_back_with_other_hyphens(rows: Rows) -> None:
    same = "select facteur.same_deposit('0199c2f4-0000-7000-8000-000000000001', '0199C2F4000070008000000000000001 ')"

    assert rows.value(same) is True
    assert rows.value("select facteur.same_deposit('', null) and not facteur.same_deposit('a', null)") is True


# --- what nobody can verify -----------------------------------------------------------------------------------------------


def a_row_that_is_gone(rows: Rows) -> None:
    rows.run("delete from invoicing.invoices")


def a_view_that_shows_what_waits_alone(rows: Rows) -> None:
    rows.run(
        "create or replace view facteur.invoice_source as "
        + rows.value(VIEW).rstrip(";")
        + " where technical_status = 'pending'"
    )


def a_view_that_raises_on_what_was_written(rows: Rows) -> None:
    show_status_as(
        rows,
        "(case technical_status when 'pending' then 'pending' else (1 / (length(technical_status) - 9))::text end)::varchar(20)",
    )


@pytest.mark.parametrize(
    "hide", [a_row_that_is_gone, a_view_that_shows_what_waits_alone, a_view_that_raises_on_what_was_written]
)
def test_what_the_view_does_not_show_is_believed_and_counted(rows: Rows, hide: object) -> None:
    invoice = rows.noted()
    hide(rows)  # type: ignore[operator]

    rows.reach(invoice, "submitted")

    submission = rows.submission(invoice)
    assert (submission.write_back_due_at, submission.write_back_error) == (None, None)
    assert submission.unverified_at is not None
    assert rows.relay.vitals().unverified == 1
    rows.advance(90_000)
    assert rows.relay.vitals().unverified == 0


def test_a_column_that_the_view_does_not_show_is_not_compared(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run("drop view facteur.invoice_source")
    rows.run(
        "create view facteur.invoice_source as select id as invoice_id, status = 'final' as ready, invoice_number,"
        " seller_siren, issue_date, document_uri from invoicing.invoices"
    )
    a_trigger_that_shortens_the_id(rows)

    rows.reach(invoice, "submitted")

    submission = rows.submission(invoice)
    assert (submission.write_back_due_at, submission.unverified_at) == (None, None)


def test_a_lock_that_hides_the_row_from_the_comparison_delays_it(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run("create table customers (invoice_id bigint)")
    show_status_as(rows, "coalesce(technical_status, (select 'x' from customers limit 1))::varchar(20)")
    other = rows.session()
    other.rows("begin")
    other.rows("lock table customers in access exclusive mode")

    rows.run("update facteur.submissions set write_back_due_at = facteur.now()")
    assert rows.write_back() == (0, 1)
    other.rows("commit")

    assert rows.submission(invoice).write_back_error.startswith("55P03")


# --- rows that somebody saved stale ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["submitted", "closed"])
@pytest.mark.parametrize("saved", [None, "", "stale-1", "P-0"])
def test_an_id_that_an_orm_saved_stale_is_healed_though_the_status_is_right(
    rows: Rows, state: str, saved: str | None
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state)

    rows.update(invoice, submission_id=saved)
    assert rows.look().repeated == 1
    assert rows.write_back() == (1, 0)

    assert rows.invoice(invoice).submission_id == rows.submission(invoice).platform_id
    assert rows.look().repeated == 0


def test_an_id_without_a_live_deposit_is_left_alone(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "failed")

    rows.update(invoice, submission_id="by hand")

    assert rows.look().repeated == 0
    assert rows.invoice(invoice).submission_id == "by hand"


def test_a_healed_row_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.add(1)
    world.deposit()
    deposit = world.row(1).submission_id
    world.update(1, submission_id=None)

    world.relay()
    world.relay()

    assert world.row(1).submission_id == deposit
    assert '"RowsHealed":[1.0]' in capsys.readouterr().out


# --- pending as people type it --------------------------------------------------------------------------------------------

TYPED = ["PENDING", "pending ", " Pending", "pending\t", "\u00a0pending"]


@pytest.mark.parametrize("typed", TYPED)
def test_pending_is_what_a_person_means_by_it(rows: Rows, typed: str) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "rejected")

    rows.update(invoice, technical_status=typed)

    assert rows.look().opened == 1
    assert rows.states(invoice) == ["rejected", "pending"]


@pytest.mark.parametrize("typed", ["not pending", "pendin g?", "", "p", "depending"])
def test_another_word_is_not_pending(rows: Rows, typed: str) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "rejected")

    rows.update(invoice, technical_status=typed)

    assert rows.look().opened == 0


@pytest.mark.parametrize(("typed", "healed"), [("VALIDATED ", False), ("Rejected", True)])
def test_a_verdict_that_somebody_spelled_otherwise_is_still_the_verdict(rows: Rows, typed: str, healed: bool) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")

    rows.update(invoice, technical_status=typed)

    assert rows.look().repeated == healed


WITHOUT_STATUS = """
do $$ declare
    shown text := replace(pg_get_viewdef('facteur.invoice_source'), 'AS invoice_id', 'AS invoice_id, status = ''final'' AS final');
begin
    drop view facteur.invoice_source;
    execute format('create view facteur.invoice_source as select invoice_id, final as ready, document_uri, invoice_number, '
                   'seller_siren, issue_date, total, currency, account from (%s) x', rtrim(shown, ' ;'));
end $$
"""
# A condition of the company's own that does not ask the status, which the view shows all the same.
READY_WHATEVER_IT_SAYS = WITHOUT_STATUS.replace("account from", "account, technical_status from")
SWALLOW = """
create function public.swallow() returns trigger language plpgsql as
$$ begin new.technical_status := old.technical_status; new.submission_id := old.submission_id; return new; end $$;
create trigger swallow before update on invoicing.invoices for each row execute function public.swallow()
"""


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("by_a_poll", [False, True])
def test_what_was_rejected_is_not_sent_again_by_itself_where_no_verdict_is_shown(
    rows: Rows, swallows: bool, by_a_poll: bool
) -> None:
    """However often the row is touched: the platform would reject it each time, or the number twice."""
    rows.run(WITHOUT_STATUS)
    if swallows:
        rows.run(SWALLOW)
    invoice = rows.noted()
    if by_a_poll:
        rows.reach(invoice, "submitted")
        rejected_by_a_poll(rows, invoice)
    else:
        rows.reach(invoice, "rejected")

    for _ in range(3):
        rows.update(invoice, currency="EUR")
        rows.look()
        if rows.states(invoice)[-1] == "pending":
            rows.advance(3600)
            assert rows.claim(invoice).verdict == "withdrawn"

    assert rows.states(invoice) == ["rejected"]
    assert rows.value("select count(*) from facteur.attempts") == 1


def test_what_was_rejected_and_shows_it_is_not_sent_again_by_a_condition_that_does_not_ask(rows: Rows) -> None:
    rows.run(READY_WHATEVER_IT_SAYS)
    invoice = rows.noted()
    rows.reach(invoice, "rejected")
    assert rows.invoice(invoice).technical_status == "rejected"

    rows.update(invoice, currency="EUR")
    rows.look()

    assert rows.claim(invoice).verdict == "withdrawn"
    assert rows.states(invoice) == ["rejected"]


def test_what_was_rejected_is_sent_again_once_a_person_asks_or_the_document_is_another(rows: Rows) -> None:
    rows.run(WITHOUT_STATUS)
    asked, corrected = rows.noted(), rows.noted()
    for invoice in (asked, corrected):
        rows.reach(invoice, "rejected")

    result = Operator(as_worker(rows.url)).run(
        "retry", f"id:{asked}", "--yes", "--why", "the buyer is in the directory now"
    )
    rows.update(corrected, currency="EUR")
    rows.look()
    submission = rows.submission(corrected)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    item = {
        "id": submission.id,
        "tries": submission.tries,
        "sha256": "other bytes",
        "invoice_number": "F",
        "seller_siren": "1",
    }

    assert result.code == 0, result.err
    assert rows.claim(asked).verdict == "claimed"
    assert rows.claim_items([item])[0].verdict == "claimed"


@pytest.mark.parametrize("shows", [True, False])
def test_a_row_that_says_pending_asks_for_the_same_bytes_once_more(rows: Rows, shows: bool) -> None:
    if shows:
        rows.run(READY_WHATEVER_IT_SAYS)
    invoice = rows.noted()
    rows.reach(invoice, "rejected")

    rows.update(invoice, technical_status="pending")
    rows.look()

    assert rows.claim(invoice).verdict == "claimed"


def rejected_by_a_poll(rows: Rows, invoice: str) -> None:
    submission = rows.submission(invoice)
    update = {"submission_id": submission.id, "platform_id": submission.platform_id, "events": [], "newest": {}}
    update |= {"move": {"state": "rejected", "error_code": "DEST_ERR", "error_message": "unknown"}}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))
    assert rows.states(invoice) == ["rejected"]


# --- a rejection that a trigger answers with another invoice ----------------------------------------------------------

ANOTHER_NUMBER = """
create function public.anew() returns trigger language plpgsql as
$$ begin new.invoice_number := new.invoice_number || '-B'; return new; end $$;
create trigger anew before update on invoicing.invoices for each row when (new.technical_status = 'rejected') execute function public.anew()
"""
VIEWS = {"without a status": WITHOUT_STATUS, "ready whatever its status": READY_WHATEVER_IT_SAYS}


@pytest.mark.parametrize("by_a_poll", [False, True])
@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_row_that_a_trigger_gives_another_number_is_sent_as_another_invoice(
    rows: Rows, view: str, by_a_poll: bool
) -> None:
    rows.run(view)
    rows.run(ANOTHER_NUMBER)
    invoice = rows.noted()

    if by_a_poll:
        rows.reach(invoice, "submitted")
        rejected_by_a_poll(rows, invoice)
    else:
        rows.reach(invoice, "rejected")
    rows.look()

    assert rows.states(invoice) == ["rejected", "pending"]
    assert rows.submission(invoice).invoice_number == rows.invoice(invoice).invoice_number


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_number_that_was_corrected_while_it_was_being_sent_is_sent_once_the_first_is_rejected(
    rows: Rows, view: str
) -> None:
    rows.run(view)
    invoice = rows.noted()
    claim = rows.claim(invoice)

    rows.update(invoice, invoice_number="F-CORRECTED")
    rows.look()
    rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")
    rows.look()

    assert rows.states(invoice) == ["rejected", "pending"]
    assert rows.submission(invoice).invoice_number == "F-CORRECTED"


def test_another_number_that_no_trigger_saw_is_found_where_the_view_shows_no_status(rows: Rows) -> None:
    rows.run(WITHOUT_STATUS)
    same, renumbered = rows.noted(), rows.noted()
    for invoice in (same, renumbered):
        rows.reach(invoice, "rejected")

    rows.update(renumbered, invoice_number="F-RENUMBERED")
    rows.run("delete from facteur.changes")

    assert rows.value("select facteur.note_forgotten(true)") == 1
    rows.look()
    assert (rows.states(same), rows.states(renumbered)) == (["rejected"], ["rejected", "pending"])
    assert rows.value("select facteur.note_forgotten(true)") == 0


def test_a_row_that_cannot_be_read_as_a_whole_is_written_back_all_the_same(rows: Rows) -> None:
    rows.run(WITHOUT_STATUS.replace("total, currency", "1 / (total - 120) as total, currency"))
    rows.update(invoice := rows.finish(), total=121)
    rows.look()
    claim = rows.claim(invoice)

    rows.update(invoice, total=120)
    rows.record(invoice, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")

    assert rows.invoice(invoice).technical_status == "rejected"
    assert rows.submission(invoice).write_back_due_at is None
