"""What statuses come to, when a sweep looks again, and what follows from how a search shows a deposit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facteur.domain.decide_status import believed, merged, rule, rule_unread, seconds_to_next_read  # fmt: skip
from facteur.domain.decide_sweep import NOT_PRESSING, URGENT, USUAL, has_doubled, seconds_to_next_sweep, seen, urgency
from facteur.domain.decision import Limits
from facteur.domain.lifecycle import BUYERS, label_of
from facteur.domain.status_updates import Open, Ruling, Sighting
from facteur.domain.submission import Due, State, StatusEvent

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LIMITS = Limits(3600, 259200, 400 * DAY)
AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (0, MINUTE), (5, MINUTE), (40 * MINUTE, MINUTE), (HOUR, 1.5 * MINUTE), (DAY, 36 * MINUTE), (5 * DAY, 3 * HOUR),
        (10 * DAY, 6 * HOUR), (60 * DAY, 6 * HOUR), (400 * DAY, 6 * HOUR),
    ],
)  # fmt: skip
def test_old_deposits_are_looked_at_less_often_and_every_one_four_times_a_day(age: float, seconds: float) -> None:
    assert seconds_to_next_sweep(age) == seconds


def test_a_deposit_is_looked_at_ever_more_rarely() -> None:
    waits = [seconds_to_next_sweep(hours * HOUR) for hours in range(2000)]

    assert waits == sorted(waits)


@pytest.mark.parametrize(
    ("code", "rank"),
    [
        ("213", URGENT), ("501", URGENT), ("210", URGENT), ("207", URGENT),
        ("205", USUAL), ("203", USUAL), ("TELEPORTED", USUAL), ("state:DELIVERED", USUAL), (None, NOT_PRESSING),
    ],
)  # fmt: skip
def test_rejections_refusals_and_disputes_come_first(code: str | None, rank: int) -> None:
    assert urgency(code) == rank


def deposit(age: float = HOUR / 2) -> Open:
    return Open(1, "p-1", "F-1", AT, True, "203", age, AT)


@pytest.mark.parametrize(
    ("status", "state", "age", "code", "is_status", "wanted_every"),
    [
        ("205", "DELIVERED", 60, "205", True, None),
        ("205", None, 64 * DAY, "205", True, DAY),
        ("205", None, 90 * DAY, "205", True, None),
        (None, "DELIVERED", 60, "state:DELIVERED", False, None),
        (None, "DELIVERED", 2 * HOUR, "state:DELIVERED", False, DAY),
        (None, None, 2 * HOUR, None, False, DAY),
    ],
)
def test_what_a_search_shows(
    status: str | None, state: str | None, age: float, code: str | None, is_status: bool, wanted_every: float | None
) -> None:
    found = seen(deposit(age), Sighting("p-1", status, AT, state, AT), 60, LIMITS)

    assert (found.code, found.is_status, found.wanted_every) == (code, is_status, wanted_every)
    assert found.at == (AT if is_status else None)


def test_a_deposit_that_is_not_shown_says_nothing_while_it_is_young() -> None:
    assert seen(deposit(60), None, 60, LIMITS).wanted_every is None
    assert seen(deposit(2 * HOUR), None, 60, LIMITS).wanted_every == DAY


def test_where_a_search_shows_none_of_ours_histories_are_read_as_if_there_were_no_search() -> None:
    assert seen(deposit(60), None, 60, LIMITS, shown_lately=False).wanted_every == seconds_to_next_read(60)
    assert seen(deposit(HOUR), None, 60, LIMITS, shown_lately=False).wanted_every == 360


@pytest.mark.parametrize("status", ["200", None])
def test_a_state_that_refuses_is_urgent_whatever_the_status_beside_it(status: str | None) -> None:
    found = seen(deposit(60), Sighting("p-1", status, AT, "INVALID", AT, refusing=True), 60, LIMITS)

    assert (found.code, found.state, found.rank) == (status or "state:INVALID", "INVALID", URGENT)


def test_a_deposit_that_was_followed_long_enough_is_over() -> None:
    assert seen(deposit(401 * DAY), None, 60, LIMITS).over
    assert not seen(deposit(399 * DAY), None, 60, LIMITS).over


# --- what statuses come to ----------------------------------------------------------------------------------------------


def event(code: str, seconds: float = 0, status_id: str | None = None, **more: Any) -> StatusEvent:
    filled: dict[str, Any] = {
        "network_code": None,
        "caused_by": None,
        "audience": None,
        "reason": None,
        "message": None,
    } | more
    return StatusEvent(
        status_id=status_id or f"{code}-{seconds}", platform_id="p-1", code=code, platform_code=code, label=label_of(code), raw={},
        **{"occurred_at": AT + timedelta(seconds=seconds)} | filled,
    )  # fmt: skip


def due(*known: StatusEvent, age: float = HOUR, code: str | None = None, **swept: Any) -> Due:
    """A deposit of AT, so many seconds old."""
    return Due(1, "default", "p-1", code, age, AT + timedelta(seconds=age), AT, known, **swept)


def ruled(*heard: StatusEvent, about: Due | None = None, sandbox: bool = False) -> Ruling:
    about = about or due()
    return rule(about, merged(about, heard), sandbox, LIMITS)


@pytest.mark.parametrize(
    ("codes", "current", "state"),
    [
        ([("203", 2), ("200", 1), ("202", 3)], "202", State.SUBMITTED),  # by the clock, not by arrival or number
        ([("203", 1), ("TELEPORTED", 2)], "TELEPORTED", State.SUBMITTED),
        ([("212", 1), ("212", 2)], "212", State.SUBMITTED),  # repeats
        ([("203", 7200), ("213", 60)], "213", State.REJECTED),  # C1: the platform's clock is two hours ahead
        ([("203", 7200), ("501", 60)], "501", State.REJECTED),
        ([("213", -3600), ("203", 60)], "213", State.REJECTED),  # dated before the deposit
        ([("210", 60), ("212", 120)], "210", State.CLOSED),
        ([("220", 60), ("203", 7200)], "220", State.CLOSED),
        ([("TELEPORTED", 90), ("213", 60), ("ELSEWHERE", 30)], "213", State.REJECTED),
        ([("213", 60), ("501", 30)], "213", State.REJECTED),
        ([], None, State.SUBMITTED),
    ],
)
def test_a_refusing_or_ending_status_counts_wherever_it_stands_and_else_the_newest(
    codes: list[tuple[str, float]], current: str | None, state: State
) -> None:
    for order in (codes, codes[::-1]):
        ruling = ruled(*(event(code, at) for code, at in order))

        assert ((ruling.current.code if ruling.current else None), ruling.move.state) == (current, state)
        assert (ruling.contradiction, ruling.objection) == ((), None)


@pytest.mark.parametrize("at", [30, 90])  # no date says which was first
@pytest.mark.parametrize("said", sorted(BUYERS))
def test_a_refusal_and_what_the_buyer_said_after_it_or_heard_at_once_contradict_each_other(
    said: str, at: float
) -> None:
    ruling = ruled(event("203", 1), event("213", 60), event(said, at))

    assert ruling.contradiction == tuple(sorted(["213", said]))
    assert (ruling.move.state, ruling.current) == (State.SUBMITTED, event("203", 1))
    assert ruling.objection
    assert ruling.objection.code == "contradictory_statuses"
    assert f"{' and '.join(sorted(['213', said]))} of it" in ruling.objection.message


def test_one_code_under_one_id_with_two_dates_is_two_statuses_however_often_it_is_read() -> None:
    first, second = (replace(event("212", at), status_id="same") for at in (60, 7200))

    once = merged(due(), [second, first, first])

    assert [(e.status_id, e.occurred_at) for e in once] == [("same", first.occurred_at), ("same#2", second.occurred_at)]
    assert merged(due(*once), [first, second]) == once
    assert merged(due(first), [first, second]) == once  # the second came later


def test_one_code_under_one_id_for_two_readers_is_two_statuses_also_without_a_date() -> None:
    operator, administration = (
        event("200", status_id="same", occurred_at=None, audience=each) for each in ("OPERATOR", "PPF")
    )

    once = merged(due(), [administration, operator, operator])

    assert [(e.status_id, e.audience) for e in once] == [("same", "OPERATOR"), ("same#2", "PPF")]
    assert merged(due(*once), [operator, administration]) == once


@pytest.mark.parametrize("heard", [("213", "205"), ("213", "204", "211")])
def test_a_contradiction_is_followed_for_as_long_as_any_deposit_and_its_row_goes_on_to_show_an_error(
    heard: tuple[str, ...],
) -> None:
    refused, *bought = heard

    young, old = (
        ruled(
            *(event(code, 7200) for code in bought),
            about=replace(due(event(refused, 60), age=age), known=(event(refused, 60),)),
        )
        for age in (3 * HOUR, LIMITS.follow_up_seconds + HOUR)
    )

    assert (young.move.state, old.move.state) == (State.SUBMITTED, State.CLOSED)
    assert old.objection
    assert young.objection == old.objection


def test_after_is_when_we_heard_of_it_whatever_its_date() -> None:
    refused_first = due(event("203", 1), event("213", 600))
    approved_first = due(event("203", 1), event("205", 600))

    assert ruled(event("205", 60), about=refused_first).contradiction == ("205", "213")
    assert ruled(event("213", 60), about=approved_first).move.state is State.REJECTED


@pytest.mark.parametrize(
    ("codes", "contradiction"),
    [
        ([], ()),
        (["200", "201"], ()),
        (["204", "205"], ()),
        (["205", "205"], ()),
        (["213", "501"], ()),  # refused either way
        (["210", "220"], ()),  # over either way
        (["210", "213"], ("210", "213")),
        (["205", "210"], ("205", "210")),
        (["205", "207"], ("205", "207")),
        (["213", "205"], ("205", "213")),
    ],
)
def test_two_verdicts_of_one_instant_are_a_contradiction(codes: list[str], contradiction: tuple[str, ...]) -> None:
    heard = [event("203", -60), *(event(code, 0, str(n)) for n, code in enumerate(codes))]

    ruling = ruled(*heard)

    assert ruling.contradiction == contradiction
    if contradiction:
        assert (ruling.move.state, ruling.current) == (State.SUBMITTED, heard[0])
        assert " and ".join(contradiction) in str(ruling.move.error_message)
        assert bool(ruling.objection) is ("213" in contradiction)


def test_a_status_id_that_comes_again_for_another_code_is_another_status() -> None:
    about = due(event("203", 1, "1"))

    assert [each.code for each in merged(about, [event("203", 1, "1"), event("213", 60, "1")])] == ["203", "213"]


@pytest.mark.parametrize(
    ("at", "believed_at"),
    [
        (AT - timedelta(hours=23), None), (AT + timedelta(hours=24), None), (AT + timedelta(days=3), "heard"),
        (AT - timedelta(hours=25), "heard"), (None, "heard"), (datetime(1970, 1, 1, tzinfo=UTC), "heard"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "heard"), (datetime.min.replace(tzinfo=UTC), "heard"),
    ],
)  # fmt: skip
def test_a_date_that_cannot_be_true_is_the_moment_we_heard_of_it(at: datetime | None, believed_at: str | None) -> None:
    found = believed(event("213", occurred_at=at, date_given="as given"), due())

    assert found.occurred_at == (due().heard_at if believed_at else at)
    assert (found.date_believed, found.date_given) == (believed_at is None, "as given")


def test_a_refusal_without_a_date_refuses() -> None:
    assert ruled(event("203", 60), event("213", occurred_at=None)).move.state is State.REJECTED


@pytest.mark.parametrize(
    ("code", "known", "age", "sandbox", "state"),
    [
        (None, None, 60, False, State.SUBMITTED),  # nothing yet
        (None, "203", DAY, False, State.SUBMITTED),  # a history that has gone silent
        (None, "210", DAY, False, State.SUBMITTED),  # a sweep has seen it; its status is still to be stored
        (None, None, 401 * DAY, False, State.CLOSED),
        ("203", "203", 401 * DAY, False, State.CLOSED),
        ("213", "203", 401 * DAY, False, State.REJECTED),  # late, but reported
        (None, None, HOUR, True, State.SUBMITTED),
        (None, None, HOUR + 1, True, State.CLOSED),  # a sandbox that stays silent
        (None, None, HOUR + 1, False, State.SUBMITTED),
        (None, "203", HOUR + 1, True, State.SUBMITTED),
        ("203", None, HOUR + 1, True, State.SUBMITTED),
    ],
)
def test_how_long_a_life_cycle_is_followed(
    code: str | None, known: str | None, age: float, sandbox: bool, state: State
) -> None:
    ruling = ruled(*([event(code, 60)] if code else []), about=due(age=age, code=known), sandbox=sandbox)

    assert ruling.move.state is state
    assert ruling.move.due_in_seconds == (seconds_to_next_read(age) if state is State.SUBMITTED else 0)


@pytest.mark.parametrize("reason", ["DUPLICATED_INVOICE", "DUPLICATE_INVOICE", "DOUBLON", "REJ_UNI"])
def test_a_refusal_as_a_duplicate_is_a_question_and_leaves_what_the_deposit_has_reached(reason: str) -> None:
    unreached = ruled(event("213", 60, reason=reason))
    reached = ruled(event("203", 1), event("213", 60, reason=reason))

    assert (unreached.move.state, unreached.move.duplicate_verdict, unreached.otherwise) == (State.IN_DOUBT, True, None)
    assert (reached.move.state, reached.current) == (State.IN_DOUBT, event("203", 1))
    assert reached.otherwise
    assert (reached.otherwise.state, reached.objection and reached.objection.code) == (State.SUBMITTED, "duplicate")


@pytest.mark.parametrize("step", ["api:uploaded", "ppf:received"])
def test_a_step_on_the_platforms_way_is_nothing_that_a_duplicate_has_reached(step: str) -> None:
    """Else nobody would look for the other deposit (torture of SUPER PDP, 930072384)."""
    ruling = ruled(event(step, 1), event("213", 60, reason="DOUBLON"))

    assert (ruling.move.state, ruling.current, ruling.otherwise) == (State.IN_DOUBT, None, None)


def test_a_genuine_refusal_beside_one_as_a_duplicate_is_final() -> None:
    ruling = ruled(event("213", 60, reason="DOUBLON"), event("213", 30, "a", reason="ROUTING_FAILURE"))

    assert (ruling.move.state, ruling.move.error_code) == (State.REJECTED, "ROUTING_FAILURE")


def test_a_buyer_who_refuses_a_duplicate_closes_the_life_cycle() -> None:
    assert ruled(event("203", 1), event("210", 60, reason="DUPLICATE_INVOICE")).move.state is State.CLOSED


def test_a_later_rejection_says_code_reason_words_and_who_said_it() -> None:
    move = ruled(
        event("213", 60, reason="ROUTING_FAILURE", message="No route found", caused_by="buyer's platform")
    ).move

    assert move.error_code == "ROUTING_FAILURE"
    assert move.error_message == (
        "213 Rejetée, said by buyer's platform. The platform says: No route found. "
        "Correct the invoice, then set technical_status back to 'pending'."
    )


def test_a_rejection_without_a_reason_is_named_by_its_code() -> None:
    move = ruled(event("501", 5)).move

    assert move.error_code == "501"
    assert str(move.error_message).startswith("501 Irrecevable, said by the platform.")


@pytest.mark.parametrize(
    ("code", "state", "move", "objection"),
    [
        ("213", None, State.REJECTED, None),
        ("501", "INVALID", State.REJECTED, None),
        (None, "INVALID", State.SUBMITTED, "refused_state"),
        ("203", "WRONG_ROUTING", State.SUBMITTED, "refused_state"),
        (None, "DUPLICATED", State.IN_DOUBT, None),
        ("213", "DUPLICATED", State.IN_DOUBT, None),  # a duplicate, as the state says: never a refusal by itself
        ("210", None, None, None),
        ("205", None, None, None),
    ],
)
def test_what_the_search_has_shown_for_an_hour_counts_without_its_reason(
    code: str | None, state: str | None, move: State | None, objection: str | None
) -> None:
    ruling = rule_unread(due(swept_code=code, swept_state=state), LIMITS)

    assert (ruling.move.state if ruling else None) == move
    assert (ruling.objection.code if ruling and ruling.objection else None) == objection
    if ruling:
        assert "the reason is not known yet" in str(ruling.move.error_message)


@pytest.mark.parametrize(
    ("age", "seconds"), [(0, 60), (5, 60), (600, 60), (601, 60.1), (7200, 720), (10 * DAY, DAY), (300 * DAY, DAY)]
)
def test_histories_are_asked_for_less_and_less_often(age: float, seconds: float) -> None:
    assert seconds_to_next_read(age) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("days", "doubled"),
    [(0.5, False), (0.99, False), (1.0, True), (1.05, True), (1.2, False), (2.05, True), (3.0, False), (4.1, True),
     (16.5, True), (17.5, False), (64.5, True), (100.0, False)],
)  # fmt: skip
def test_a_deposit_is_looked_at_when_it_has_doubled_its_age(days: float, doubled: bool) -> None:
    assert has_doubled(days * 86_400) is doubled


@pytest.mark.parametrize(
    ("days", "late_days", "doubled"), [(1.17, 0.25, True), (1.17, 0.0, False), (2.6, 0.9, True), (3.0, 0.5, False), (9.0, 7.9, True)]
)  # fmt: skip
def test_what_was_looked_at_late_has_doubled_since_it_was_due(days: float, late_days: float, doubled: bool) -> None:
    """Nobody polled for six hours, over the end of its first day."""
    assert has_doubled(days * 86_400, late_days * 86_400) is doubled


def test_a_deposit_that_is_followed_for_a_year_is_looked_at_nine_times() -> None:
    age, looks = 60.0, 0
    while age < 400 * 86_400:
        looks += has_doubled(age)
        age += seconds_to_next_read(age)

    assert looks == 9
