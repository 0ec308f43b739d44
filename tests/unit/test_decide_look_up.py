"""What follows from a look-up: whose a deposit is, how long a doubt has lasted, and when it is sent again. Tables, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facteur.domain.decide_look_up import (
    after_blind_look_up,
    after_look_up,
    blindness,
    lasted,
    may_be_sent_again,
)
from facteur.domain.decision import Limits, next_look_up
from facteur.domain.doubt import Attempt, Candidate, Doubt, DoubtClock, Holder, Shown, Witness
from facteur.domain.evidence import (
    Evidence,
    Kinship,
    attribute,
    kinship,
    weighed,
)
from facteur.domain.submission import Move, State
from facteur.errors import Problem

LIMITS = Limits(resend_after_seconds=3600, give_up_after_seconds=259200, follow_up_seconds=400 * 86400)
GIVE_UP = 259200
NOON = datetime(2026, 10, 12, 12, tzinfo=UTC)
ATTEMPT = Attempt(1, NOON, "unknown", "sha-1", "F-1", "111111111", Decimal("120.00"), None, "EUR")
LATER = replace(ATTEMPT, attempt_id=2, started_at=NOON + timedelta(hours=2))
WITNESS = Witness("w-1", "F-0")
DOUBT = Doubt(7, "1", 0, 0, 0, False, (ATTEMPT,), NOON, witnesses=(WITNESS,))
FOUND = Candidate("id-1", NOON + timedelta(seconds=1), False, "111111111", Decimal("120.00"), "EUR", "F-1")
RIVAL = replace(ATTEMPT, attempt_id=9, document_sha256="sha-9")


def clock(seconds: float) -> DoubtClock:
    return DoubtClock(seconds, NOON, NOON)


# --- identity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sha256", "kin"),
    [
        ({}, "sha-1", Kinship.OURS),
        (
            {"total": Decimal(999), "seller_siren": "222222222", "currency": "USD"},
            "sha-1",
            Kinship.OURS,
        ),  # bytes cannot lie
        ({"created_at": NOON - timedelta(days=9)}, "sha-1", Kinship.OURS),  # clocks can
        ({}, "other", Kinship.ANOTHERS),
        ({"seller_siren": "222222222"}, "other", Kinship.ANOTHERS),  # a row's seller may be wrong, and a copy converted
        ({"seller_siren": "222222222", "total": Decimal(7)}, "other", Kinship.STRANGERS),
        ({}, None, Kinship.OURS),
        ({"total": Decimal(120), "currency": " eur"}, None, Kinship.OURS),
        ({"invoice_number": "f-1 "}, None, Kinship.OURS),
        ({"created_at": NOON - timedelta(days=9)}, None, Kinship.OURS),
        ({"invoice_number": None}, None, Kinship.UNSURE),  # what is not shown is no evidence
        ({"seller_siren": None}, None, Kinship.UNSURE),
        ({"total": None}, None, Kinship.UNSURE),
        ({"currency": None}, None, Kinship.UNSURE),
        ({"total": Decimal("119.99")}, None, Kinship.UNSURE),  # the row's may be without tax
        ({"currency": "USD"}, None, Kinship.UNSURE),
        ({"seller_siren": "222222222"}, None, Kinship.UNSURE),  # a document may name another seller than its row
        ({"seller_siren": "222222222", "total": Decimal(7)}, None, Kinship.STRANGERS),
        ({"seller_siren": "222222222", "total": None}, None, Kinship.UNSURE),
        ({"refused": True}, "sha-1", Kinship.OURS),
        ({"refused": True}, None, Kinship.UNSURE),
    ],
)
def test_whose_a_deposit_is(changes: dict[str, object], sha256: str | None, kin: Kinship) -> None:
    assert kinship(replace(FOUND, **changes), sha256, DOUBT, ["111111111"]) is kin  # type: ignore[arg-type]


KEY, OTHER_KEY = "facteur-1", "facteur-2"
KEYED = replace(DOUBT, attempts=(replace(ATTEMPT, own_key=KEY),))


@pytest.mark.parametrize(
    ("changes", "sha256", "kin"),
    [
        ({"own_key": KEY}, None, Kinship.OURS),
        ({"own_key": KEY, "invoice_number": None, "total": None, "seller_siren": "222222222"}, "other", Kinship.OURS),
        ({"own_key": KEY, "refused": True}, None, Kinship.OURS),
        ({"own_key": OTHER_KEY}, None, Kinship.UNSURE),  # number and amount agree, and it was sent by somebody else
        ({"own_key": OTHER_KEY}, "other", Kinship.ANOTHERS),
        ({"own_key": OTHER_KEY}, "sha-1", Kinship.OURS),  # a platform may change a key; bytes cannot lie
        ({"own_key": KEY.upper()}, "sha-2", Kinship.OURS),  # nobody else knows it, in whichever case
        ({"own_key": None}, None, Kinship.OURS),  # not shown is no evidence against
    ],
)
def test_a_key_of_ours_says_whose_a_deposit_is(changes: dict[str, object], sha256: str | None, kin: Kinship) -> None:
    assert kinship(replace(FOUND, **changes), sha256, KEYED, ["111111111"]) is kin  # type: ignore[arg-type]


def test_a_deposit_with_our_key_that_another_row_holds_was_mixed_up() -> None:
    found = replace(FOUND, own_key=KEY)
    holders = {"id-1": Holder("2", False, frozenset({"sha-2"}), frozenset({"F-2"}))}

    evidence = weighed(KEYED, [found], {}, holders)

    assert (evidence.ours, evidence.in_the_way, evidence.mixed_up) == ((), (found,), (found,))


def test_a_refused_deposit_of_our_own_with_the_same_key_is_not_taken_for_the_new_one() -> None:
    holders = {"id-1": Holder("1", True, frozenset({"sha-0"}), frozenset({"F-1"}))}

    evidence = weighed(KEYED, [replace(FOUND, own_key=KEY, refused=True)], {}, holders)

    assert (evidence.ours, evidence.in_the_way) == ((), ())


def test_a_key_says_which_attempt_made_a_deposit() -> None:
    first, second = replace(ATTEMPT, own_key=KEY), replace(LATER, own_key=OTHER_KEY)

    assert attribute([first, second], [replace(FOUND, own_key=OTHER_KEY)], {}) == [(2, "id-1")]


@example(looks=3, counted=3600.0, ago=-1.0, dated=None, known=True, aged=0.0)  # our clock was set back
@given(
    looks=st.integers(0, 8), counted=st.floats(0, 5_000), ago=st.floats(-100, 100_000), dated=st.none() | st.floats(-90_000, 90_000),
    known=st.booleans(), aged=st.floats(0, 5_000),
)  # fmt: skip
def test_what_is_sent_again_was_asked_for_alone(
    looks: int, counted: float, ago: float, dated: float | None, known: bool, aged: float
) -> None:
    """Whatever the clocks say: no look-up ends a doubt that nobody expected to end it."""
    clock = (
        DoubtClock(counted, DOUBT.now - timedelta(seconds=ago), DOUBT.now - timedelta(seconds=ago)) if known else None
    )
    doubt = replace(DOUBT, empty_lookups=looks, clock=clock, doubt_seconds=aged)
    answered = None if dated is None else DOUBT.now + timedelta(seconds=dated)

    move = after_look_up(doubt, Evidence(), lasted(doubt, answered, LIMITS), LIMITS)

    assert move.state is not State.PENDING or may_be_sent_again(doubt, LIMITS)


@pytest.mark.parametrize(
    ("shown_sellers", "sha256", "kin"),
    [((), None, Kinship.UNSURE), (("333333333",), None, Kinship.UNSURE), (("333333333",), "other", Kinship.ANOTHERS)],
)
def test_that_it_is_another_sellers_says_nothing_where_no_witness_is_shown_as_ours(
    shown_sellers: Sequence[str], sha256: str | None, kin: Kinship
) -> None:
    found = replace(FOUND, seller_siren="222222222", total=Decimal(7))

    assert kinship(found, sha256, DOUBT, shown_sellers) is kin


@pytest.mark.parametrize(
    "changes", [{"invoice_number": None}, {"seller_siren": None}, {"total": None}, {"currency": None}]
)
def test_what_we_do_not_know_is_no_evidence_either(changes: dict[str, None]) -> None:
    doubt = replace(DOUBT, attempts=(replace(ATTEMPT, **changes),))  # type: ignore[arg-type]

    assert kinship(FOUND, None, doubt) is Kinship.UNSURE


@pytest.mark.parametrize(
    ("rival", "sha256", "kin"),
    [
        (RIVAL, None, Kinship.UNSURE),  # either may have made it
        (RIVAL, "sha-1", Kinship.OURS),
        (RIVAL, "sha-9", Kinship.ANOTHERS),
        (replace(RIVAL, total=Decimal(7)), None, Kinship.OURS),  # that one cannot have
        (replace(RIVAL, seller_siren="222222222"), None, Kinship.OURS),
        (replace(RIVAL, currency="USD"), None, Kinship.OURS),
        (replace(RIVAL, total=None, currency=None), None, Kinship.UNSURE),
    ],
)
def test_a_deposit_that_another_doubt_could_claim_is_settled_by_bytes(
    rival: Attempt, sha256: str | None, kin: Kinship
) -> None:
    assert kinship(FOUND, sha256, replace(DOUBT, rivals=(rival,))) is kin


def test_good_deposits_come_before_refused_ones_and_old_ones_before_young_ones() -> None:
    refused, young = (
        replace(FOUND, platform_id="r", refused=True),
        replace(FOUND, platform_id="y", created_at=NOON + timedelta(seconds=9)),
    )
    undated = replace(FOUND, platform_id="u", created_at=None)
    shown = [refused, young, FOUND, undated]

    evidence = weighed(DOUBT, shown, dict.fromkeys("ryu", "sha-1") | {"id-1": "sha-1"}, {})

    assert [each.platform_id for each in evidence.ours] == ["u", "id-1", "y", "r"]


def test_what_our_own_tables_know_as_anothers_is_not_in_the_way() -> None:
    evidence = weighed(DOUBT, [FOUND], {}, {"id-1": Holder("2", False)})

    assert (evidence.ours, evidence.in_the_way) == ((), ())


@pytest.mark.parametrize(
    ("holder", "in_the_way"),
    [
        (Holder("2", False, frozenset({"sha-2"})), False),  # uploaded by hand, where the row had deposited it already
        (Holder("2", True, frozenset({"sha-2"})), True),  # one of these stands, and theirs was refused
        (Holder("2", False, frozenset({"sha-3"})), True),
        (Holder("1", True, frozenset({"sha-2"})), True),  # ours, of before a correction
    ],
)
def test_what_another_row_sent_under_our_number_is_that_rows(holder: Holder, in_the_way: bool) -> None:
    evidence = weighed(DOUBT, [FOUND], {"id-1": "sha-2"}, {"id-2": holder})

    assert bool(evidence.in_the_way) is in_the_way


@pytest.mark.parametrize("refused", [False, True])
def test_our_bytes_under_another_row_are_mixed_up_also_where_they_were_refused(refused: bool) -> None:
    holder = Holder("2", False, frozenset({"sha-2"}), frozenset({"F-2"}))

    evidence = weighed(
        DOUBT, [replace(FOUND, refused=refused, invoice_number=None)], {"id-1": "sha-1"}, {"id-1": holder}
    )

    assert [(each.platform_id, each.invoice_number) for each in evidence.mixed_up] == [("id-1", "F-1")]


def test_what_a_person_adopted_unseen_stops_us_and_not_its_invoice() -> None:
    evidence = weighed(DOUBT, [FOUND], {"id-1": "sha-1"}, {"id-1": Holder("2", False, frozenset({"unknown"}))})

    assert (bool(evidence.in_the_way), evidence.mixed_up) == (True, ())


def test_what_another_row_sent_alike_is_ours_as_well() -> None:
    assert weighed(DOUBT, [FOUND], {"id-1": "sha-1"}, {"id-2": Holder("2", False, frozenset({"sha-1"}))}).ours == (
        FOUND,
    )


def test_a_deposit_that_was_called_a_duplicate_is_not_the_one_that_stands() -> None:
    doubt = replace(DOUBT, duplicate_verdict=True)

    evidence = weighed(doubt, [replace(FOUND, refused=True)], {"id-1": "sha-1"}, {})

    assert (evidence.ours, evidence.in_the_way) == ((), ())


FIRST, SECOND = replace(FOUND, platform_id="first"), replace(FOUND, platform_id="second", created_at=LATER.started_at)


@pytest.mark.parametrize(
    ("attempts", "ours", "pairs"),
    [
        ([ATTEMPT], [FOUND], [(1, "id-1")]),
        ([ATTEMPT, LATER], [FIRST, SECOND], [(2, "second"), (1, "first")]),
        ([ATTEMPT, LATER], [FIRST], [(1, "first")]),  # the second had not begun by then
        ([ATTEMPT, LATER], [SECOND], [(2, "second")]),
        ([ATTEMPT], [FIRST, SECOND], [(1, "second")]),  # each attempt made one deposit at most
        (
            [ATTEMPT],
            [replace(FIRST, refused=True), replace(SECOND, refused=True)],
            [(1, "first")],
        ),  # a person's, by hand
        (
            [ATTEMPT, LATER],
            [replace(FIRST, refused=True), replace(SECOND, refused=True)],
            [(1, "first"), (2, "second")],
        ),
        ([ATTEMPT], [FIRST, replace(SECOND, refused=True)], [(1, "first")]),  # ours is the duplicate of a person's
        ([ATTEMPT], [SECOND, replace(FIRST, refused=True)], [(1, "second")]),
        ([replace(ATTEMPT, outcome="not_found")], [FOUND], [(1, "id-1")]),
        ([replace(ATTEMPT, outcome="accepted")], [FOUND], []),
        ([replace(ATTEMPT, outcome="duplicate")], [FOUND], []),
        ([LATER], [FIRST], [(2, "first")]),  # the platform's clock is behind
        (
            [ATTEMPT, LATER],
            [replace(FIRST, created_at=None), replace(SECOND, created_at=None)],
            [(2, "first"), (1, "second")],
        ),
        ([ATTEMPT], [], []),
    ],
)
def test_which_attempt_made_which_deposit(
    attempts: list[Attempt], ours: list[Candidate], pairs: list[tuple[int, str]]
) -> None:
    assert attribute(attempts, ours, {}) == pairs


def test_the_bytes_say_which_attempt_it_was() -> None:
    other = replace(LATER, document_sha256="sha-2")

    assert attribute([ATTEMPT, other], [SECOND], {"second": "sha-1"}) == [(1, "second")]


# --- two clocks -------------------------------------------------------------------------------------------------------


def looked(*looks: tuple[float, float | None]) -> float:
    """Seconds that a doubt has lasted after looks at these seconds by our clock, answered with these Dates."""
    doubt = DOUBT
    for asked, (ours, theirs) in enumerate(looks):
        doubt = replace(doubt, now=NOON + timedelta(seconds=ours), doubt_seconds=ours, empty_lookups=asked)
        dated_at = None if theirs is None else NOON + timedelta(seconds=theirs)
        doubt = replace(doubt, clock=lasted(doubt, dated_at, LIMITS))
    assert doubt.clock
    return doubt.clock.seconds


HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([(15, 15)], 0),  # the platform's time begins with the first look-up
        ([(15, 15), (615, 615)], 600),
        ([(15, -3000), (615, -2400)], 600),  # a constant difference says nothing
        ([(15, 15), (7215, 65)], 50),  # our clock was set forward
        ([(15, 15), (7215, 65), (7815, 665)], 650),
        ([(15, 15), (65, 7215)], 50),  # the platform's was
        ([(15, 15), (-3000, 65)], 0),  # ours was set back
        ([(15, None), (615, None)], 0.5 * 615),  # it does not say: ours, and less of it
        (
            [(15, None), (7215, None)],
            0.5 * (15 + 675 - 0.5 * 15 + 60),
        ),  # ours was set forward: the plan, and a minute
        ([(7200, None)], 0.5 * 30),  # before the first look-up
        ([(15, 15), (7215, None)], 0.5 * (675 + 60)),
        ([(15, 15), (615, None), (1215, 1215)], 0.5 * 600 + 600),
        ([(15, None), (615, 615)], 0.5 * 15),
        ([(15, 15), (615, None), (7815, 1215)], 0.5 * 600 + 1200 - 0.5 * 600),  # the middle counts once
        ([(15, 15), (615, 15), (1215, 15)], 0),  # it stands still
        ([(15, 15), (615, -600), (1215, 1215)], 600),  # an old page in between
        ([(15, -HOUR), (75, 75), (7275, 135)], 120),  # an old page first, then a clock that is set forward
        ([(15, 15), (615, 9 * DAY), (1215, 1215)], 600),  # absurd
        ([(15, -9 * DAY), (615, 615), (1215, 1215)], 600),
        ([(15, 15), (615, 615), (615, 615)], 600),
    ],
)
def test_a_doubt_lasts_as_long_as_both_clocks_say(looks: list[tuple[float, float | None]], seconds: float) -> None:
    assert looked(*looks) == pytest.approx(seconds)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.one_of(st.none(), st.floats(-1e6, 1e6))), min_size=1, max_size=8))
def test_no_dates_make_a_doubt_last_longer_than_our_own_clock_says(looks: list[tuple[float, float | None]]) -> None:
    ordered = sorted(looks, key=lambda look: look[0])

    assert looked(*ordered) <= ordered[-1][0] + 1e-3


# --- what follows -----------------------------------------------------------------------------------------------------

STRANGER = replace(FOUND, platform_id="stranger")
ASKED = {"empty_lookups": 3}
ACCEPTED = replace(ATTEMPT, attempt_id=3, outcome="accepted", platform_id="known")
DUPLICATE = {"duplicate_verdict": True, "attempts": (replace(ATTEMPT, outcome="duplicate"),)}


@pytest.mark.parametrize(
    ("changes", "seconds", "ours", "in_the_way", "state", "platform_id"),
    [
        ({}, 0, [FOUND], [], State.SUBMITTED, "id-1"),
        ({}, 0, [FOUND], [STRANGER], State.SUBMITTED, "id-1"),
        ({}, 0, [], [STRANGER], State.IN_DOUBT, None),  # ours may come up beside it
        (ASKED, 3600, [], [STRANGER], State.FAILED, None),
        (DUPLICATE, 0, [], [STRANGER], State.FAILED, None),  # that one is what ours is a duplicate of
        ({}, 0, [], [], State.IN_DOUBT, None),
        ({"attempts": (ATTEMPT, ACCEPTED)}, 0, [FOUND], [], State.SUBMITTED, "known"),  # a late 201
        ({"empty_lookups": 2}, 3600, [], [], State.IN_DOUBT, None),  # not asked often enough
        ({"empty_lookups": 9, "doubt_seconds": 9999.0}, 3599, [], [], State.IN_DOUBT, None),  # not for long enough
        (ASKED, 3600, [], [], State.PENDING, None),
        ({"attempts": ()}, 0, [], [], State.PENDING, None),  # nothing was ever sent
        ({"duplicate_verdict": True}, 0, [], [], State.IN_DOUBT, None),
        (ASKED | {"duplicate_verdict": True}, 3600, [], [], State.FAILED, None),  # some attempt's outcome is unknown
        (ASKED | DUPLICATE, 3600, [], [], State.FAILED, None),  # a verdict that nothing bears out
        (ASKED | {"duplicate_verdict": True}, 3600, [FOUND], [], State.SUBMITTED, "id-1"),
        ({"empty_lookups": 50, "doubt_seconds": GIVE_UP + 1.0}, 7, [], [], State.FAILED, None),  # a Date that stands still
    ],
)  # fmt: skip
def test_after_a_look_up(
    changes: dict[str, object], seconds: float, ours: list[Candidate], in_the_way: list[Candidate], state: State,
    platform_id: str | None,
) -> None:  # fmt: skip
    evidence = Evidence(tuple(ours), tuple(in_the_way), {})

    move = after_look_up(replace(DOUBT, **changes), evidence, clock(seconds), LIMITS)  # type: ignore[arg-type]

    assert (move.state, move.platform_id) == (state, platform_id)
    assert move.empty_lookups == (1 if state is State.IN_DOUBT else 0)
    assert (move.clock is not None) == (state is State.IN_DOUBT)
    assert (move.error_message is None) == (state in {State.SUBMITTED, State.PENDING})


@pytest.mark.parametrize(("waited", "state"), [(GIVE_UP - 3600, State.PENDING), (GIVE_UP - 3599, State.FAILED)])
def test_a_deposit_that_is_never_answered_and_never_found_is_given_up_at_last(waited: float, state: State) -> None:
    doubt = replace(DOUBT, empty_lookups=3, doubt_seconds=3600.0, waited_seconds=waited)

    move = after_look_up(doubt, Evidence(), clock(3600), LIMITS)

    assert move.state is state
    assert move.waited_seconds == (3600 if state is State.PENDING else 0)
    assert move.error_code == (None if state is State.PENDING else "given_up")


def test_conflicting_evidence_names_the_deposit_and_the_command() -> None:
    doubt = replace(DOUBT, empty_lookups=3)

    message = after_look_up(doubt, Evidence(in_the_way=(STRANGER,)), clock(3600), LIMITS).error_message

    assert message
    assert "facteur adopt id:1 stranger" in message


@pytest.mark.parametrize(
    ("holders", "words"),
    [
        ({"id-5": Holder("2", False)}, "row id:2 deposited this number (deposit id-5)"),
        ({"id-5": Holder("1", True)}, "its own rejected deposit id-5 keeps the number"),
        ({"id-5": Holder("1", True), "id-6": Holder("2", False)}, "row id:2 deposited this number (deposit id-6)"),
        ({}, "the other deposit is not shown as ours"),
    ],
)
def test_a_duplicate_says_whose_the_other_deposit_is(holders: dict[str, Holder], words: str) -> None:
    doubt = replace(DOUBT, empty_lookups=3, **DUPLICATE)  # type: ignore[arg-type]

    move = after_look_up(doubt, Evidence(holders=holders), clock(3600), LIMITS)

    assert move.state is (State.REJECTED if holders else State.FAILED)
    assert words in str(move.error_message)


def test_the_deposit_that_is_called_a_duplicate_does_not_bear_it_out() -> None:
    """Where nothing else of its number is shown, the other one may be this invoice, sent by a person."""
    duplicate = replace(ATTEMPT, outcome="duplicate", platform_id="id-5")
    doubt = replace(DOUBT, empty_lookups=3, duplicate_verdict=True, attempts=(duplicate,))

    moves = [
        after_look_up(doubt, Evidence(holders=holders), clock(3600), LIMITS)
        for holders in (
            {"id-5": Holder("1", True)},
            {"id-5": Holder("2", False)},
            {"id-5": Holder("1", True), "id-4": Holder("1", True)},
        )
    ]

    assert [each.state for each in moves] == [State.FAILED, State.REJECTED, State.REJECTED]
    assert "deposit id-4 keeps the number" in str(moves[2].error_message)


def blind(doubt: Doubt, tries: int = 3, shown: tuple[str, ...] = (), answers: bool = True) -> Move | None:
    problem = blindness(doubt, Shown((), frozenset(shown), None), lambda: answers)
    return after_blind_look_up(doubt, problem, tries, LIMITS, lambda seconds: seconds) if problem else None


@pytest.mark.parametrize(
    ("changes", "shown", "answers", "code", "words"),
    [
        ({"witnesses": ()}, (), True, "no_witness", "no other deposit of this account and seller has been shown"),
        ({}, (), True, "search_not_credible", "none of the deposits that it must have, such as w-1"),
        ({}, ("w-1",), False, "search_not_credible", "under a number that nobody has"),
        ({"attempts": (replace(ATTEMPT, invoice_number=None),)}, ("w-1",), True, "number_unknown", "no number"),
        ({"attempts": (replace(ATTEMPT, number_read=False),)}, ("w-1",), True, "number_unknown", "no number"),
        ({"attempts": (ATTEMPT, replace(ATTEMPT, number_read=False))}, ("w-1",), True, "number_unknown", "no number"),
    ],
)
def test_a_look_up_without_its_witness_is_a_failed_one(
    changes: dict[str, object], shown: tuple[str, ...], answers: bool, code: str, words: str
) -> None:
    move = blind(replace(DOUBT, **changes), shown=shown, answers=answers)  # type: ignore[arg-type]

    assert move
    assert (move.state, move.empty_lookups, move.error_code) == (State.IN_DOUBT, 0, code)
    assert words in str(move.error_message)
    assert move.waited_seconds == move.due_in_seconds == 40


def test_a_list_that_ends_before_a_known_deposit_is_a_failed_look_up() -> None:
    problem = blindness(DOUBT, Shown((), frozenset({"w-1"}), None, lacking="w-0"), lambda: True)

    assert problem
    assert (problem.code, "before deposit w-0" in problem.message) == ("search_not_whole", True)


def test_a_look_up_with_its_witness_counts() -> None:
    assert blind(DOUBT, shown=("w-1",)) is None


@pytest.mark.parametrize("changes", [{"doubt_seconds": GIVE_UP + 1.0}, {"waited_seconds": GIVE_UP - 39.0}])
def test_an_account_without_witness_is_a_persons_at_last_and_nothing_is_sent(changes: dict[str, float]) -> None:
    move = blind(replace(DOUBT, witnesses=(), **changes))  # type: ignore[arg-type]

    assert move
    assert (move.state, move.error_code) == (State.FAILED, "no_witness")
    assert "Look its number up at the platform" in str(move.error_message)


@pytest.mark.parametrize(
    ("attempts", "by_number", "blind"),
    [
        ((ATTEMPT,), True, False),
        ((ATTEMPT,), False, True),
        ((replace(ATTEMPT, own_key="k-1"),), False, False),
        ((replace(ATTEMPT, own_key="k-1", number_read=False),), True, False),
        ((replace(ATTEMPT, own_key="k-1"), LATER), False, True),  # one of both cannot be asked for
    ],
)
def test_a_search_by_keys_alone_says_nothing_of_what_was_sent_without_one(
    attempts: tuple[Attempt, ...], by_number: bool, blind: bool
) -> None:
    shown = Shown((), frozenset({"w-1"}), None)
    problem = blindness(replace(DOUBT, attempts=attempts), shown, lambda: True, by_number=by_number)

    assert (problem is not None) == blind
    assert problem is None or ("key of ours" in problem.message and problem.code == "number_unknown")


@pytest.mark.parametrize("code", ["no_witness", "search_not_credible"])
@pytest.mark.parametrize(
    ("refused", "advice"),
    [
        ((), "Look its number up at the platform"),
        ((replace(FOUND, refused=True),), "facteur adopt id:1 id-1 --unverified"),
        (
            (replace(FOUND, refused=True), replace(FOUND, platform_id="id-2", refused=True)),
            "facteur adopt id:1 id-1 --unverified",
        ),
    ],
)
def test_what_a_blind_look_up_showed_as_refused_is_named_once_a_person_is_asked(
    refused: tuple[Candidate, ...], advice: str, code: str
) -> None:
    def after(doubt: Doubt) -> Move:
        return after_blind_look_up(doubt, Problem(code, "it says nothing"), 3, LIMITS, lambda seconds: seconds, refused)

    given_up, waiting = after(replace(DOUBT, doubt_seconds=GIVE_UP + 1.0)), after(DOUBT)

    assert (given_up.state, waiting.state) == (State.FAILED, State.IN_DOUBT)
    assert advice in str(given_up.error_message)
    assert "adopt" not in str(waiting.error_message)


@pytest.mark.parametrize(
    ("empty_lookups", "doubt_seconds", "resend_after", "seconds"),
    [
        (0, 0, 3600, 15),
        (0, 0, 16, 1),
        (1, 15, 3600, 660),  # at 3/16 of an hour
        (2, 675, 3600, 900),
        (3, 1575, 3600, 2025),  # the fourth at the end of the hour
        (4, 3600, 3600, 56.25),
        (50, 9999, 3600, 56.25),
        (1, 0, 0, 0),
    ],
)
def test_look_ups_are_spread_over_the_time_before_a_resend(
    empty_lookups: int, doubt_seconds: float, resend_after: float, seconds: float
) -> None:
    assert next_look_up(empty_lookups, doubt_seconds, resend_after) == pytest.approx(seconds)


@given(st.floats(1, 1e5), st.booleans())
def test_a_resend_comes_after_four_empty_look_ups_and_no_sooner_than_allowed(resend_after: float, dated: bool) -> None:
    limits = replace(LIMITS, resend_after_seconds=resend_after, give_up_after_seconds=1e9)
    at, asked, doubt = next_look_up(0, 0, resend_after), 0, DOUBT

    while True:
        moment = NOON + timedelta(seconds=at)
        doubt = replace(doubt, now=moment, doubt_seconds=at, empty_lookups=asked)
        doubt, asked = replace(doubt, clock=lasted(doubt, moment if dated else None, limits)), asked + 1
        assert doubt.clock
        if (move := after_look_up(doubt, Evidence(), doubt.clock, limits)).state is not State.IN_DOUBT:
            break
        at += move.due_in_seconds

    assert move.state is State.PENDING
    if dated:
        assert asked in {4, 5}  # five where rounding puts the fourth a hair before the time
        assert resend_after - 1e-3 <= at <= 1.1 * resend_after + 16
    else:
        assert asked < 16
        assert 1.9 * resend_after < at <= 2.1 * resend_after + 16


@given(st.floats(600, 1e5), st.integers(0, 12), st.floats(0, 1e6))
def test_one_jump_of_our_clock_brings_no_undated_resend_too_early(
    resend_after: float, jump_after: int, jump: float
) -> None:
    limits = replace(LIMITS, resend_after_seconds=resend_after, give_up_after_seconds=1e9)
    real, asked, doubt, ahead = next_look_up(0, 0, resend_after), 0, DOUBT, 0.0

    while True:
        ours = real + ahead
        doubt = replace(doubt, now=NOON + timedelta(seconds=ours), doubt_seconds=ours, empty_lookups=asked)
        doubt, asked = replace(doubt, clock=lasted(doubt, None, limits)), asked + 1
        assert doubt.clock
        if (move := after_look_up(doubt, Evidence(), doubt.clock, limits)).state is not State.IN_DOUBT:
            break
        skipped = min(move.due_in_seconds, jump) if asked == jump_after else 0.0  # what is due is looked up at once
        ahead += jump if asked == jump_after else 0.0
        real += move.due_in_seconds - skipped

    assert real >= resend_after


def test_what_another_row_sent_as_well_as_we_is_either_ones() -> None:
    twin = replace(ATTEMPT, invoice_number="F-2")
    unnumbered = replace(FOUND, invoice_number=None)

    assert weighed(DOUBT, [unnumbered], {"id-1": "sha-1"}, {}, [twin]).ours == (unnumbered,)


@pytest.mark.parametrize(
    ("sent_under", "seller", "shown", "in_the_way"),
    [
        ("F-10", "111111111", None, False),  # torture of SUPER PDP, 299600982
        ("F-10", "111111111", "F-10", False),
        ("F-10", "111111111", "F-1", True),  # shown under our number: mixed up
        ("F-1", "222222222", None, False),  # a namesake
        ("F-1", "222222222", "F-1", False),
        ("F-1", "111111111", None, True),  # another document under our number and seller
        ("F-1", None, None, True),
        (None, "111111111", None, True),
    ],
)
def test_what_another_row_sent_is_in_the_way_only_under_our_number_and_seller(
    sent_under: str | None, seller: str | None, shown: str | None, in_the_way: bool
) -> None:
    """Its bytes say whose it is, also where that row's own doubt is not settled and the platform shows nothing else."""
    sender = replace(ATTEMPT, invoice_number=sent_under, seller_siren=seller, document_sha256="sha-10")
    found = replace(FOUND, invoice_number=shown, seller_siren=None, total=None)

    evidence = weighed(DOUBT, [found], {"id-1": "sha-10"}, {}, [sender])

    assert (evidence.ours, bool(evidence.in_the_way)) == ((), in_the_way)


def test_what_nobody_here_sent_may_be_ours_in_another_shape() -> None:
    found = replace(FOUND, invoice_number=None, seller_siren=None, total=None)
    sender = replace(ATTEMPT, invoice_number="F-10", document_sha256="sha-10")

    assert weighed(DOUBT, [found], {"id-1": "sha-11"}, {}, [sender]).in_the_way == (found,)
    assert weighed(DOUBT, [found], {"id-1": None}, {}, [sender]).in_the_way == (found,)
