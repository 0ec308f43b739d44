"""What follows from an answer, or from none: pure functions, no I/O, no clock of their own."""

from __future__ import annotations

from facteur.domain.decision import CORRECT_IT, Decision, Jitter, Limits, final, in_doubt, platform_failed, wait
from facteur.domain.lifecycle import says_duplicate
from facteur.domain.submission import Accepted, Answer, Move, State, Waiting
from facteur.errors import (
    AccountRefusedError,
    DocumentMissingError,
    DocumentUnusableError,
    NotDepositedError,
    OtherSellerError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
    StoreRefusedError,
)

LONGEST_BACK_OFF_SECONDS = 3600.0
ACCOUNT_PAUSE_SECONDS = 300.0  # long enough to be quiet, short enough that a corrected secret is noticed soon
DOCUMENT_PATIENCE_SECONDS = 900.0  # an application may write the row a little before the document
FIRST_STATUS_SECONDS = 5.0  # the sandbox shows the first statuses within a second
UNAUTHORISED = 401
TOO_MANY_REQUESTS = 429
ACCOUNT_REFUSED = frozenset({401, 403, 404})  # by whomever: the account waits
LONGEST_NAMED_WAIT_SECONDS = 86400.0


def back_off(tries: int, jitter: Jitter) -> float:
    """Seconds until the next try: exponential with full jitter, at least one second, at most an hour."""
    return max(1.0, jitter(min(LONGEST_BACK_OFF_SECONDS, 5.0 * 2.0 ** min(tries, 12))))


def after_answer(answer: Answer, limits: Limits, *, doubtful: bool = False) -> Decision:
    """The platform answered the deposit. A refusal as a duplicate is a question: the other one may be this invoice.

    `doubtful`: an earlier attempt may have been deposited, though no look-up found it. Then whatever is refused may be the second copy,
    for words and codes of refusals are not stable: that is a question too.
    """
    if isinstance(answer, Accepted):
        move = Move(State.SUBMITTED, FIRST_STATUS_SECONDS, platform_id=answer.platform_id)
        return Decision(
            move, "accepted", Problem("accepted", "deposited", answer.http_status), answer.platform_id, answer.response
        )
    if says_duplicate(answer.problem.platform_code):
        move = in_doubt(answer.problem, limits, duplicate=True)
        return Decision(move, "duplicate", answer.problem, response=answer.response)
    if doubtful:
        return Decision(in_doubt(answer.problem, limits), "unknown", answer.problem, response=answer.response)
    return Decision(
        final(State.REJECTED, answer.problem, CORRECT_IT), "rejected", answer.problem, response=answer.response
    )


def after_unknown(error: OutcomeUnknownError, limits: Limits) -> Decision:
    """The deposit may have arrived: look it up, soon at first. Whether the account waits as well is decided by the status alone."""
    problem, refused = error.problem, error.problem.http_status in ACCOUNT_REFUSED
    pause = ACCOUNT_PAUSE_SECONDS if refused else None
    if problem.http_status == TOO_MANY_REQUESTS:
        pause = _named(error.retry_after_seconds) or ACCOUNT_PAUSE_SECONDS
    return Decision(in_doubt(problem, limits), "unknown", problem, pause_seconds=pause, refused=refused)


def after_failure(
    error: ProblemError, tries: int, waited: float, age: float, limits: Limits, jitter: Jitter, state: State, *, shared: bool = False
) -> Decision:  # fmt: skip
    """Certainly nothing was deposited, or a look-up did not come through: the row waits in its state, and at last a person must look.

    Where many wait for the cause (`shared`, see `is_shared`), it is nobody's invoice: then it uses up none of its time.
    """
    problem = error.problem
    if _for_a_person(error, age):
        return Decision(final(State.FAILED, problem, CORRECTIONS.get(problem.code, CORRECT_DOCUMENT)), problem=problem)
    if isinstance(error, AccountRefusedError):
        step = f"The account pauses and tries again by itself; {PAUSED.get(problem.code, CHECK_IT)}"
        move = wait(state, _pause_seconds(problem, tries, jitter), problem, step, shared=True)
        return Decision(move, problem=problem, pause_seconds=ACCOUNT_PAUSE_SECONDS, refused=True)
    named = _named(error.retry_after_seconds) if isinstance(error, PlatformBusyError) else None
    delay = back_off(tries, jitter) if named is None else named
    if not shared and waited + delay > limits.give_up_after_seconds:
        return Decision(final(State.FAILED, problem, GIVEN_UP), problem=problem)
    spent = 0.0 if shared else delay
    move = wait(state, delay, problem, "It is tried again by itself", waited=spent, shared=shared or None)
    return Decision(move, problem=problem, pause_seconds=delay if problem.http_status == TOO_MANY_REQUESTS else None)


def after_other_seller(error: OtherSellerError, row: Waiting, limits: Limits, jitter: Jitter) -> Decision:
    """The invoice's seller is not the company that its account deposits for. No other invoice waits, and none is rejected.

    Where the account has deposited before, its secret is right, and the invoice is in the wrong account: a person's at once. Else it may
    be the secret that is wrong, and with it every invoice of the account: each waits for a while, as for a secret.
    """
    problem, delay = error.problem, ACCOUNT_PAUSE_SECONDS + back_off(row.tries, jitter)
    if row.pinned or row.waited_seconds + delay > limits.give_up_after_seconds:
        step = (
            f"Account {row.account} cannot deposit it: name that seller's own account in its row, then set technical_status back to "
            "'pending'"
        )
        return Decision(final(State.FAILED, problem, step), problem=problem)
    step = (
        f"It is tried again, and no other invoice waits. Correct the secret of account {row.account}, or name that seller's own account "
        "in its row"
    )
    return Decision(wait(State.PENDING, delay, problem, step, waited=delay), problem=problem)


CORRECT_DOCUMENT = "Correct the document, then set technical_status back to 'pending'"
CORRECTIONS = {  # problem code -> what a person does where it is not the document that must change
    "not_identifiable": "Complete the invoice, then set technical_status back to 'pending'",
    "number_differs": "Correct the invoice's number or its document, then set technical_status back to 'pending'",
    "document_uri_unusable": "Correct document_uri, then set technical_status back to 'pending'",
    "document_changed": "Look the number up at the platform. To send it again, put back the document sent first, "
    "then set technical_status back to 'pending'; if the platform certainly has none and another must be sent, facteur reject it first",
}
GIVEN_UP = "Given up; when the cause is removed, set technical_status back to 'pending'"
CHECK_IT = "check its secret and the platform's address"
PAUSED = {  # problem code -> what a person does about an account, where that is not what must change
    "environment_mismatch": "correct sandbox in its secret, or the client or address that it names",
    "not_implemented": "its secret is right: ask the platform what it takes, and report it to Facteur's maintainers",
    "platform_moved": "nothing is to be done, unless its secret was changed by mistake",
}


def _pause_seconds(problem: Problem, tries: int, jitter: Jitter) -> float:
    """As long as its account. Where a firewall may refuse just this invoice, others get their turn before it."""
    in_its_words = problem.platform_code or problem.platform_message or problem.http_status == UNAUTHORISED
    own_fault = problem.code == "account_refused" and not in_its_words
    return ACCOUNT_PAUSE_SECONDS + (back_off(tries, jitter) if own_fault else 0)


def _named(seconds: float | None) -> float | None:
    """A wait that the platform asks for, within bounds."""
    return None if seconds is None else min(LONGEST_NAMED_WAIT_SECONDS, max(1.0, seconds))


OURS = frozenset({"lease_too_short", "no_time_left"})


def is_shared(error: ProblemError, row: Waiting) -> bool:
    """Whether the cause is nobody's invoice: a store, a platform that is down or asks to slow down, a worker without time.

    A store or a platform is at fault only as long as nothing else of it has gone well since this row last failed.
    """
    if isinstance(error, StoreRefusedError):
        return not row.store_gives
    problem = error.problem
    if problem.code in OURS or problem.http_status == TOO_MANY_REQUESTS:
        return True
    return isinstance(error, NotDepositedError) and platform_failed(problem) and not row.platform_answers


def _for_a_person(error: ProblemError, age: float) -> bool:
    late = isinstance(error, DocumentMissingError) and age > DOCUMENT_PATIENCE_SECONDS
    return late or isinstance(error, DocumentUnusableError)
