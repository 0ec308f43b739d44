"""What the steps of submit_invoices share: their services, the lease, and how an outcome is recorded and reported."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facteur.domain.decide_deposit import after_failure, is_shared
from facteur.domain.decision import Decision, Jitter, Limits
from facteur.domain.metrics import Metric
from facteur.domain.ports import Documents, Journal
from facteur.domain.submission import State, Waiting
from facteur.errors import PlatformBusyError, Problem, ProblemError, StoreRefusedError

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms
    from facteur.submit_invoices.store import PostgresSubmissions

ACCEPTED = "accepted"  # the outcome of a deposit that was answered so, not found by a look-up
EVENTS = {  # state -> event, metric
    State.SUBMITTED: ("submission.deposited", Metric.DEPOSITS),
    State.REJECTED: ("submission.rejected", Metric.REJECTIONS),
    State.FAILED: ("submission.failed", Metric.FAILURES),
    State.IN_DOUBT: ("submission.in_doubt", Metric.DOUBTS),
    State.PENDING: ("submission.waiting", Metric.RETRIES),
}
LATE = ("submission.late", Metric.LATE_ANSWERS)  # somebody else had moved the row


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a claim certainly holds, by this process's monotonic clock, counted from before the claim."""

    ends_at: float
    answer_seconds: float  # time to leave for the answer
    clock: Callable[[], float]

    def check(self) -> None:
        """Raises NotDepositedError where the answer might come after the lease: nothing must be sent then."""
        if self.clock() + self.answer_seconds > self.ends_at:
            raise PlatformBusyError(Problem("lease_too_short", "not sent: the worker had too little of its lease left"))


@dataclass(frozen=True, slots=True)
class Services:
    """What a batch is worked with. `threads`: makes so many, of such a name, for as long as a batch lasts; `clock`: monotonic."""

    store: PostgresSubmissions
    platforms: AccountPlatforms
    documents: Documents
    journal: Journal
    limits: Limits
    max_in_flight: int
    lease_seconds: float
    answer_seconds: float
    jitter: Jitter
    threads: Callable[[int, str], Executor]
    clock: Callable[[], float]

    def failed(
        self, row: Waiting, error: ProblemError, waited_seconds: float | None = None, *, of_account: bool = False
    ) -> Decision:
        """What follows where certainly nothing was deposited; `of_account`: its cause is the account's, and no invoice's."""
        waited = row.waited_seconds if waited_seconds is None else waited_seconds
        shared = of_account or is_shared(error, row)
        decision = after_failure(
            error, row.tries, waited, row.age_seconds, self.limits, self.jitter, row.state, shared=shared
        )
        if not isinstance(error, StoreRefusedError) or decision.move.state is State.FAILED:
            return decision
        return replace(decision, move=replace(decision.move, store=row.store, store_reason=error.reason))

    def leave(self, row: Waiting, error: ProblemError, *, of_account: bool = False) -> None:
        """Record an unclaimed row that cannot be deposited now, or not at all."""
        decision = self.failed(row, error, of_account=of_account)
        self.report(row, self.store.record_unclaimed(row, decision), decision)

    def report_failed(self, submission_id: int, invoice_id: str, account: str) -> None:
        """One that the database failed; its row says why."""
        name, metric = EVENTS[State.FAILED]
        self.journal.count(metric)
        self.journal.event(
            name, submission_id=submission_id, invoice_id=invoice_id, account=account, state=State.FAILED,
            next_step="see last_error_message in facteur.submissions",
        )  # fmt: skip

    def report(
        self,
        row: Waiting,
        state: str,
        decision: Decision,
        seconds: float | None = None,
        call_seconds: float | None = None,
    ) -> None:
        """One event per outcome, and its counts. `seconds`: since work on it began; `call_seconds`: that the platform took."""
        problem, move = decision.problem, decision.move
        provider = self.platforms.provider_of(row.account)
        name, metric = EVENTS.get(State(state), LATE) if state in set(State) else LATE
        reason = move.error_code if metric is Metric.REJECTIONS else None
        self.journal.count(metric, reason=reason, provider=provider)
        if metric is Metric.DEPOSITS and decision.outcome == ACCEPTED and seconds is not None:
            self.journal.count(Metric.NOTICE_TO_DEPOSIT_SECONDS, row.age_seconds + seconds)
        self._count_call(decision, call_seconds, provider)
        self.journal.event(
            name,
            submission_id=row.submission_id,
            invoice_id=row.invoice_id,
            account=row.account,
            state=state,
            outcome=decision.outcome,
            platform_id=move.platform_id,
            error_code=move.error_code,
            http_status=problem.http_status if problem else None,
            due_in_seconds=round(move.due_in_seconds, 1),
            duration_ms=_milliseconds(seconds),
            platform_ms=_milliseconds(call_seconds),
        )

    def _count_call(self, decision: Decision, call_seconds: float | None, provider: str | None) -> None:
        """How the platform answered."""
        if call_seconds is not None:
            self.journal.count(Metric.DEPOSIT_CALL_SECONDS, call_seconds, provider=provider)
        if decision.platform_failed:
            self.journal.count(Metric.PLATFORM_ERRORS, provider=provider)
        if decision.account_refused:
            self.journal.count(Metric.ACCOUNT_REFUSED, provider=provider)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
