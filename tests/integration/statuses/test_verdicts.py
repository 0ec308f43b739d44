"""What a deposit's statuses come to, whatever their dates and ids say, by each of the three ways to hear of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from local.world.crowd import crowd
from local.world.levers import World, platform_secret

SOURCES = ["sweep", "pull", "history"]
AHEAD = "MADE_AVAILABLE@7200"  # marked as UTC, and two hours off
HOUR = 3600.0


@pytest.fixture(params=SOURCES)
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"STATUS_SOURCE": request.param}


def deposited(world: World, **switches: Any) -> str:
    """Deposit an invoice with a production account, and hear of its first statuses; the platform's id."""
    world.put_secret("default", platform_secret(world.simulator) | {"sandbox": False})
    world.simulator.configure(**switches)
    world.add(1)
    world.deposit()
    polled(world, 10)
    return str(world.row(1).submission_id)


def polled(world: World, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        world.advance(seconds)
        world.relay()
        world.poll()
        world.poll()


def events(world: World) -> list[Any]:
    return world.database.rows("select * from facteur.status_events order by id")


def outcome(world: World) -> tuple[str, str, str]:
    submission = world.submission(1)
    return world.row(1).technical_status, submission.state, submission.lifecycle_code


@pytest.mark.parametrize("dates", [AHEAD, "MADE_AVAILABLE@86000", "RECEIVED@7200", "MADE_AVAILABLE@year9999"])
def test_a_refusal_counts_though_an_earlier_status_is_dated_later(world: World, dates: str) -> None:
    deposit = deposited(world, status_dates=[dates])
    assert outcome(world)[:2] == ("validated", "submitted")

    world.advance(600)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="no", author="PLATFORM")
    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")
    assert "The platform says: no" in world.submission(1).last_error_message
    assert {"203", "213"} <= {event.code for event in events(world)}


@pytest.mark.parametrize(
    ("how", "believed"),
    [
        ("null", False), ("absent", False), ("empty", False), ("text", False), ("epoch_ms", False), ("year1", False), ("year9999", False),
        ("-172800", False), ("172800", False), ("-50400", True), ("50400", True), ("local", True),
    ],
)  # fmt: skip
def test_a_refusal_counts_whatever_its_date_says(world: World, how: str, believed: bool) -> None:
    deposit = deposited(world, status_dates=[f"REJECTED@{how}"])

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")
    (refusal,) = [event for event in events(world) if event.code == "213"]
    assert refusal.date_believed is believed
    now = world.database.row("select facteur.now() as now").now
    assert abs(refusal.occurred_at - now) < timedelta(days=1)
    if not believed:
        assert abs(refusal.occurred_at - refusal.recorded_at) < timedelta(seconds=10)  # the moment we heard of it


def test_an_ending_status_counts_though_a_payment_comes_after_it(world: World) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REFUSED", reason="OTHER", author="BUYER", at_offset=20)
    world.simulator.add_status(deposit, "PAYMENT_RECEIVED", author="SELLER", at_offset=30)

    polled(world, 100)

    assert outcome(world) == ("validated", "closed", "210")
    assert "212" in [event.code for event in events(world)]


def test_an_unknown_code_between_hides_no_refusal(world: World) -> None:
    deposit = deposited(world, status_dates=["TELEPORTED@50000"])
    world.simulator.add_status(deposit, "TELEPORTED")
    polled(world, 100)
    assert outcome(world) == ("validated", "submitted", "TELEPORTED")

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")


@pytest.mark.parametrize("ids", ["constant", "counted", "odd", "long", "unprintable"])
def test_a_refusal_counts_whatever_the_ids_of_statuses_are(world: World, ids: str) -> None:
    deposit = deposited(world, status_ids=ids)

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")
    assert {"200", "201", "202", "203", "213"} == {event.code for event in events(world)}


@pytest.mark.parametrize("words", ["REJECTED=Rejected", "REJECTED=rejected", "lower"])
def test_a_refusal_counts_however_it_is_spelled(world: World, words: str) -> None:
    deposit = deposited(world, spellings=[words])

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")


def test_a_buyer_who_goes_on_after_a_refusal_makes_it_a_persons(world: World) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "APPROVED", author="BUYER", at_offset=40)

    polled(world, 100, 3)

    assert outcome(world) == ("error", "submitted", "203")
    assert world.row(1).submission_id == deposit
    assert "213 and 205" in world.submission(1).mismatch or "205 and 213" in world.submission(1).mismatch
    assert len(world.deposits(1)) == 1


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}])
def test_a_buyer_who_is_heard_of_after_the_row_was_rejected_makes_it_a_persons(
    world: World, settings: dict[str, str]
) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    polled(world, 30)
    assert outcome(world) == ("rejected", "rejected", "213")

    second = crowd(world, 1, prefix="OPEN")  # an account without anything open is not pulled
    world.simulator.add_status(deposit, "APPROVED", author="BUYER")
    polled(world, 100, 2)

    assert len(second.ids) == 1
    assert outcome(world)[:2] == ("error", "submitted")
    assert world.row(1).submission_id == deposit


def test_a_person_settles_what_contradicts_itself_and_it_is_not_said_again(world: World) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)
    world.simulator.add_status(deposit, "APPROVED", author="BUYER", at_offset=40)
    polled(world, 100, 2)
    assert outcome(world)[0] == "error"

    found = {"platform_id": deposit}
    act = {"who": "Ann", "why": "both asked", "operation": "adopt"}
    world.database.rows(
        "select facteur.adopt(%(id)s, %(found)s::jsonb, %(act)s::jsonb)",
        {"id": world.submission(1).id, "found": json.dumps(found), "act": json.dumps(act)},
    )
    polled(world, HOUR, 3)

    assert outcome(world)[:2] == ("validated", "submitted")


YEAR_10889 = "ffffffff-ffff-7fff-bfff-ffffffffffff"


def test_an_id_from_the_year_10889_holds_nobody_up(world: World) -> None:
    opened = crowd(world, 3)
    world.database.rows(
        "update facteur.submissions set platform_id = %(id)s where platform_id = %(was)s",
        {"id": YEAR_10889, "was": opened.ids[1]},
    )

    world.poll()
    world.advance(HOUR)
    world.poll()

    codes = world.database.rows("select lifecycle_code as code from facteur.submissions order by id")
    assert [row.code for row in codes] == ["203", None, "203"]
    row = world.database.row("select * from facteur.submissions where platform_id = %(id)s", {"id": YEAR_10889})
    assert row.deposited_at == row.submitted_at


@pytest.mark.parametrize(
    "id_", [YEAR_10889, "00000000-0000-7000-8000-000000000000", "99999999-9999-7999-8999-999999999999", "x" * 190]
)
def test_the_instant_inside_an_id_is_believed_within_bounds_only(world: World, id_: str) -> None:
    found = world.database.row("select facteur.deposit_time(facteur.time_in(%(id)s), facteur.now()) as at", {"id": id_})

    assert found.at is None


# --- one poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["RECEIVED", "MADE_AVAILABLE"])
def test_a_status_that_cannot_be_stored_hides_no_verdict_beside_it(
    world: World, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    """Nor is the deposit followed for ever for its sake: it came again with the same refusal each time."""
    check = f"alter table facteur.status_events add constraint broken check (platform_code <> '{broken}') not valid"
    world.database.rows(check)
    deposit = deposited(world)
    world.advance(600)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="no", author="PLATFORM")

    polled(world, HOUR, 2)

    assert outcome(world) == ("rejected", "rejected", "213")
    assert broken not in {each.platform_code for each in events(world)}
    assert '"StatusesPutOff"' in capsys.readouterr().out


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}])
@pytest.mark.parametrize("date", ["RECEIVED@year1", "RECEIVED@0"])
def test_a_status_that_could_not_be_stored_is_not_acknowledged(world: World, date: str) -> None:
    """Nor where another date was to be stored than the one that it was shown with."""
    world.simulator.configure(status_dates=[date])
    world.database.rows(
        "alter table facteur.status_events add constraint broken check (platform_code <> 'RECEIVED') not valid"
    )
    deposited(world)
    polled(world, HOUR)
    assert "RECEIVED" not in {each.platform_code for each in events(world)}

    world.database.rows("alter table facteur.status_events drop constraint broken")
    polled(world, HOUR)

    assert "RECEIVED" in {each.platform_code for each in events(world)}


def test_a_deposit_whose_statuses_cannot_be_stored_holds_nobody_up(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    opened = crowd(world, 5)
    world.database.rows("alter table facteur.status_events add constraint broken check (submission_id <> 2) not valid")
    world.database.rows(
        "alter table facteur.submissions add constraint odd check (id <> 2 or swept_code is null) not valid"
    )

    for _ in range(4):
        world.advance(HOUR)
        world.poll()

    codes = world.database.rows("select lifecycle_code as code from facteur.submissions order by id")
    assert [row.code for row in codes] == ["203", None, "203", "203", "203"]
    assert '"StatusesPutOff"' in capsys.readouterr().out
    assert any(record.getMessage().endswith(".put_off") for record in caplog.records)
    assert len(opened.ids) == 5


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "history"}])
@pytest.mark.parametrize("fault", ["403", "404", "500", "html", "unreadable"])
def test_a_history_that_is_refused_for_one_deposit_pauses_nobody(
    world: World, settings: dict[str, str], fault: str
) -> None:
    opened = crowd(world, 4)
    world.simulator.script_endpoint("history", [fault])

    world.poll()

    codes = [
        row.code for row in world.database.rows("select lifecycle_code as code from facteur.submissions order by id")
    ]
    assert sorted(map(str, codes)) == sorted(["203", "203", "203", "None"] if fault != "404" else map(str, codes))
    assert codes.count("203") >= 3
    account = world.database.row("select paused_until, failures from facteur.budgets where key = 'account:default'")
    assert (account.paused_until, account.failures) == (None, 0)
    assert len(opened.ids) == 4


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}])
@pytest.mark.parametrize("fault", ["403", "500", "409", "400"])
def test_an_acknowledgement_that_is_refused_stops_no_other(world: World, settings: dict[str, str], fault: str) -> None:
    crowd(world, 5)
    world.simulator.script_endpoint("mark_as_seen", [fault])

    world.poll()

    done = [call for call in world.simulator.calls("mark_as_seen") if call["status"] == 204]
    assert len(events(world)) == 10
    assert len(done) == 9
    assert (
        world.database.row("select paused_until from facteur.budgets where key = 'account:default'").paused_until
        is None
    )


# --- whose number it is ---------------------------------------------------------------------------------------------------


def test_deposits_that_are_shown_under_each_others_number_stop_and_ring(world: World) -> None:
    opened = crowd(world, 3)
    swap = "update facteur.submissions set platform_id = %(id)s where invoice_number = %(number)s"
    first, second = world.database.rows(
        "select platform_id, invoice_number from facteur.submissions order by id limit 2"
    )
    for platform_id, row in (("aside", first), (first.platform_id, second), (second.platform_id, first)):
        world.database.rows(swap, {"id": platform_id, "number": row.invoice_number})

    world.poll()
    world.poll()

    rows = world.database.rows("select objection_code, mismatch, number_seen from facteur.submissions order by id")
    assert [row.objection_code for row in rows] == ["shown_as_another", "shown_as_another", None]
    assert "The platform shows" in rows[0].mismatch
    assert rows[2].number_seen == opened.numbers[2]
    assert world.database.row("select facteur.failed_invoices() as failed").failed == 2


@pytest.mark.parametrize("shown", ["  f-2026-000000 ", "F-2026-000000"])
def test_spaces_and_case_make_no_other_number(world: World, shown: str) -> None:
    crowd(world, 1)
    world.database.rows("update facteur.submissions set invoice_number = %(number)s", {"number": shown})

    world.poll()

    row = world.database.row("select objection_code, number_seen from facteur.submissions")
    assert (row.objection_code, row.number_seen) == (None, "F-2026-000000")
