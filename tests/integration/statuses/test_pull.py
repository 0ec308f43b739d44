"""Statuses that the platform shows until they are acknowledged: stored first, acknowledged then, and strangers' as well."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.invoices import sample_invoice
from local.world.crowd import DAY, HOUR, crowd
from local.world.levers import World, platform_secret
from tests.contract.simulator.client import client_of
from tests.two_accounts import SECOND

DUE_LATER = "update facteur.submissions set due_at = facteur.now() + interval '1 day' where state = 'submitted'"


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "pull"}


def stored(world: World) -> int:
    return int(world.database.row("select count(*) from facteur.status_events")[0])


def unmatched(world: World) -> int:
    return int(world.database.row("select count(*) from facteur.unmatched_statuses")[0])


def unseen(world: World) -> list[int]:
    """The answers to notSeen so far, but for tokens that ran out in a leap of time."""
    return [call["status"] for call in world.simulator.calls("not_seen") if call["status"] != 401]


def acknowledged(world: World) -> list[str]:
    """The statuses that were marked as seen, each time."""
    calls = world.simulator.calls("mark_as_seen")
    return [call["path"].split("/")[4] for call in calls if call["status"] == 204]


@pytest.mark.parametrize("shape", ["newstatus", "newStatus", "flat"])
def test_each_status_is_stored_and_acknowledged_once(world: World, shape: str) -> None:
    world.simulator.configure(not_seen_shape=shape)
    opened = crowd(world, 70)

    world.poll()
    world.poll()

    assert (stored(world), unmatched(world)) == (140, 0)
    assert len(acknowledged(world)) == len(set(acknowledged(world))) == 140
    assert world.simulator.calls("history") == []
    codes = world.database.rows("select distinct lifecycle_code as code from facteur.submissions")
    assert [row.code for row in codes] == ["203"]
    assert len(opened.ids) == 70


def test_statuses_of_others_are_counted_kept_and_acknowledged(world: World) -> None:
    world.simulator.add_foreign_invoices([{"number": f"O-{rank}", "age_seconds": DAY} for rank in range(120)])
    crowd(world, 5)

    world.poll()

    assert (stored(world), unmatched(world)) == (10, 240)
    assert len(acknowledged(world)) == 250


def test_an_unmatched_status_that_was_ours_after_all_is_not_lost(world: World) -> None:
    """Its status was shown before the deposit's answer was recorded."""
    crowd(world, 1, prefix="A-2026")
    world.simulator.add_foreign_invoices([{"number": "L-1", "age_seconds": 30}])
    world.poll()
    assert unmatched(world) == 2

    late = world.database.row("select distinct platform_id from facteur.unmatched_statuses").platform_id
    world.database.rows(
        "update facteur.submissions set platform_id = %(id)s, lifecycle_code = null, lifecycle_at = null, due_at = facteur.now()",
        {"id": late},
    )
    world.poll()

    row = world.database.row(
        "select lifecycle_code, state from facteur.submissions where platform_id = %(id)s", {"id": late}
    )
    assert (row.lifecycle_code, row.state) == ("203", "submitted")

    world.advance(401 * DAY)  # once stored they no longer count as new: follow-up ends as anybody's does
    world.poll()
    assert world.database.row("select state from facteur.submissions").state == "closed"


@pytest.mark.parametrize("dates", [["null"], []])
def test_two_unmatched_statuses_under_one_id_for_two_readers_are_two(world: World, dates: list[str]) -> None:
    world.simulator.configure(status_ids="constant", status_dates=dates)
    world.add(1)
    world.deposit()
    world.database.rows(
        "update facteur.submissions set platform_id = 'elsewhere', due_at = facteur.now() + interval '1 day'"
    )
    world.advance(60)

    world.poll()

    found = world.database.rows(
        "select status_id, event ->> 'audience' as audience from facteur.unmatched_statuses where code = '200'"
    )
    assert sorted(row.audience for row in found) == ["OPERATOR", "PPF"]
    assert len({row.status_id for row in found}) == 2


def test_an_account_whose_secret_is_lost_does_not_end_the_poll_of_others(world: World) -> None:
    """Not even where another run has its turn, and one of its deposits has a status that came too early."""
    world.simulator.add_account(**SECOND)
    world.put_secret("second", SECOND)
    crowd(world, 1, prefix="A-2026")
    world.simulator.add_foreign_invoices([{"number": "L-1", "age_seconds": 30}])
    world.poll()
    late = world.database.row("select distinct platform_id from facteur.unmatched_statuses").platform_id
    world.database.rows(
        "update facteur.submissions set platform_id = %(id)s, lifecycle_code = null, due_at = facteur.now()",
        {"id": late},
    )
    crowd(world, 1, prefix="B-2026", account="second", client_id=SECOND["client_id"])
    world.put_secret("default", "no json")
    world.new_container()
    world.database.rows(
        "update facteur.sweeps set taken_until = facteur.now() + interval '2 minutes' where account = 'default'"
    )

    world.poll()

    codes = world.database.rows("select account, lifecycle_code as code from facteur.submissions order by account")
    assert [tuple(row) for row in codes] == [("default", None), ("second", "203")]
    assert world.database.row("select error from facteur.runs where name = 'poll_statuses'").error is None

    world.put_secret("default", platform_secret(world.simulator))
    world.new_container()
    world.advance(700)
    world.poll()

    assert (
        world.database.row("select lifecycle_code as code from facteur.submissions where account = 'default'").code
        == "203"
    )


def test_an_unmatched_status_is_stored_with_a_verdict_that_comes_before_anybody_looked_for_it(world: World) -> None:
    crowd(world, 1, prefix="A-2026")
    world.simulator.add_foreign_invoices([{"number": "L-1", "age_seconds": 30}])
    world.poll()
    late = world.database.row("select distinct platform_id from facteur.unmatched_statuses").platform_id
    world.database.rows(
        "update facteur.submissions set platform_id = %(id)s, lifecycle_code = null, lifecycle_at = null, "
        "due_at = facteur.now() + interval '1 hour'",
        {"id": late},
    )
    world.simulator.add_status(late, "REJECTED")

    world.poll()

    known = world.database.rows("select code from facteur.status_events where platform_id = %(id)s", {"id": late})
    assert len(known) == 3
    assert world.database.row("select state from facteur.submissions").state == "rejected"


def test_a_platform_that_is_back_and_has_no_statuses_closes_the_breaker(world: World) -> None:
    crowd(world, 1)
    world.poll()
    world.simulator.outage(1e9, "503", ["not_seen"])
    for _ in range(8):
        world.advance(70)
        world.poll()
    assert world.database.row("select probing from facteur.budgets where key = 'account:default'").probing

    world.simulator.outage(0)
    world.advance(70)
    world.poll()

    assert not world.database.row("select probing from facteur.budgets where key = 'account:default'").probing


def test_an_acknowledgement_that_fails_changes_nothing(world: World) -> None:
    crowd(world, 3)
    world.simulator.script_endpoint("mark_as_seen", ["500", "500"])

    world.poll()
    assert stored(world) == 6
    world.advance(90)
    world.poll()
    world.advance(90)
    world.poll()

    assert (stored(world), len(set(acknowledged(world)))) == (6, 6)


@pytest.mark.slow
def test_statuses_that_nobody_may_acknowledge_do_not_keep_the_others_unseen(world: World) -> None:
    """They grow old at the head of the list: after a few refusals in a row a reading ends."""
    world.simulator.configure(acks_refused=0.05)  # always the same ones: fewer than fill a page
    for rank in range(20):
        crowd(world, 20, youngest=2 * HOUR - 60 * rank, prefix=f"F-{rank}")
        world.poll()

    assert stored(world) == 800
    assert world.database.row(ALARM).n == 0
    assert len(set(acknowledged(world))) > 600


@pytest.mark.slow
def test_a_full_page_is_reported_also_where_a_reading_breaks_off(world: World) -> None:
    crowd(world, 60)
    world.simulator.outage(3 * HOUR, "close", ["mark_as_seen"])

    advance_by(world, HOUR, 4)

    assert world.database.row(ALARM).n == 1
    assert stored(world) == 120  # by histories


def test_nothing_is_acknowledged_that_was_not_stored(world: World) -> None:
    crowd(world, 3)
    world.database.rows("alter table facteur.status_events add constraint broken check (code <> '203') not valid")

    world.poll()
    assert stored(world) == len(acknowledged(world)) == 3  # the other one of each

    world.database.rows("alter table facteur.status_events drop constraint broken")
    world.advance(130)
    world.poll()
    assert (stored(world), len(acknowledged(world))) == (6, 6)


def test_overlapping_runs_acknowledge_each_status_once(world: World) -> None:
    crowd(world, 60)
    world.database.rows(DUE_LATER)

    with ThreadPoolExecutor(3) as threads:
        for run in [threads.submit(world.poll) for _ in range(3)]:
            run.result()

    assert stored(world) == 120
    assert len(acknowledged(world)) == 120


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull", "REQUESTS_PER_MINUTE": "60"}])
def test_acknowledgements_keep_to_the_budget_and_go_on_next_time(world: World, settings: dict[str, str]) -> None:
    crowd(world, 10)

    world.poll()
    assert 9 <= len(acknowledged(world)) < 20  # ten permits, one for the page, and one for each second that it takes
    assert stored(world) == 20

    for _ in range(2):
        world.advance(10)
        world.poll()
    assert (stored(world), len(set(acknowledged(world)))) == (20, 20)


@pytest.mark.parametrize("fault", ["500", "html", "unreadable", "reset", "403", "429_seconds:90"])
def test_unseen_statuses_that_cannot_be_read_are_read_later(world: World, fault: str) -> None:
    crowd(world, 3, youngest=60)
    world.simulator.script_endpoint("not_seen", [fault])

    world.poll()
    assert stored(world) == 0

    world.advance(400)
    world.poll()
    assert stored(world) == 6


def test_a_verdict_that_contradicts_an_earlier_pull_of_the_same_instant_is_not_believed(world: World) -> None:
    opened = crowd(world, 1)
    world.poll()
    moment = world.database.row("select extract(epoch from facteur.now())::float")[0]
    for code in ("APPROVED", "REFUSED"):
        world.simulator.add_status(opened.ids[0], code, at=moment)
        world.poll()

    row = world.database.row("select state, lifecycle_code, last_error_code from facteur.submissions")
    assert (row.state, row.lifecycle_code, row.last_error_code) == ("submitted", "205", "contradictory_statuses")


def test_an_older_status_that_comes_late_moves_nothing_back(world: World) -> None:
    opened = crowd(world, 1)
    world.simulator.add_status(opened.ids[0], "APPROVED", at_offset=-60)
    world.poll()
    world.simulator.add_status(opened.ids[0], "IN_HAND", at_offset=-120)

    world.poll()

    assert world.database.row("select lifecycle_code from facteur.submissions")[0] == "205"
    assert stored(world) == 4


def test_where_a_webhook_takes_the_statuses_the_history_is_asked_after_an_hour(world: World) -> None:
    world.simulator.configure(mode="PUSH")
    world.add(1)
    world.deposit()
    world.advance(10)
    world.poll()
    assert (world.submission(1).lifecycle_code, world.simulator.calls("history")) == (None, [])

    for _ in range(12):
        world.advance(HOUR / 4)
        world.poll()

    assert world.submission(1).lifecycle_code == "203"
    assert len([call for call in world.simulator.calls("history") if call["status"] == 200]) == 1
    assert world.deposits(1)[0]["number"] == sample_invoice(1).number


ALARM = "select facteur.accounts_not_shown() as n"


def advance_by(world: World, seconds: float, steps: int) -> None:
    for _ in range(steps):
        world.advance(seconds / steps)
        world.poll()


def taken_by_another(world: World) -> None:
    """Another program of the same client acknowledges all that is unseen now."""
    another = client_of(world.simulator)
    for said in another.get("/v1/invoice/status/notSeen").json():
        for status in said["newstatus"]:
            another.send("PUT", f"/v1/invoice/status/{status['statusId']}/markAsSeen")


def test_a_webhook_that_appears_later_hides_no_verdict(world: World) -> None:
    """The deposit has a status already: nothing of it is silent, and nothing more is ever shown."""
    opened = crowd(world, 5)
    world.poll()
    assert stored(world) == 10
    world.simulator.configure(mode="PUSH")
    for deposit in opened.ids[1:]:
        world.simulator.add_status(deposit, "REFUSED", at_offset=60)

    advance_by(world, 3 * DAY, 24)

    codes = world.database.rows("select lifecycle_code as code from facteur.submissions order by id")
    assert [row.code for row in codes] == ["203"] + ["210"] * 4
    assert world.database.row(ALARM).n == 1

    world.simulator.configure(mode="PULL")
    world.simulator.add_status(opened.ids[0], "APPROVED", at_offset=120)
    world.poll()

    assert world.database.row(ALARM).n == 0


def test_another_reader_of_the_same_account_hides_no_verdict(world: World) -> None:
    opened = crowd(world, 1)
    world.poll()
    world.simulator.add_status(opened.ids[0], "REJECTED", at_offset=60)
    taken_by_another(world)

    advance_by(world, 3 * DAY, 24)

    assert world.database.row("select state from facteur.submissions").state == "rejected"


@pytest.mark.parametrize("refused", [1.0, 0.0])
def test_a_status_that_comes_for_ever_is_no_word_of_the_pull(world: World, refused: float) -> None:
    """Else another reader who takes all the rest would not be noticed."""
    said = "select extract(epoch from facteur.now() - pulled_at) as seconds from facteur.sweeps"
    world.simulator.configure(acks_refused=1.0)
    crowd(world, 1)
    world.poll()
    assert world.database.row(said).seconds < HOUR / 2

    world.simulator.configure(acks_refused=refused)
    world.advance(HOUR)
    world.poll()

    assert (world.database.row(said).seconds > HOUR / 2) == bool(refused)


@pytest.mark.parametrize("turn", ["default", "second"])
def test_two_names_of_one_client_are_reported_together(world: World, turn: str) -> None:
    """Whichever asks first is shown the statuses of both."""
    world.put_secret("second", platform_secret(world.simulator))
    crowd(world, 2)
    crowd(world, 2, account="second", prefix="S-2026")
    known = world.database.rows("select pin from facteur.accounts where name = 'default' and pin is not null")
    world.database.rows(
        "insert into facteur.accounts (name, pin) select unnest(array['default', 'second']), %(p)s::jsonb "
        "on conflict (name) do update set pin = excluded.pin",
        {"p": json.dumps(known[0].pin if known else {"client": "one"})},
    )
    world.database.rows(
        "insert into facteur.sweeps (account, pulled_at) select unnest(array['default', 'second']), '-infinity'"
    )

    world.database.rows("select facteur.note_pulled(%(account)s)", {"account": turn})

    assert world.database.row("select count(*) as n from facteur.unseen_accounts()").n == 0


def test_an_account_at_rest_rings_nothing(world: World) -> None:
    crowd(world, 3)
    world.poll()

    advance_by(world, 3 * DAY, 12)

    assert world.database.row(ALARM).n == 0
    assert stored(world) == 6


@pytest.mark.parametrize("fault", [None, "500"])
def test_follow_up_ends_with_a_last_reading_of_the_history(world: World, fault: str | None) -> None:
    crowd(world, 1, youngest=399.9 * DAY)
    world.poll()
    if fault:
        world.simulator.outage(1e9, fault, ["history"])

    world.advance(DAY)
    world.poll()
    world.poll()

    assert world.database.row("select state from facteur.submissions").state == ("submitted" if fault else "closed")
    assert len(world.simulator.calls("history")) >= 1

    world.advance(2 * DAY)
    world.poll()
    world.poll()
    assert world.database.row("select state from facteur.submissions").state == "closed"


@pytest.mark.slow
def test_a_reader_who_takes_one_status_of_many_hides_no_verdict(world: World) -> None:
    """The pull shows something of ours each day."""
    opened = crowd(world, 2)
    world.poll()
    world.simulator.add_status(opened.ids[0], "REJECTED", at_offset=60)
    taken_by_another(world)

    for _ in range(3):
        world.simulator.add_status(opened.ids[1], "IN_HAND", at_offset=60)
        advance_by(world, DAY, 12)

    row = world.database.row("select state from facteur.submissions where platform_id = %(id)s", {"id": opened.ids[0]})
    assert row.state == "rejected"
    assert len(world.simulator.calls("history")) < 10
