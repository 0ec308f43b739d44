"""Each metric has the right value in the situation that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from facteur.domain.metrics import Metric
from local.invoices import DIFFICULT_BUYERS, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World, platform_secret
from tests.measured import Values, measured
from tests.rows import Rows
from tests.two_accounts import SHOW_ACCOUNTS

Reading = Callable[[], Values]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Reading:
    """What was measured since the last time."""
    return lambda: measured(capsys.readouterr().out)


@pytest.fixture(scope="module")
def another() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture
def pdp(world: World, another: Simulator) -> Simulator:
    """A second platform, of another kind, at which the account `pdp` deposits."""
    another.reset()
    world.database.rows(SHOW_ACCOUNTS)
    secret = {"client_id": another.client_id, "client_secret": another.client_secret, "base_url": another.base_url}
    world.put_secret("pdp", {"provider": "superpdp", **secret})
    return another


# --- on the way to the platform -------------------------------------------------------------------------------------------


def test_a_deposit_says_how_long_it_took_to_notice_and_how_long_from_there(world: World, said: Reading) -> None:
    world.add(1)
    world.database.rows("update facteur.changes set noted_at = now() - interval '40 seconds'")
    world.relay()
    world.database.rows("update facteur.submissions set created_at = created_at - interval '100 seconds'")

    world.submit()

    found = said()
    assert found["Deposits"] == [1]
    assert 40 <= found["CommitToNoticeSeconds"][0] < 70
    assert 100 <= found["NoticeToDepositSeconds"][0] < 130
    assert 0 < found["DepositCallSeconds"][0] < 10
    assert {"PlatformErrors", "Doubts", "Retries", "Rejections", "AccountRefused"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("fault", "errors", "calls", "others"),
    [
        ("503", 1, 1, {"Doubts"}), ("lost_answer", 1, 1, {"Doubts"}), ("429", 1, 1, {"Retries"}), ("400", 0, 1, {"Rejections"}),
        ("409", 1, 1, {"Doubts"}), ("403", 0, 1, {"Retries", "AccountRefused"}),
        ("403_html", 1, 1, {"Doubts", "AccountRefused"}),
    ],
)  # fmt: skip
def test_the_platforms_errors_are_kept_from_refusals(
    world: World, said: Reading, fault: str, errors: int, calls: int, others: set[str]
) -> None:
    world.add(1)
    world.simulator.script(sample_invoice(1).number, [fault])

    world.deposit()

    found = said()
    assert sum(found.get("PlatformErrors", [])) == errors
    assert len(found["DepositCallSeconds"]) == calls
    assert {"Deposits", "Doubts", "Retries", "Rejections", "AccountRefused"} & set(found) == others


def test_a_platform_that_cannot_be_reached_is_an_error_of_the_platforms(world: World, said: Reading) -> None:
    world.add(1)
    world.simulator.refuse_connections()

    world.deposit()

    assert (said()["PlatformErrors"], world.submission(1).state) == ([1], "pending")
    world.simulator.accept_connections()


def test_a_secret_that_is_refused_is_the_accounts_and_calls_nobody(world: World, said: Reading) -> None:
    world.put_secret("default", {"client_id": "x"})
    world.add(1)

    world.deposit()

    found = said()
    assert found["AccountRefused"] == [1]
    assert {"PlatformErrors", "DepositCallSeconds"}.isdisjoint(found)


def test_a_look_up_that_finds_the_deposit_counts_it_but_not_its_time(world: World, said: Reading) -> None:
    world.add(1)
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.deposit()
    said()
    world.advance(60)

    world.deposit()

    found = said()
    assert (found["Deposits"], world.submission(1).state) == ([1], "submitted")
    assert {"NoticeToDepositSeconds", "DepositCallSeconds"}.isdisjoint(found)


# --- back from the platform -----------------------------------------------------------------------------------------------


def test_a_rejection_is_counted_by_its_reason_and_statuses_by_their_age(world: World, said: Reading) -> None:
    world.add(1, content=render(sample_invoice(1, buyer=DIFFICULT_BUYERS["213"]), "cii"))
    world.deposit()
    said()
    world.advance(7300)

    world.poll()

    found = said()
    assert (found["Rejections"], found["Rejections/EINVOICING_ADDRESS_INCORRECT"]) == ([1], [1])
    (age,) = found["StatusToPostgresSeconds"]
    occurred = "select extract(epoch from facteur.now() - max(occurred_at)) as seconds from facteur.status_events"
    assert 0 < age <= world.database.row(occurred).seconds
    assert found["PollRuns"] == [1]


def test_a_poll_that_finds_nothing_has_run_all_the_same(world: World, said: Reading) -> None:
    world.poll()

    assert said() == {"PollRuns": [1]}


def test_a_poll_whose_search_fails_names_the_platform(world: World, said: Reading) -> None:
    world.add(1)
    world.deposit()
    said()
    world.advance(10)
    world.simulator.script_endpoint("search", ["503"])

    world.poll()

    found = said()
    assert (found["PlatformErrors"], found["PollRuns"]) == ([1], [1])


# --- which platform is ill ------------------------------------------------------------------------------------------------


def test_what_one_platform_does_is_counted_of_its_kind(world: World, pdp: Simulator, said: Reading) -> None:
    pdp.script_endpoint("deposit", ["503"])
    world.add(1)
    world.update(1, account="pdp")
    world.add(2)

    world.deposit()

    found = said()
    assert (found["Doubts/superpdp"], found["PlatformErrors/superpdp"]) == ([1], [1])
    assert (found["Deposits/iopole"], found["Doubts"], found["PlatformErrors"]) == ([1], [1], [1])
    assert len(found["DepositCallSeconds/superpdp"]) == len(found["DepositCallSeconds/iopole"]) == 1
    assert {"Deposits/superpdp", "Doubts/iopole", "PlatformErrors/iopole"}.isdisjoint(found)


def test_a_secret_that_names_no_platform_is_nobodys_illness(world: World, said: Reading) -> None:
    world.put_secret("default", {"provider": "unheard-of"})
    world.add(1)

    world.deposit()

    found = said()
    assert found["AccountRefused"] == [1]
    assert not [name for name in found if name.startswith("AccountRefused/")]


def test_the_polls_calls_are_counted_by_platform_tokens_included(world: World, pdp: Simulator, said: Reading) -> None:
    for rank, account in ((1, "pdp"), (2, "pdp"), (3, "default")):
        world.add(rank)
        world.update(rank, account=account)
    world.deposit()
    world.advance(600)
    pdp.advance(600)
    world.new_container()
    before = {each: len(each.calls()) for each in (pdp, world.simulator)}
    said()

    world.poll()

    found = said()
    made = {each: len(each.calls()) - before[each] for each in before}
    assert (found["StatusCalls/superpdp"], found["StatusCalls/iopole"]) == ([made[pdp]], [made[world.simulator]])
    assert sum(found["StatusCalls"]) == sum(made.values())
    assert min(made.values()) >= 2
    assert found["StatusToPostgresSeconds/superpdp"]


# --- how the whole is -----------------------------------------------------------------------------------------------------


def test_an_idle_relay_says_that_all_is_well(world: World, said: Reading) -> None:
    world.relay()

    found = said()
    assert {name: found.pop(name) for name in ("RequestRatePercent",)} == {"RequestRatePercent": [100]}
    assert found == {
        "OldestOverdueSeconds": [0], "OldestDoubtSeconds": [0], "OldestUnwrittenSeconds": [0], "OldestUndepositedDays": [0],
        "FailedInvoices": [0], "BreakersOpen": [0], "AccountsPaused": [0], "BudgetUsePercent": [0], "ForgottenInvoices": [0],
        "UnnamedKinds": [0], "OldestSilentSeconds": [0], "OldestUnreadSeconds": [0], "DepositsNotShown": [0],
        "UnverifiedWriteBacks": [0], "OldestWaitingSeconds": [0], "InstallationFaults": [0],
    }  # fmt: skip


def test_a_failed_invoice_counts_until_a_newer_submission_has_taken_over(rows: Rows) -> None:
    first, second = rows.noted(), rows.noted()
    for invoice in (first, second):
        rows.reach(invoice, "failed")
    assert rows.relay.vitals().failed == 2

    rows.update(first, technical_status="pending")
    rows.look()

    assert rows.states(first) == ["failed", "in_doubt"]
    assert (rows.relay.vitals().failed, rows.relay.vitals().failed) == (1, 1)


def failed_again(rows: Rows) -> str:
    """An invoice that failed and certainly was not deposited; a person had it sent again, and the relay has seen that."""
    invoice = rows.noted()
    rows.record(invoice, rows.claim(invoice), "failed", "rejected", error_code="given_up", error_message="no")
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert (rows.states(invoice), rows.relay.vitals().failed) == (["failed", "pending"], 0)
    return invoice


def counts(rows: Rows) -> tuple[int, bool, int]:
    """How many failed, whether one of them is undeposited, and how many of them facteur.health counts."""
    rows.run("update facteur.submissions set issue_date = '2026-09-01'")  # as a worker's claim leaves it
    vitals = rows.relay.vitals()
    shown = rows.value("select coalesce(sum(submissions), 0)::integer from facteur.health where state = 'failed'")
    return vitals.failed, vitals.undeposited_days > 0, shown


@pytest.mark.parametrize(
    "columns", [{"document_uri": None}, {"status": "draft"}], ids=["lacks its document", "a draft"]
)
def test_a_failed_invoice_counts_again_where_the_newer_submission_is_withdrawn(
    rows: Rows, columns: dict[str, str | None]
) -> None:
    invoice = failed_again(rows)
    rows.update(invoice, **columns)
    waiting = rows.queued(invoice)

    assert rows.submissions.withdraw(waiting.submission_id)

    assert (rows.states(invoice), counts(rows)) == (["failed"], (1, True, 1))


def test_a_failed_invoice_counts_again_where_the_newer_submission_ends_at_its_claim(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "rejected")
    rows.update(invoice, technical_status="pending")
    rows.look()
    rows.record(invoice, rows.claim(invoice), "failed", "not_deposited", error_code="given_up", error_message="no")
    rows.update(invoice, technical_status="pending")
    rows.look()
    assert (rows.states(invoice), rows.relay.vitals().failed) == (["rejected", "failed", "pending"], 0)
    rows.update(invoice, technical_status="error")  # an ORM saved a stale row: nobody asks for the same bytes again

    assert rows.claim(invoice).verdict == "withdrawn"

    assert (rows.states(invoice), counts(rows)) == (["rejected", "failed"], (1, True, 1))


def test_a_late_answer_to_a_failed_submission_that_was_replaced_counts_as_what_it_is(rows: Rows) -> None:
    invoice = rows.noted()
    late = rows.claim(invoice)
    rows.record(invoice, late, "failed", "not_deposited", error_code="given_up", error_message="no")
    rows.update(invoice, technical_status="pending")
    rows.look()
    rows.record(invoice, rows.claim(invoice), "rejected", "rejected", error_code="HTTP_400", error_message="no")
    rows.relay.vitals()
    rows.run("update facteur.submissions set platform_id = 'P-refused' where state = 'rejected'")

    rows.record(invoice, late, "failed", "accepted", platform_id="P-late")

    assert rows.states(invoice) == ["submitted", "rejected"]
    assert rows.value("select submissions from facteur.health where state = 'submitted'") == 1


def test_a_deposited_row_that_asks_for_another_invoice_needs_a_person_too(rows: Rows) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "submitted")
    rows.update(invoice, invoice_number="F-other", technical_status="pending")
    rows.look()

    assert (rows.relay.vitals().failed, rows.submission(invoice).written_status) == (1, "validated")


@pytest.mark.parametrize(
    ("state", "days"),
    [("pending", 12), ("in_doubt", 12), ("failed", 12), ("submitted", 0), ("rejected", 0), ("closed", 0)],
)
def test_the_legal_deadline_runs_from_the_issue_date_until_the_deposit(rows: Rows, state: str, days: int) -> None:
    invoice = rows.noted()
    issued = "(facteur.now() at time zone 'Europe/Paris')::date - 12"
    rows.run(f"update facteur.submissions set issue_date = {issued}")

    rows.reach(invoice, state)
    rows.run(f"update facteur.submissions set issue_date = {issued}")

    assert rows.relay.vitals().undeposited_days == days


def test_a_row_that_cannot_be_written_says_since_when(rows: Rows) -> None:
    invoice = rows.noted()
    rows.run("alter table invoicing.invoices add constraint stubborn check (technical_status <> 'validated')")
    rows.reach(invoice, "submitted")
    rows.advance(1000)
    rows.write_back()
    assert 1000 <= rows.relay.vitals().unwritten_seconds < 1060

    rows.run("alter table invoicing.invoices drop constraint stubborn")
    rows.advance(10_000)
    rows.write_back()

    assert rows.relay.vitals().unwritten_seconds == 0


def test_open_breakers_and_pauses_are_counted_by_account(rows: Rows) -> None:
    rows.run("insert into facteur.budgets (key) values ('account:a'), ('account:b'), ('account:c'), ('account:d')")
    for _ in range(5):
        rows.run("select facteur.note_answered('a', false)")
    rows.run("select facteur.pause('account:b', 60, 'token_refused')")
    rows.run("update facteur.budgets set hold_until = 'infinity' where key = 'account:c'")

    vitals = rows.relay.vitals()

    assert (vitals.breakers_open, vitals.accounts_paused) == (1, 3)


def test_the_budget_says_how_much_of_it_is_spent(rows: Rows) -> None:
    store = rows.store(per_minute=600)  # a hundred at once
    rows.run("select facteur.take_permits('default', 25, 600)")
    assert 20 <= store.vitals().budget_use_percent <= 25

    rows.run("update facteur.budgets set tokens = -5, refilled_at = facteur.now() where key = 'address'")

    assert store.vitals().budget_use_percent == 100


def test_a_lowered_rate_is_reported(rows: Rows) -> None:
    rows.run("select facteur.pause('account:default', 1, 'too_many_requests')")

    assert 70 <= rows.relay.vitals().rate_percent < 75


def test_a_rotated_secret_is_no_alarm(world: World, said: Reading) -> None:
    world.add(1)
    world.simulator.rotate_secret("new")
    world.put_secret("default", platform_secret(world.simulator) | {"client_secret": "new"})

    world.deposit()

    assert "AccountRefused" not in said()


# --- what it costs the database -------------------------------------------------------------------------------------------

MANY_FINISHED = """
insert into facteur.submissions (invoice_id, account, state, platform_id, submitted_at, finalized_at, written_status, issue_date,
                                 superseded)
select 'C-' || n, 'default', case mod(n, 2) when 0 then 'closed' else 'failed' end, 'closed-' || n, facteur.now(), facteur.now(),
       'validated', '2026-01-01', true
from generate_series(%(first)s, %(last)s) n
"""


@pytest.mark.slow
def test_the_vitals_touch_no_more_of_the_database_however_much_is_finished(rows: Rows) -> None:
    rows.run("update facteur.installation set forgotten_checked_at = now()")
    rows.reach(rows.noted(), "failed")
    touched = []

    for first, last in ((1, 5_000), (5_001, 50_000)):
        rows.run(MANY_FINISHED, first=first, last=last)
        rows.run("vacuum analyze facteur.submissions")
        rows.relay.vitals()
        plan = rows.value("explain (analyze, buffers, format json) select * from facteur.vitals(150)")[0]["Plan"]
        touched.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    assert touched[1] <= touched[0] * 1.2 + 12  # an index may be a level deeper


def test_every_metric_has_a_name_that_says_its_unit() -> None:
    assert all(name.isalpha() and name[0].isupper() for name in Metric)
