"""The relay: notes become submissions, due rows go onto the queue, and what stands still is set going again."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from facteur.domain.metrics import Metric
from facteur.errors import EnvironmentMismatchError
from facteur.relay_submissions.run import RelayServices, Round, relay_once, relay_submissions
from facteur.relay_submissions.store import PostgresRelay
from tests.rows import Rows

ALSO_ON_DEBIAN = True

BASE_URL = "https://platform.example"


@dataclass
class FussyQueue:
    """A queue that accepts what it is asked to; remembers what it was sent."""

    accepts: Callable[[int], bool] = lambda _: True
    sent: list[int] = field(default_factory=list)

    def send(self, submission_ids: Sequence[int], until: float) -> list[int]:
        self.sent += submission_ids
        return [submission for submission in submission_ids if self.accepts(submission)]


@dataclass
class Notebook:
    """A journal that a test can read."""

    counts: dict[str, float] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def event(self, name: str, **fields: Any) -> None:
        self.said.append(name)

    def warning(self, name: str, **fields: Any) -> None:
        self.said.append(name)

    def count(self, metric: Metric, value: float = 1, reason: str | None = None, provider: str | None = None) -> None:
        self.counts[metric] = self.counts.get(metric, 0) + value


def services(store: PostgresRelay, queue: FussyQueue, watch_seconds: float = 0, **changes: Any) -> RelayServices:
    return RelayServices(store, queue, Notebook(), ("iopole", BASE_URL), watch_seconds, **changes)


def finish_many(rows: Rows, number: int, **columns: Any) -> list[str]:
    """Finished invoices with pending submissions."""
    invoices = [rows.finish() for _ in range(number)]
    rows.look()
    return invoices


def queued(rows: Rows) -> list[int]:
    return [row.id for row in rows.run("select id from facteur.submissions where queued_at is not null order by id")]


def test_a_run_takes_notes_and_queues_what_is_ready(rows: Rows) -> None:
    invoice, queue = rows.finish(), FussyQueue()

    relay_submissions(services(rows.relay, queue))

    assert queue.sent == [rows.submission(invoice).id] == queued(rows)
    relay_submissions(services(rows.relay, queue))
    assert len(queue.sent) == 1


def test_exactly_what_the_queue_accepted_is_marked_and_the_rest_goes_next_time(rows: Rows) -> None:
    finish_many(rows, 7)
    fussy, willing = FussyQueue(lambda submission: submission % 3 > 0), FussyQueue()

    relay_once(services(rows.relay, fussy))
    assert len(fussy.sent) == 7
    assert queued(rows) == [submission for submission in sorted(fussy.sent) if submission % 3 > 0]
    relay_once(services(rows.relay, willing))

    assert sorted(willing.sent) == [submission for submission in sorted(fussy.sent) if submission % 3 == 0]
    assert len(queued(rows)) == 7


def test_a_queue_that_breaks_marks_nothing(rows: Rows) -> None:
    finish_many(rows, 1)

    def broken(_: int) -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        relay_once(services(rows.relay, FussyQueue(broken)))

    assert queued(rows) == []


def test_the_oldest_go_first_and_no_more_than_the_budget_less_what_is_in_flight(rows: Rows) -> None:
    finish_many(rows, 6)
    rows.run("update facteur.submissions set due_at = facteur.now() - make_interval(secs => id)")
    queue = FussyQueue()

    for per_minute in (3, 3, 4):
        relay_once(services(rows.store(per_minute=per_minute), queue))

    assert queue.sent == [6, 5, 4, 3]


def test_a_paused_account_waits_and_the_others_go_on(rows: Rows) -> None:
    first, second = finish_many(rows, 2)
    rows.run("update facteur.submissions set account = 'other' where invoice_id = %(id)s", id=second)
    rows.run(
        "insert into facteur.budgets (key) values ('account:other'); select facteur.pause('account:other', 60, 'x')"
    )
    queue = FussyQueue()

    relay_once(services(rows.relay, queue))
    assert queue.sent == [rows.submission(first).id]
    rows.advance(61)
    relay_once(services(rows.relay, queue))

    assert queue.sent[1:] == [rows.submission(second).id]


def test_a_message_lost_for_half_an_hour_is_sent_again(rows: Rows) -> None:
    finish_many(rows, 1)
    queue = FussyQueue()
    relay_once(services(rows.relay, queue))

    rows.advance(29 * 60)
    relay_once(services(rows.relay, queue))
    assert len(queue.sent) == 1
    rows.advance(2 * 60)
    relay_once(services(rows.relay, queue))

    assert queue.sent == [1, 1]


def test_with_deposits_disabled_only_look_ups_are_queued(rows: Rows) -> None:
    _, doubted = finish_many(rows, 2)
    rows.reach(doubted, "in_doubt")
    queue = FussyQueue()

    relay_once(services(rows.store(deposits_enabled=False), queue))

    assert queue.sent == [rows.submission(doubted).id]
    assert rows.relay.look(0)[0] is True
    assert rows.store(deposits_enabled=False).look(0)[0] is False


@pytest.mark.parametrize(
    ("attempt", "state"), [(True, "in_doubt"), (False, "pending")], ids=["attempt open", "no attempt"]
)
def test_a_lease_that_ends_is_a_doubt_only_if_an_attempt_was_open(rows: Rows, attempt: bool, state: str) -> None:
    (invoice,) = finish_many(rows, 1)
    rows.claim(invoice)
    if not attempt:
        rows.run("delete from facteur.attempts")

    assert rows.relay.end_expired_leases() == 0
    rows.advance(61)
    assert rows.relay.end_expired_leases() == 1

    assert rows.states(invoice) == [state]
    assert [row.outcome for row in rows.run("select outcome from facteur.attempts")] == ["unknown"] * attempt
    assert rows.relay.end_expired_leases() == 0


def test_an_answer_that_is_recorded_while_its_lease_ends_wins(rows: Rows) -> None:
    (invoice,) = finish_many(rows, 1)
    claim = rows.claim(invoice)
    rows.advance(61)
    worker = rows.session()
    worker.rows("begin")
    worker.rows("select from facteur.submissions for update")

    assert rows.relay.end_expired_leases() == 0
    worker.rows("commit")

    assert rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1", due_in_seconds=5) == "submitted"
    assert rows.relay.end_expired_leases() == 0


def test_a_late_acceptance_resolves_the_doubt_that_its_lost_lease_began(rows: Rows) -> None:
    (invoice,) = finish_many(rows, 1)
    claim = rows.claim(invoice)
    rows.advance(61)
    rows.relay.end_expired_leases()

    assert rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1", due_in_seconds=5) == "submitted"

    assert rows.invoice(invoice).submission_id == "P-1"


def test_a_look_up_whose_lease_was_lost_declares_nothing_not_found(rows: Rows) -> None:
    (invoice,) = finish_many(rows, 1)
    rows.reach(invoice, "in_doubt")
    slow = rows.claim(invoice)
    rows.advance(61)
    rows.claim(invoice)

    assert rows.record(invoice, slow, "pending") == "in_doubt"

    assert [row.outcome for row in rows.run("select outcome from facteur.attempts")] == ["unknown"]


BAD_ROW = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, {} as total, currency, technical_status, 'default' as account, submission_id,
       false as finished
from invoicing.invoices
"""


def break_on_13(rows: Rows, how: str = "1 / (total - 13)") -> None:
    """The company's view raises on a row whose total is 13."""
    rows.run(BAD_ROW.format(how))


@pytest.mark.parametrize("others", [0, 1, 40])
def test_one_row_on_which_the_view_raises_blocks_nobody_and_is_reported_once(rows: Rows, others: int) -> None:
    break_on_13(rows)
    rows.run(
        "insert into invoicing.invoices (total, status) select 1, 'final' from generate_series(1, %(n)s)", n=others
    )
    bad = rows.finish()
    rows.update(bad, total=13)
    run = services(rows.relay, FussyQueue())

    relay_once(run)

    assert len(rows.noted_invoices()) == others
    assert rows.notes() == [[bad]]
    assert rows.value("select error from facteur.changes") == "22012: division by zero"
    assert run.journal.counts["UnreadableRows"] == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", ["in_doubt", "submitted", "closed"])
def test_a_row_that_asks_for_another_invoice_than_was_sent_rings_the_alarm_once(rows: Rows, state: str) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state)
    rows.update(invoice, invoice_number="F-OTHER", technical_status="pending")
    run = services(rows.relay, FussyQueue())

    relay_once(run)
    rows.update(invoice, total=7, technical_status="pending")
    relay_once(run)

    assert run.journal.counts["Failures"] == 1  # type: ignore[attr-defined]
    assert run.journal.said.count("rows.mismatched") == 1  # type: ignore[attr-defined]


def test_an_invoice_that_is_corrected_before_it_was_sent_rings_no_alarm(rows: Rows) -> None:
    invoice = rows.noted()
    rows.update(invoice, invoice_number="F-OTHER")

    taken = rows.look()

    assert (taken.mismatched, rows.submission(invoice).invoice_number) == (0, "F-OTHER")


def test_a_thousand_rows_in_one_note_are_judged_fast_although_one_raises(rows: Rows) -> None:
    break_on_13(rows)
    rows.run("insert into invoicing.invoices (total, status) select n + 12, 'final' from generate_series(1, 1000) n")

    taken = rows.relay.take_notes(20)

    assert (taken.notes, taken.opened, taken.broken) == (1, 999, 1)


def test_a_row_that_raises_is_tried_again_by_itself_and_works_once_corrected(rows: Rows) -> None:
    break_on_13(rows)
    bad = rows.finish()
    rows.update(bad, total=13)
    assert rows.look().broken == 1

    rows.advance(301)
    assert rows.look().broken == 1
    rows.update(bad, total=14)
    assert rows.look().opened == 1
    rows.advance(301)

    assert rows.look().opened == 0
    assert rows.notes() == []


def test_a_view_that_asserts_or_names_an_impossible_key_is_just_another_broken_row(rows: Rows) -> None:
    rows.run("create function invoicing.fail() returns numeric language plpgsql as 'begin assert false; end'")
    break_on_13(rows, "case when total = 13 then invoicing.fail() else total end")
    bad, sound = rows.finish(), rows.finish()
    rows.update(bad, total=13)
    rows.run("insert into facteur.changes (invoice_ids) values (array['no number'])")

    taken = rows.look()

    assert (taken.opened, taken.broken) == (1, 2)
    assert rows.noted_invoices() == [sound]


def test_invoices_written_past_the_triggers_are_found_once_a_day(rows: Rows) -> None:
    assert rows.relay.vitals().forgotten == 0
    invoice = rows.finish()
    rows.run("delete from facteur.changes")
    assert rows.relay.vitals().forgotten is None

    rows.advance(86_401)

    assert rows.relay.vitals().forgotten == 1
    assert rows.look().opened == 1
    assert rows.states(invoice) == ["pending"]
    assert rows.value("select facteur.note_forgotten(true)") == 0


def test_forgotten_are_only_those_that_nobody_knows_of(rows: Rows) -> None:
    finished, draft, refused = rows.finish(), rows.finish(), rows.finish()
    rows.update(draft, status="draft")
    rows.look()
    locked = rows.session()
    locked.rows("begin; select from invoicing.invoices for update")
    rows.reach(refused, "rejected")  # cannot be written back yet: its row still says pending
    locked.rows("commit")
    rows.finish()  # noted

    assert rows.invoice(refused).technical_status == "pending"
    assert rows.value("select facteur.note_forgotten(true)") == 0
    assert rows.states(finished) == ["pending"]


@pytest.mark.parametrize(("kind", "found"), [("immutable", 1500), ("volatile", 0)])
def test_a_row_on_which_the_view_raises_does_not_stop_the_search_for_forgotten_ones(
    rows: Rows, kind: str, found: int
) -> None:
    rows.run("insert into invoicing.invoices (total, status) select 1, 'final' from generate_series(1, 1500)")
    check = (
        "create function invoicing.check_total(t numeric) returns boolean {} language sql as 'select 1 / (t - 13) < 2'"
    )
    rows.run(check.format(kind))
    rows.run(BAD_ROW.format("total").replace("as ready", "and invoicing.check_total(total) as ready"))
    bad, queue = rows.finish(), FussyQueue()
    rows.update(bad, total=13)
    rows.run("delete from facteur.changes")

    relay_submissions(services(rows.relay, queue))
    relay_submissions(services(rows.relay, queue))

    assert len(rows.noted_invoices()) == found
    assert rows.notes() == [[bad]] * (found > 0)
    assert rows.relay.vitals().forgotten is None


def test_a_run_watches_until_a_newer_one_has_begun(rows: Rows) -> None:
    queue, pauses = FussyQueue(), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            rows.finish()
        if len(pauses) == 4:
            rows.relay.begin_run()

    relay_submissions(services(rows.relay, queue, watch_seconds=1000, sleep=pause))

    assert len(queue.sent) == 1
    assert len(pauses) == 4


def test_a_database_that_belongs_elsewhere_stops_the_relay_before_it_does_anything(rows: Rows) -> None:
    invoice = rows.finish()
    elsewhere = {"provider": "iopole", "base_url": "https://elsewhere.example", "client": "x"}
    rows.run("select facteur.pin('default', %(platform)s)", platform=json.dumps(elsewhere))

    with pytest.raises(EnvironmentMismatchError, match=r"elsewhere\.example"):
        relay_submissions(services(rows.relay, FussyQueue()))

    assert rows.states(invoice) == []


def test_an_account_on_another_kind_of_platform_is_not_compared_with_the_settings(rows: Rows) -> None:
    """Its address is another's whatever the settings say, and nobody has compared its secret yet."""
    invoice = rows.finish()
    elsewhere = {"provider": "another", "base_url": "https://elsewhere.example", "client": "x"}
    rows.run("select facteur.pin('other', %(platform)s)", platform=json.dumps(elsewhere))

    relay_submissions(services(rows.relay, FussyQueue()))

    assert rows.states(invoice) == ["pending"]


# --- portions ------------------------------------------------------------------------------------------------------------------


def test_what_is_due_has_its_turn_between_two_portions_of_notes(rows: Rows) -> None:
    for _ in range(60):
        rows.finish()
    queue = FussyQueue()
    impatient = dataclasses.replace(services(rows.relay, queue), portion_seconds=0.0)

    rounds = [relay_once(impatient) for _ in range(4)]

    assert rounds == [Round.UNFINISHED, Round.UNFINISHED, Round.UNFINISHED, Round.NOTHING]
    assert len(queue.sent) == 60


def test_a_writer_who_never_ends_does_not_keep_the_relay_from_its_queue(rows: Rows) -> None:
    first, queue, stopped = rows.finish(), FussyQueue(), threading.Event()
    writer = rows.session()

    def write() -> None:
        while not stopped.is_set():
            writer.rows("select facteur.note(array['x'])")

    with rows.in_background(write):
        relay_once(dataclasses.replace(services(rows.relay, queue), portion_seconds=0.2))
        stopped.set()

    assert queue.sent == [rows.submission(first).id]


def test_a_run_that_does_not_watch_works_on_while_notes_are_left(rows: Rows) -> None:
    for _ in range(60):
        rows.finish()
    queue = FussyQueue()

    relay_submissions(dataclasses.replace(services(rows.relay, queue), portion_seconds=0.0))

    assert len(queue.sent) == 60
    assert rows.notes() == []
