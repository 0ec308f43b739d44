"""What a platform does not say: refused states, silence after a 201, verdicts without a history, a search that shows nothing."""

from __future__ import annotations

from typing import Any

import pytest

from local.invoices import UNKNOWN_BUYER, render, sample_invoice, truncated
from local.sam import load_template
from local.world.alarm_clock import rings
from local.world.crowd import crowd
from local.world.levers import World, platform_secret
from tests.measured import measured
from tests.operator import Operator

HOUR, DAY = 3600.0, 86400.0
RESOURCES = load_template()["Resources"]


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "sweep"}


def production(world: World, **switches: Any) -> None:
    world.put_secret("default", platform_secret(world.simulator) | {"sandbox": False})
    world.simulator.configure(**switches)


def deposited(world: World, content: bytes | None = None) -> str:
    world.add(1, content=content)
    world.deposit()
    return str(world.row(1).submission_id)


def polled(world: World, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        world.advance(seconds)
        world.relay()
        world.poll()


def result(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """What one more run of each function measures."""
    capsys.readouterr()
    world.poll()
    world.relay()
    return measured(capsys.readouterr().out)


def heard(alarm: str, period: dict[str, list[float]]) -> bool:
    properties = RESOURCES[f"{alarm}Alarm"]["Properties"]
    return rings(properties, *[period] * properties["EvaluationPeriods"])


# --- a state that refuses, without a status -----------------------------------------------------------------------------


def unroutable() -> bytes:
    return render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii")


def unreadable() -> bytes:
    return truncated(render(sample_invoice(1), "cii"))


@pytest.mark.parametrize(
    ("content", "spelt", "state"),
    [
        (unreadable, "INVALID", "INVALID"),
        (unroutable, "WRONG_ROUTING", "WRONG_ROUTING"),
        (unreadable, "CONVERSION_FAILED", "CONVERSION_FAILED"),
        (unreadable, "Conversion-Failed", "CONVERSION_FAILED"),
    ],
)
def test_a_state_that_refuses_for_an_hour_without_a_status_is_a_persons(
    world: World, capsys: pytest.CaptureFixture[str], content: Any, spelt: str, state: str
) -> None:
    production(world, lifecycle_twists=["state_only"], spellings=[f"INVALID={spelt}"])
    deposit = deposited(world, content())
    polled(world, 60, 3)
    assert (world.row(1).technical_status, world.submission(1).swept_state) == ("validated", state)

    polled(world, 900, 6)

    submission = world.submission(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit)
    assert (submission.state, submission.objection_code) == ("submitted", "refused_state")
    assert f"shows state {state}; the reason is not known yet" in submission.mismatch
    assert heard("FailedInvoices", result(world, capsys))

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="line 3", author="PLATFORM")
    polled(world, HOUR, 4)
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("rejected", "VALIDATION_FAILURE")
    assert world.submission(1).objection is None


def test_what_was_refused_without_a_status_is_still_a_persons_when_it_is_followed_no_more(world: World) -> None:
    """Else its row would say again that all is well (torture of Iopole, `lifecycle_twists=state_only`)."""
    production(world, lifecycle_twists=["state_only"])
    deposited(world, unroutable())
    polled(world, 60, 3)
    polled(world, 900, 6)
    assert world.row(1).technical_status == "error"

    polled(world, 201 * DAY, 3)

    submission = world.submission(1)
    assert (submission.state, submission.objection_code) == ("closed", "refused_state")
    assert world.row(1).technical_status == "error"


def test_a_duplicate_state_without_a_status_is_looked_up_and_never_a_refusal_by_itself(world: World) -> None:
    """Both of its deposits, once the search shows them, show a state and no status: the first is the one that holds."""
    production(world)
    world.witness()
    world.advance(1e5)
    world.simulator.configure(search_lag=1e5)
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.deposit()
    for _ in range(8):
        world.advance(300)
        world.deposit()
    first, second = (str(each["id"]) for each in world.deposits(1))
    assert world.row(1).submission_id == second
    world.simulator.configure(search_lag=0, history_refused="empty", search_omits=["lastStatusData"])

    polled(world, 900, 6)
    world.advance(60)
    world.deposit()

    assert world.row(1).technical_status != "rejected"
    assert world.row(1).submission_id == first


# --- a verdict that the search knows and no history shows ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", ["500", "empty"])
def test_a_verdict_whose_history_cannot_be_read_counts_after_an_hour_and_gets_its_reason_later(
    world: World, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    production(world, history_refused=how)
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="line 3", author="PLATFORM")
    polled(world, 120, 4)
    assert (world.row(1).technical_status, world.submission(1).lifecycle_code) == ("validated", "213")

    polled(world, 1200, 4)
    submission = world.submission(1)
    assert (world.row(1).technical_status, submission.state) == ("rejected", "rejected")
    assert "213 Rejetée; the reason is not known yet" in submission.last_error_message
    assert submission.unread_since is not None

    polled(world, 4 * HOUR, 2)
    assert heard("OldestUnread", result(world, capsys))

    world.simulator.configure(history_refused="shown")
    polled(world, DAY, 2)
    submission = world.submission(1)
    assert (world.row(1).technical_status, submission.last_error_code) == ("rejected", "VALIDATION_FAILURE")
    assert "line 3" in submission.last_error_message
    assert submission.unread_since is None
    assert not heard("OldestUnread", result(world, capsys))


@pytest.mark.parametrize("sent", [True, False])
def test_a_reason_that_comes_after_the_correction_is_stored_and_asked_for_no_more(world: World, *, sent: bool) -> None:
    """Seed 778312169: the first deposit's history was read every few minutes for ever."""
    production(world, history_refused="empty")
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="line 3", author="PLATFORM")
    polled(world, 1200, 8)
    assert world.submission(1).last_error_code == "reason_not_known"
    corrected = world.folder / "corrected.xml"
    corrected.write_bytes(render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii"))
    world.update(1, document_uri=corrected.as_uri(), technical_status="pending")
    world.relay()
    if sent:
        world.submit()

    world.simulator.configure(history_refused="shown")
    polled(world, DAY, 3)

    statement = "select * from facteur.submissions where platform_id = %(id)s order by id limit 1"
    first = world.database.row(statement, {"id": deposit})
    assert (first.state, first.unread_since, first.history_due_at) == ("rejected", None, None)
    reasons = world.database.rows(
        "select reason from facteur.status_events where platform_id = %(id)s", {"id": deposit}
    )
    assert "VALIDATION_FAILURE" in {each.reason for each in reasons}


def test_a_reason_that_comes_between_the_correction_and_the_relay_does_not_take_the_correction_back(
    world: World,
) -> None:
    production(world, history_refused="empty")
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", message="line 3", author="PLATFORM")
    polled(world, 1200, 8)
    corrected = world.folder / "corrected.xml"
    corrected.write_bytes(render(sample_invoice(1), "cii") + b"<!-- corrected -->")
    world.update(1, document_uri=corrected.as_uri(), technical_status="pending")

    world.simulator.configure(history_refused="shown")
    world.advance(DAY)
    world.poll()
    world.deposit()

    assert len(world.deposits(1)) == 2
    assert world.row(1).technical_status == "validated"


@pytest.mark.parametrize("reason", ["DUPLICATED_INVOICE", "VALIDATION_FAILURE"])
def test_a_rejection_without_its_reason_stands_while_histories_do_not_show_it(world: World, reason: str) -> None:
    """Each history that was read meanwhile took it back for some minutes: the row said validated."""
    production(world, history_refused="empty")
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "REJECTED", reason=reason, author="PLATFORM")
    polled(world, 1200, 6)

    shown = []
    for _ in range(8):
        polled(world, 1200)
        shown.append(world.row(1).technical_status)

    moved = world.database.rows(
        "select from facteur.transitions where subject = 'submission' and from_state = 'rejected'"
    )
    assert (set(shown), len(moved)) == ({"rejected"}, 0)


@pytest.mark.parametrize("settings", [{"FOLLOW_UP_DAYS": "2"}])
@pytest.mark.parametrize("heard_before", [True, False])
def test_a_rejection_whose_reason_no_history_ever_shows_outlives_the_follow_up(
    world: World, *, heard_before: bool
) -> None:
    """Found by the control of a mutant: the last history closed it, and the row said validated."""
    production(world, history_refused="empty")
    deposit = deposited(world, None if heard_before else unroutable())
    polled(world, 10)
    if heard_before:
        world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")

    polled(world, 1200, 12)
    assert world.row(1).technical_status == "rejected"
    polled(world, DAY, 6)

    submission = world.submission(1)
    assert (world.row(1).technical_status, submission.state) == ("rejected", "rejected")
    assert (submission.unread_since, submission.history_due_at) == (None, None)


def test_a_verdict_without_a_history_that_turns_out_to_be_about_a_duplicate_is_a_question_again(world: World) -> None:
    production(world, history_refused="empty")
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "REJECTED", reason="DUPLICATED_INVOICE", author="PLATFORM")
    polled(world, 1200, 5)
    assert world.row(1).technical_status == "rejected"

    world.simulator.configure(history_refused="shown")
    polled(world, DAY, 2)

    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit)
    assert world.submission(1).objection_code == "duplicate"


# --- silence ---------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": source} for source in ("sweep", "pull", "history")])
def test_a_deposit_that_is_never_heard_of_rings_after_a_day_and_its_history_is_asked_for(
    world: World, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
) -> None:
    production(world, lifecycle_twists=["never"])
    deposited(world)
    polled(world, HOUR, 20)
    assert not heard("OldestSilent", result(world, capsys))

    polled(world, HOUR, 5)

    assert heard("OldestSilent", result(world, capsys))
    assert world.row(1).technical_status == "validated"
    assert world.simulator.calls("history")


def test_a_search_that_shows_none_of_ours_rings_and_histories_are_read_meanwhile(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    production(world, search_hides=["all"])
    for rank in (1, 2, 3):
        world.add(rank)
    world.deposit()
    world.advance(2 * HOUR)

    polled(world, 600, 6)
    assert heard("DepositsNotShown", result(world, capsys))
    codes = world.database.rows("select lifecycle_code as code from facteur.submissions")
    assert None not in {row.code for row in codes}

    world.simulator.add_status(
        str(world.row(2).submission_id), "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM"
    )
    polled(world, HOUR, 3)
    assert world.row(2).technical_status == "rejected"

    world.simulator.configure(search_hides=[])
    polled(world, HOUR, 2)
    assert not heard("DepositsNotShown", result(world, capsys))


def test_a_search_that_shows_strangers_alone_rings_as_an_empty_one_does(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rights that were moved to another company's deposits: full pages, and none of ours on them."""
    production(world, search_hides=["all"])
    world.simulator.add_foreign_invoices([{"number": f"X-{n}", "age_seconds": n} for n in range(60)])
    deposit = deposited(world)
    world.advance(2 * HOUR)
    polled(world, 600, 6)

    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    polled(world, 60, 2)
    assert heard("DepositsNotShown", result(world, capsys))

    polled(world, HOUR, 3)
    assert world.row(1).technical_status == "rejected"


@pytest.mark.slow
def test_status_says_what_nobody_hears_of(world: World, operator: Operator) -> None:
    production(world, lifecycle_twists=["never"])
    deposited(world)
    polled(world, HOUR, 25)

    troubles = [trouble["what"] for trouble in operator.ask("status")["troubles"]]

    assert any("has shown no status for 25 hours" in what for what in troubles)


def test_a_search_that_does_not_show_young_deposits_rings_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    production(world, search_hides=["all"])
    deposited(world)

    polled(world, 120, 10)

    assert not heard("DepositsNotShown", result(world, capsys))


# --- pull ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}])
def test_behind_a_full_page_that_nobody_can_acknowledge_a_refusal_is_found_all_the_same(
    world: World, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
) -> None:
    production(world)
    deposit = deposited(world)
    world.add(2)  # stays open: where nothing does, nothing can be hidden
    world.deposit()
    polled(world, 10)
    assert world.submission(1).lifecycle_code == "203"
    world.simulator.configure(not_seen_noise=100)
    world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=20)

    polled(world, 900, 4)

    assert (world.row(1).technical_status, world.submission(1).lifecycle_code) == ("rejected", "213")
    polled(world, 60)
    assert heard("DepositsNotShown", result(world, capsys))
    assert world.database.row("select count(*) as n from facteur.unmatched_statuses").n == 100


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}])
@pytest.mark.parametrize("switches", [{"not_seen_noise": 40}, {"acks_refused": 0.3}, {"acks_forgotten": 0.5}])
def test_what_cannot_be_acknowledged_is_gone_past(
    world: World, settings: dict[str, str], switches: dict[str, Any]
) -> None:
    crowd(world, 90)
    world.simulator.configure(**switches)

    for _ in range(4):
        world.advance(60)
        world.poll()

    assert world.database.row("select count(*) as n from facteur.status_events").n == 180
    assert (
        world.database.row("select paused_until from facteur.budgets where key = 'account:default'").paused_until
        is None
    )
