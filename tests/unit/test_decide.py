"""What follows from an answer, a failure, or a look-up: tables, no I/O."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from facteur.domain.decide_deposit import (
    ACCOUNT_PAUSE_SECONDS,
    DOCUMENT_PATIENCE_SECONDS,
    after_answer,
    after_failure,
    after_unknown,
    back_off,
)
from facteur.domain.decision import Decision, Limits
from facteur.domain.submission import Accepted, Move, Rejected, State
from facteur.errors import (
    AccountRefusedError,
    DocumentMissingError,
    DocumentUnavailableError,
    DocumentUnusableError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
)

LIMITS = Limits(resend_after_seconds=3600, give_up_after_seconds=259200, follow_up_seconds=400 * 86400)
DAY = 86400.0
NOON = datetime(2026, 10, 12, 12, tzinfo=UTC)


def most(seconds: float) -> float:
    """A jitter without chance."""
    return seconds


def least(_seconds: float) -> float:
    return 0.0


# --- back_off ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [(0, 5), (1, 10), (2, 20), (5, 160), (9, 2560), (10, 3600), (12, 3600), (10_000, 3600)],
)
def test_the_back_off_doubles_up_to_an_hour(tries: int, seconds: float) -> None:
    assert back_off(tries, most) == seconds


def test_full_jitter_never_goes_below_a_second() -> None:
    assert back_off(9, least) == 1.0


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_accepted_deposit_is_asked_for_statuses_soon() -> None:
    decision = after_answer(Accepted("id-1", 201, "{}"), LIMITS)

    assert decision.move == Move(State.SUBMITTED, 5, platform_id="id-1")
    assert (decision.outcome, decision.platform_id) == ("accepted", "id-1")


def test_a_refused_invoice_is_rejected_with_the_platforms_words_and_the_next_step() -> None:
    problem = Problem("refused", "the platform refused the invoice", 422, "BR-FR-05", "note PMD is missing")

    decision = after_answer(Rejected(problem, "{}"), LIMITS)

    assert decision.move.state is State.REJECTED
    assert decision.move.error_code == "BR-FR-05"
    assert decision.move.error_message == (
        "HTTP 422: the platform refused the invoice. The platform says: note PMD is missing. "
        "Correct the invoice, then set technical_status back to 'pending'."
    )


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize(
    ("doubtful", "state", "outcome"), [(True, "in_doubt", "unknown"), (False, "rejected", "rejected")]
)
def test_a_refusal_is_a_question_while_an_earlier_attempt_may_have_arrived(
    doubtful: bool, state: str, outcome: str, status: int
) -> None:
    problem = Problem("refused", "the platform refused the invoice", status, platform_message="no")

    decision = after_answer(Rejected(problem, "{}"), LIMITS, doubtful=doubtful)

    assert (decision.move.state, decision.outcome) == (state, outcome)
    assert "The platform says: no." in str(decision.move.error_message)


@pytest.mark.parametrize("doubtful", [True, False])
def test_a_refusal_as_a_duplicate_is_never_sent_again_whatever_was_sent_before(doubtful: bool) -> None:
    decision = after_answer(
        Rejected(Problem("refused", "the platform refused it", 422, "DUPLICATE"), "{}"), LIMITS, doubtful=doubtful
    )

    assert (decision.move.state, decision.outcome, decision.move.duplicate_verdict) == ("in_doubt", "duplicate", True)


def test_an_unknown_outcome_is_looked_up_and_clears_an_old_verdict() -> None:
    decision = after_unknown(OutcomeUnknownError(Problem("no_answer", "the platform's answer was lost")), LIMITS)

    assert (decision.move.state, decision.move.due_in_seconds) == (State.IN_DOUBT, 15)
    assert (decision.outcome, decision.move.duplicate_verdict) == ("unknown", False)


@pytest.mark.parametrize(
    ("status", "named", "pause", "refused"),
    [
        (401, None, 300, True), (403, None, 300, True), (404, 7, 300, True),
        (429, None, 300, False), (429, 7, 7, False), (429, 0, 1, False), (429, 1e9, 86400, False),
        (400, None, None, False), (408, None, None, False), (409, None, None, False), (302, None, None, False), (503, 7, None, False),
    ],
)  # fmt: skip
def test_whether_an_account_waits_is_decided_by_the_status_alone(
    status: int, named: float | None, pause: float | None, refused: bool
) -> None:
    unknown = after_unknown(OutcomeUnknownError(Problem("unknown_outcome", "?", status), named), LIMITS)

    assert unknown.move.state is State.IN_DOUBT
    assert (unknown.outcome, unknown.pause_seconds, unknown.refused) == ("unknown", pause, refused)


# --- failures ---------------------------------------------------------------------------------------------------------


def failed(
    error: ProblemError, *, tries: int = 2, waited: float = 0, age: float = 0, state: State = State.PENDING
) -> Decision:
    return after_failure(error, tries, waited, age, LIMITS, most, state)


BUSY = Problem("platform_unreachable", "the platform could not be reached")
SLOW_DOWN = Problem("too_many_requests", "the platform asks to slow down", 429)
FORBIDDEN = Problem("account_refused", "the platform refuses this account", 403, "FORBIDDEN")
FIREWALL = Problem("account_refused", "the platform refuses this account", 403)
MISSING = Problem("document_missing", "nothing lies at document_uri yet")
UNREADABLE = Problem("document_unavailable", "the store refused")
UNUSABLE = Problem("document_empty", "the document is empty")
PATIENT, IMPATIENT = DOCUMENT_PATIENCE_SECONDS, DOCUMENT_PATIENCE_SECONDS + 1
GIVE_UP = LIMITS.give_up_after_seconds

FAILURES = [
    # error, waited, age -> state, due in, back-off spent, account paused for
    (PlatformBusyError(BUSY), 0, 0, State.PENDING, 20, 20, None),
    (PlatformBusyError(BUSY), GIVE_UP - 20, 0, State.PENDING, 20, 20, None),
    (PlatformBusyError(BUSY), GIVE_UP - 19, 0, State.FAILED, 0, 0, None),
    (PlatformBusyError(BUSY), 0, 10 * GIVE_UP, State.PENDING, 20, 20, None),  # age alone gives nothing up: pauses
    (PlatformBusyError(SLOW_DOWN), 0, 0, State.PENDING, 20, 20, 20),
    (PlatformBusyError(SLOW_DOWN, 7), 0, 0, State.PENDING, 7, 7, 7),
    (PlatformBusyError(SLOW_DOWN, 0), 0, 0, State.PENDING, 1, 1, 1),
    (PlatformBusyError(SLOW_DOWN, 1e12), 0, 0, State.PENDING, DAY, DAY, DAY),
    (PlatformBusyError(BUSY, 90), 0, 0, State.PENDING, 90, 90, None),
    (AccountRefusedError(FORBIDDEN), 0, 0, State.PENDING, ACCOUNT_PAUSE_SECONDS, 0, ACCOUNT_PAUSE_SECONDS),
    # others first: it may be this invoice alone that a firewall does not like
    (AccountRefusedError(FIREWALL), 0, 0, State.PENDING, ACCOUNT_PAUSE_SECONDS + 20, 0, ACCOUNT_PAUSE_SECONDS),
    (AccountRefusedError(FORBIDDEN), 9 * GIVE_UP, 0, State.PENDING, ACCOUNT_PAUSE_SECONDS, 0, ACCOUNT_PAUSE_SECONDS),
    (DocumentMissingError(MISSING), 0, PATIENT, State.PENDING, 20, 20, None),
    (DocumentMissingError(MISSING), 0, IMPATIENT, State.FAILED, 0, 0, None),
    (DocumentUnavailableError(UNREADABLE), 0, IMPATIENT, State.PENDING, 20, 20, None),
    (DocumentUnavailableError(UNREADABLE), GIVE_UP, 0, State.FAILED, 0, 0, None),
    (DocumentUnusableError(UNUSABLE), 0, 0, State.FAILED, 0, 0, None),
]


@pytest.mark.parametrize(("error", "waited", "age", "state", "due", "spent", "pause"), FAILURES)
def test_after_a_failure(
    error: ProblemError, waited: float, age: float, state: State, due: float, spent: float, pause: float | None
) -> None:
    decision = failed(error, waited=waited, age=age)

    assert (decision.move.state, decision.move.due_in_seconds) == (state, due)
    assert (decision.move.waited_seconds, decision.pause_seconds) == (spent, pause)
    assert (decision.outcome, decision.problem) == ("not_deposited", error.problem)


@pytest.mark.parametrize("error", [PlatformBusyError(BUSY), AccountRefusedError(FORBIDDEN)])
def test_a_failed_look_up_stays_in_doubt_and_is_no_empty_one(error: ProblemError) -> None:
    move = failed(error, state=State.IN_DOUBT).move

    assert (move.state, move.empty_lookups, move.duplicate_verdict) == (State.IN_DOUBT, 0, None)


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (PlatformBusyError(BUSY), "It is tried again by itself."),
        (AccountRefusedError(FORBIDDEN), "check its secret and the platform's address."),
        (DocumentUnusableError(UNUSABLE), "Correct the document, then set technical_status back to 'pending'."),
        (DocumentUnusableError(Problem("not_identifiable", "no number")), "Complete the invoice, then set"),
        (DocumentUnusableError(Problem("document_uri_unusable", "not s3")), "Correct document_uri, then set"),
        (DocumentUnusableError(Problem("document_changed", "not the one")), "Look the number up at the platform."),
    ],
)
def test_every_failure_says_what_happens_or_is_to_be_done_next(error: ProblemError, next_step: str) -> None:
    move = failed(error).move

    assert move.error_code == error.problem.code
    assert move.error_message is not None
    assert move.error_message.startswith(error.problem.sentence())
    assert next_step in move.error_message


def test_giving_up_says_how_to_begin_again() -> None:
    message = failed(PlatformBusyError(BUSY), waited=GIVE_UP).move.error_message

    assert message
    assert "set technical_status back to 'pending'" in message


@pytest.mark.parametrize(
    ("problem", "outcome", "answered"),
    [
        (None, "looked_up", True),
        (None, "accepted", None),
        (BUSY, "not_deposited", False),
        (Problem("no_answer", "lost"), "unknown", False),
        (Problem("unknown_outcome", "?", 503), "unknown", False),
        (Problem("unknown_outcome", "?", 408), "unknown", False),
        (Problem("unknown_outcome", "?", 202), "unknown", True),
        (SLOW_DOWN, "not_deposited", True),
        (FORBIDDEN, "not_deposited", True),
        (MISSING, "not_deposited", None),
        (Problem("secret_unreadable", "no"), "not_deposited", None),
        (Problem("lease_too_short", "no"), "not_deposited", None),
    ],
)
def test_what_a_call_shows_of_the_platforms_health(
    problem: Problem | None, outcome: str, answered: bool | None
) -> None:
    assert Decision(Move(State.PENDING), outcome, problem).answered is answered
