"""Statuses from the platform's search: what a pass costs, what it finds, and what it survives."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from facteur.observability import PowertoolsJournal
from facteur.poll_statuses.run import poll_statuses
from facteur.poll_statuses.wiring import poll_services
from functions.poll_statuses import app as poll_statuses_app
from local.world.crowd import DAY, HOUR, crowd, known
from local.world.levers import World

SLOW_HISTORIES = {"HISTORY_REQUESTS_PER_MINUTE": "0.1"}


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "sweep", **SLOW_HISTORIES}


MISDATED = """
update facteur.submissions set swept_id = platform_id, shown_created_at = submitted_at - interval '9 days' where platform_id = %(id)s
"""


def searches(world: World) -> int:
    """Searches that were let in: a 401 after a leap in time is none."""
    return sum(call["status"] != 401 for call in world.simulator.calls("search"))


def histories(world: World) -> list[str]:
    """The deposits whose histories were read, in that order."""
    return [call["path"].split("/")[3] for call in world.simulator.calls("history")]


def passed(world: World, seconds: float = 0.0) -> int:
    """One pass over everything that is due; how many searches it took."""
    world.advance(seconds)
    before = searches(world)
    world.poll()
    return searches(world) - before


def value(world: World, statement: str, **parameters: Any) -> Any:
    return world.database.row(statement, parameters)[0]


def due(world: World) -> int:
    return int(
        value(world, "select count(*) from facteur.submissions where state = 'submitted' and due_at <= facteur.now()")
    )


def code_of(world: World, platform_id: str) -> str:
    return str(
        value(world, "select lifecycle_code from facteur.submissions where platform_id = %(id)s", id=platform_id)
    )


def unlimited_histories(world: World, monkeypatch: pytest.MonkeyPatch, per_minute: str = "60000") -> None:
    monkeypatch.setenv("HISTORY_REQUESTS_PER_MINUTE", per_minute)
    world.new_container()


# --- what a pass costs ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed_between", "switches"),
    [
        (0, {}), (0, {"search_order": "oldest"}), (10, {}),
        (0, {"search_dates": False}), (10, {"search_fields": "bare", "search_dates": False}),
        (0, {"search_states": False}), (0, {"search_fields": "bare"}), (0, {"search_fields": "prefixed", "create_date_key": "date"}),
    ],
)  # fmt: skip
def test_a_pass_without_changes_costs_six_calls_for_a_thousand_open_deposits(
    world: World, closed_between: int, switches: dict[str, Any]
) -> None:
    world.simulator.configure(**switches)
    crowd(world, 1000, closed_between=closed_between)
    known(world)
    asked = len(histories(world))

    calls = passed(world)

    assert calls <= 6
    assert due(world) == 0
    assert len(histories(world)) == asked


def test_closed_deposits_of_earlier_years_cost_nothing(world: World) -> None:
    crowd(world, 2000, youngest=500 * DAY, prefix="OLD")
    world.database.rows("update facteur.submissions set state = 'closed', due_at = null, finalized_at = facteur.now()")
    crowd(world, 200)

    assert passed(world) <= 2
    assert due(world) == 0


def test_a_pass_reads_one_history_for_each_change_and_the_urgent_ones_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = crowd(world, 400)
    known(world)
    changes = {3: "IN_HAND", 90: "REFUSED", 200: "APPROVED", 250: "REJECTED", 333: "DISPUTED"}
    for rank, code in changes.items():
        world.simulator.add_status(opened.ids[rank], code, reason="OTHER")
    unlimited_histories(world, monkeypatch)
    asked = len(histories(world))

    # a look at everything first, so that the order shows
    world.simulator.outage(1e6, "429", ["history"])
    passed(world)
    world.simulator.outage(0)
    refused = len(histories(world)) - asked
    world.advance(120)
    world.poll()

    read = [opened.ids.index(each) for each in histories(world)[asked + refused :]]
    assert sorted(read) == sorted(changes)
    assert set(read[:3]) == {90, 250, 333}
    states = world.database.rows("select platform_id, state from facteur.submissions where state <> 'submitted'")
    assert {row.platform_id: row.state for row in states} == {opened.ids[90]: "closed", opened.ids[250]: "rejected"}

    world.advance(7 * HOUR)
    world.poll()
    assert len(histories(world)) == asked + refused + len(changes)  # once per distinct value


def test_a_change_sets_the_code_at_once_though_the_history_must_wait(world: World) -> None:
    opened = crowd(world, 20)
    known(world)
    world.simulator.add_status(opened.ids[7], "DISPUTED", reason="OTHER")

    passed(world)

    row = world.database.row("select * from facteur.submissions where platform_id = %(id)s", {"id": opened.ids[7]})
    assert (row.lifecycle_code, row.swept_code, row.history_rank) == ("207", "207", 0)
    assert row.history_due_at is not None
    assert row.write_back_due_at is not None
    assert opened.ids[7] not in histories(world)[1:]


def test_a_switch_from_histories_to_sweeps_reads_no_history_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_SOURCE", "history")
    unlimited_histories(world, monkeypatch)
    crowd(world, 30)
    world.poll()
    asked = len(histories(world))
    assert asked == 30

    monkeypatch.setenv("STATUS_SOURCE", "sweep")
    world.new_container()
    passed(world, DAY / 2)

    assert searches(world) == 1
    assert len(histories(world)) == asked


# --- resuming, overlapping, stopping ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "sweep", "REQUESTS_PER_MINUTE": "12", **SLOW_HISTORIES}])
def test_a_slow_pass_goes_on_where_it_stopped(world: World, settings: dict[str, str]) -> None:
    crowd(world, 2500, youngest=30 * DAY)

    calls = [passed(world, seconds) for seconds in (0, 25, 25, 25)]

    assert 0 < calls[0] <= 10  # what the bucket holds
    assert sum(calls) == math.ceil(2500 / 190)
    assert due(world) == 0


def test_overlapping_runs_take_different_slices(world: World) -> None:
    crowd(world, 1900)

    with ThreadPoolExecutor(3) as threads:
        for run in [threads.submit(world.poll) for _ in range(3)]:
            run.result()

    assert searches(world) <= 13  # neighbours may be cut differently
    assert due(world) == 0


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "sweep", "REQUESTS_PER_MINUTE": "12", **SLOW_HISTORIES}])
def test_a_run_that_has_time_takes_permits_as_they_come(world: World, settings: dict[str, str]) -> None:
    crowd(world, 2500, youngest=30 * DAY)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        world.advance(seconds)

    services = poll_services(PowertoolsJournal("poll_statuses"))
    poll_statuses(dataclasses.replace(services, wait=wait), remaining_seconds=600)

    assert searches(world) == math.ceil(2500 / 190)
    assert due(world) == 0
    assert 15 <= sum(waited) <= 60  # four more permits than the bucket had, and then a history for which there is none


def test_histories_that_are_paused_are_not_waited_for(world: World) -> None:
    crowd(world, 3)
    world.database.rows(
        "update facteur.budgets set paused_until = facteur.now() + interval '1 day' where key = 'history'"
    )
    waited: list[float] = []

    services = poll_services(PowertoolsJournal("poll_statuses"))
    poll_statuses(dataclasses.replace(services, wait=waited.append, history_seconds=6), remaining_seconds=600)

    assert searches(world) == 1
    assert sum(waited) <= 20


class HalfASecond:
    """A function with less time left than an answer may take."""

    def get_remaining_time_in_millis(self) -> int:
        return 14000


def test_a_run_without_time_for_an_answer_asks_nothing(world: World) -> None:
    crowd(world, 10)

    poll_statuses_app.handler({}, HalfASecond())

    assert (searches(world), due(world)) == (0, 10)


def test_a_run_that_dies_after_its_claim_leaves_its_rows_to_a_later_one(world: World) -> None:
    crowd(world, 10)
    world.database.rows("select * from facteur.claim_sweep(120, true, 190, 200, 175)")
    assert passed(world) == 0

    assert passed(world, 121) == 1
    assert due(world) == 0


@pytest.mark.parametrize("fault", ["500", "html", "unreadable", "reset", "truncated", "302", "403", "429_seconds:90"])
def test_a_page_that_cannot_be_read_is_read_later(world: World, fault: str) -> None:
    opened = crowd(world, 10)
    world.simulator.script_endpoint("search", [fault])

    world.poll()
    assert code_of(world, opened.ids[0]) == "None"

    world.advance(400)
    world.poll()
    assert code_of(world, opened.ids[0]) == "203"


def test_accounts_take_turns_and_one_that_is_refused_holds_nobody_up(world: World) -> None:
    world.simulator.add_account("second", "secret", "0198c0de-0000-7000-8000-000000000002")
    second = {"client_id": "second", "client_secret": "secret", "customer_id": "0198c0de-0000-7000-8000-000000000002"}
    world.put_secret("second", second)
    world.put_secret("third", {"client_id": "nobody", "client_secret": "wrong"})
    ours = crowd(world, 200)
    theirs = crowd(world, 200, account="second", client_id="second", prefix="S-2026")
    world.database.rows("insert into facteur.budgets (key) values ('account:third')")
    world.database.rows(
        "update facteur.submissions set account = 'third' where id = (select max(id) from facteur.submissions)"
    )

    world.poll()

    assert [code_of(world, opened.ids[0]) for opened in (ours, theirs)] == ["203", "203"]
    assert value(world, "select pause_reason from facteur.budgets where key = 'account:third'") == "token_refused"


# --- what is found ------------------------------------------------------------------------------------------------------


def test_a_status_on_a_deposit_of_sixty_days_is_found_within_a_day(world: World) -> None:
    opened = crowd(world, 20, youngest=60 * DAY)
    known(world)
    passed(world)
    world.advance(1800)
    world.simulator.add_status(opened.ids[11], "APPROVED")

    hours = next(hour for hour in range(1, 25) if passed(world, HOUR) and code_of(world, opened.ids[11]) == "205")

    assert hours <= 24
    assert searches(world) <= 2 + 24 / 6


def test_young_deposits_are_looked_at_before_a_backlog_of_old_ones(world: World) -> None:
    crowd(world, 600, youngest=30 * DAY)
    world.advance(100)
    young = crowd(world, 5, youngest=10, apart=1, prefix="Y-2026")

    world.database.rows("update facteur.budgets set tokens = 1 where key = 'address'")  # one call
    world.poll()

    assert code_of(world, young.ids[0]) == "203"


def test_a_deposit_with_a_wrong_date_is_found_by_its_number_and_its_date_is_kept(world: World) -> None:
    opened = crowd(world, 20)
    world.database.rows(MISDATED, {"id": opened.ids[4]})

    passed(world)

    assert code_of(world, opened.ids[4]) == "203"
    row = world.database.row("select * from facteur.submissions where platform_id = %(id)s", {"id": opened.ids[4]})
    assert abs((row.deposited_at - row.submitted_at).total_seconds()) < 5


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_go_on_where_others_deposited_at_the_same_time(world: World, order: str) -> None:
    world.simulator.configure(search_order=order)
    others = [{"number": f"OTHER-{rank}", "age_seconds": HOUR + 10 * rank} for rank in range(200)]
    world.simulator.add_foreign_invoices(others)
    opened = crowd(world, 150, apart=10)

    assert passed(world) == 2
    assert all(code_of(world, each) == "203" for each in opened.ids)


def test_a_few_deposits_among_thousands_of_others_are_searched_for_by_number(world: World) -> None:
    others = [{"number": f"OTHER-{rank}", "age_seconds": HOUR + rank} for rank in range(3000)]
    world.simulator.add_foreign_invoices(others)
    opened = crowd(world, 30, apart=100)

    assert passed(world) <= 2
    assert all(code_of(world, each) == "203" for each in opened.ids)
    assert passed(world, 7 * HOUR) == 1


@pytest.mark.parametrize("strangers", [2, 9])
def test_numbers_that_others_use_too_are_paged_through(world: World, strangers: int) -> None:
    world.simulator.configure(search_dates=False)
    opened = crowd(world, 150)
    same = [{"number": number, "age_seconds": 5 * HOUR} for number in opened.numbers for _ in range(strangers)]
    world.simulator.add_foreign_invoices(same)

    passed(world)

    found = value(world, "select count(*) from facteur.submissions where lifecycle_code = '203'")
    assert found == 150 if strangers == 2 else found >= 100


def test_where_search_shows_no_status_its_state_makes_the_history_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.simulator.configure(search_omits=["lastStatusData"])
    unlimited_histories(world, monkeypatch)
    opened = crowd(world, 3)

    passed(world)

    assert [code_of(world, each) for each in opened.ids] == ["203"] * 3
    assert sorted(histories(world)) == sorted(opened.ids)


def test_a_deposit_that_search_does_not_show_has_its_history_read_once_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = crowd(world, 1, youngest=40 * DAY)
    unlimited_histories(world, monkeypatch)
    world.database.rows(
        "update facteur.submissions set invoice_number = 'X' where platform_id = %(id)s", {"id": opened.ids[0]}
    )
    world.database.rows(MISDATED, {"id": opened.ids[0]})

    for _ in range(8):
        passed(world, 6.1 * HOUR)

    assert histories(world).count(opened.ids[0]) == 2
    assert code_of(world, opened.ids[0]) == "203"


def test_what_was_followed_long_enough_is_closed_after_one_last_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(world, 20, youngest=399.9 * DAY, apart=1)
    unlimited_histories(world, monkeypatch)
    known(world)
    asked = len(histories(world))

    passed(world, DAY)
    assert len(histories(world)) == asked + 20
    passed(world, DAY)

    assert value(world, "select count(*) from facteur.submissions where state = 'closed'") == 20
    assert len(histories(world)) == asked + 20


@pytest.mark.parametrize("answer", ["answer:404:json", 'answer:200:{"data": []}'])
def test_a_last_history_without_the_status_that_the_search_shows_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    crowd(world, 1, youngest=399.9 * DAY)
    unlimited_histories(world, monkeypatch)
    world.simulator.outage(1e9, answer, ["history"])
    passed(world, DAY)
    assert value(world, "select state from facteur.submissions") == "submitted"

    world.simulator.outage(0, answer, ["history"])
    passed(world, DAY + HOUR)

    assert value(world, "select state from facteur.submissions") == "closed"
    assert value(world, "select count(*) from facteur.status_events") > 0


def test_contradictory_verdicts_of_one_instant_leave_the_code_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = crowd(world, 3)
    unlimited_histories(world, monkeypatch)
    world.poll()
    at = world.simulator.call("GET", "health")["now"]
    moment = value(world, "select extract(epoch from %(at)s::timestamptz)::float", at=at)
    for code in ("APPROVED", "REFUSED"):
        world.simulator.add_status(opened.ids[1], code, at=moment)

    passed(world, 7 * HOUR)

    row = world.database.row("select * from facteur.submissions where platform_id = %(id)s", {"id": opened.ids[1]})
    assert (row.state, row.lifecycle_code, row.last_error_code) == ("submitted", "203", "contradictory_statuses")
    asked = len(histories(world))
    passed(world, 7 * HOUR)
    assert len(histories(world)) == asked

    world.simulator.add_status(opened.ids[1], "REFUSED", reason="OTHER")
    passed(world, 7 * HOUR)
    assert (
        value(world, "select state from facteur.submissions where platform_id = %(id)s", id=opened.ids[1]) == "closed"
    )


def test_of_several_statuses_of_one_instant_the_history_decides_which_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = crowd(world, 1)
    unlimited_histories(world, monkeypatch)
    world.poll()
    moment = value(world, "select extract(epoch from lifecycle_at)::float from facteur.submissions") + 1
    world.simulator.add_status(opened.ids[0], "MADE_AVAILABLE", at=moment + 0.0002)
    passed(world, 500)
    world.simulator.add_status(
        opened.ids[0], "SUBMITTED", at=moment + 0.0009
    )  # later, and shown in the same millisecond
    monkeypatch.setenv("HISTORY_REQUESTS_PER_MINUTE", "0.1")
    world.new_container()
    world.database.rows("update facteur.budgets set tokens = 0 where key = 'history'")
    world.database.rows("update facteur.submissions set swept_id = null, swept_code = null, swept_at = null")

    passed(world, 500)
    assert value(world, "select swept_code from facteur.submissions") == "200"
    assert code_of(world, opened.ids[0]) == "203"

    unlimited_histories(world, monkeypatch)
    passed(world, DAY)
    assert code_of(world, opened.ids[0]) == "203"
    assert value(world, "select count(*) from facteur.status_events") == 4


@pytest.mark.slow
def test_a_history_that_lags_behind_the_search_takes_nothing_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = crowd(world, 3)
    unlimited_histories(world, monkeypatch)
    world.poll()
    world.simulator.configure(history_lag=8 * HOUR)
    world.simulator.add_status(opened.ids[1], "DISPUTED", reason="OTHER", message="wet")
    asked = len(histories(world))

    for _ in range(7):
        passed(world, HOUR)
        assert code_of(world, opened.ids[1]) == "207"
    assert 1 <= len(histories(world)) - asked <= 7

    for _ in range(12):
        passed(world, HOUR)
    events = "select count(*) from facteur.status_events where code = '207' and message is not null"
    assert (code_of(world, opened.ids[1]), value(world, events)) == ("207", 1)
    read = len(histories(world))
    passed(world, HOUR)
    assert len(histories(world)) == read


# --- what it costs the database -------------------------------------------------------------------------------------------


MANY_CLOSED = """
insert into facteur.submissions (invoice_id, account, state, platform_id, submitted_at, finalized_at, written_status)
select 'C-' || n, 'default', 'closed', 'closed-' || n, facteur.now() - interval '500 days', facteur.now(), 'validated'
from generate_series(%(first)s, %(last)s) n
"""
STATEMENTS = (
    "select * from facteur.claim_sweep(0, true, 190, 200, 175)",
    "select * from facteur.claim_histories(1, 0)",
    "select * from facteur.claim_status_updates(1, 0)",
    "select * from facteur.accounts_to_pull()",
)


def blocks(world: World, statement: str) -> int:
    """Pages of the database that a statement touches."""
    plan = world.database.row("explain (analyze, buffers, format json) " + statement)[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.mark.slow
@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_touches_no_more_of_the_database_for_a_hundred_thousand_closed_deposits(
    world: World, statement: str
) -> None:
    crowd(world, 300)
    world.poll()
    world.database.rows("update facteur.submissions set due_at = facteur.now() - interval '1 minute'")

    touched = []
    for first, last in ((1, 10_000), (10_001, 100_000)):
        world.database.rows(MANY_CLOSED, {"first": first, "last": last})
        world.database.rows("vacuum analyze facteur.submissions")
        blocks(world, statement)  # the catalogue's pages
        touched.append(blocks(world, statement))

    assert touched[1] <= touched[0] * 1.2 + 4  # an index may be a level deeper


@pytest.mark.parametrize("away_hours", [7, 30])
def test_a_refusal_that_is_dated_back_is_found_though_nobody_polled_when_its_deposit_doubled_its_age(
    world: World, away_hours: int
) -> None:
    """The search shows the newest status by date: only the history, read once the age has doubled, has this one."""
    world.add(1)
    world.deposit()
    passed(world, 60)
    for _ in range(22):
        passed(world, 3600)
    deposit = world.submission(1).platform_id
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=-82_800)

    passed(world, away_hours * 3600)
    passed(world, 60)

    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("rejected", "213")
