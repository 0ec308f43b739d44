"""Deposit what the queue's messages name, each invoice exactly once: read, claim, call, record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from facteur.decide import (
    LOOKED_UP,
    Decision,
    Jitter,
    Limits,
    after_answer,
    after_failure,
    after_look_up,
    after_unknown,
    attribute,
    is_ours,
    plausible,
)
from facteur.errors import (
    DocumentError,
    DocumentUnusableError,
    FacteurError,
    NotDepositedError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.model import Candidate, Claim, Doubt, State, Waiting
from facteur.ports import Document, Documents, Journal, Platform, Platforms, SubmissionStore

HELD_BYTES = 5_000_000  # larger documents go one at a time, so that a batch fits in memory and /tmp
SIREN_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a claim certainly holds, by this process's monotonic clock, counted from before the claim."""

    ends_at: float
    answer_seconds: float  # time to leave for the answer

    def check(self) -> None:
        """Raises NotDepositedError where the answer might come after the lease: nothing must be sent then."""
        if time.monotonic() + self.answer_seconds > self.ends_at:
            raise PlatformBusyError(Problem("lease_too_short", "not sent: the worker had too little of its lease left"))


@dataclass(frozen=True, slots=True)
class Services:
    """What a batch is worked with."""

    store: SubmissionStore
    platforms: Platforms
    documents: Documents
    journal: Journal
    limits: Limits
    max_in_flight: int
    lease_seconds: float
    answer_seconds: float
    jitter: Jitter


def submit_invoices(submission_ids: Sequence[int], services: Services, remaining_seconds: float = float("inf")) -> None:
    """Work through a batch of messages. Returning means that every row is recorded or left to its lease: the messages are done.

    Args:
        remaining_seconds: what the function has left before it is stopped; nothing is sent that could not be answered in it.

    Raises:
        DatabaseUnavailableError: SQS redelivers the messages; rows already recorded are then duplicates.
        EnvironmentMismatchError: this database belongs to another environment.
    """
    stop_at = time.monotonic() + remaining_seconds
    waiting = services.store.read(submission_ids)
    with ThreadPoolExecutor(services.max_in_flight, thread_name_prefix="deposit") as threads:
        for batch in _batches(_with_credentials(waiting, services), services, threads):
            _work(batch, services, threads, stop_at)


Item = tuple[Waiting, Document | None]  # None: a look-up


def _with_credentials(waiting: Iterable[Waiting], services: Services) -> Iterator[Waiting]:
    """Rows whose account has a platform; the others wait until somebody mends its secret."""
    for row in waiting:
        try:
            services.platforms.of(row.account)
        except NotDepositedError as error:
            _leave(row, error, services)
        else:
            yield row


def _batches(waiting: Iterable[Waiting], services: Services, threads: ThreadPoolExecutor) -> Iterator[list[Item]]:
    """Look-ups and small documents together, then each large document alone."""
    rows = list(waiting)
    together: list[Item] = [(row, None) for row in rows if row.state is State.IN_DOUBT]
    deposits = [row for row in rows if row.state is State.PENDING and _sendable(row, services)]
    large = []
    for row, fetched in zip(
        deposits, threads.map(lambda row: _fetch(row, services, HELD_BYTES), deposits), strict=True
    ):
        if fetched is None:
            large.append(row)
        elif document := _usable(row, fetched, services):
            together.append((row, document))
    yield together
    for row in large:
        if document := _usable(row, _fetch(row, services, None), services):
            yield [(row, document)]


def _sendable(row: Waiting, services: Services) -> bool:
    """Whether a pending row may be deposited at all; if not, that is recorded here."""
    invoice = row.invoice
    if invoice is None or not invoice.ready:
        _withdraw(row, services)
        return False
    siren = invoice.seller_siren or ""
    if invoice.invoice_number and len(siren) == SIREN_DIGITS and siren.isdigit():
        return True
    lacking = "invoice_number" if not invoice.invoice_number else "seller_siren (nine digits)"
    _leave(
        row,
        DocumentUnusableError(Problem("not_identifiable", f"the invoice has no {lacking}: it could not be looked up")),
        services,
    )
    return False


def _withdraw(row: Waiting, services: Services) -> None:
    """The row is gone or no longer ready: the intention ends, unless an earlier attempt may have deposited the invoice."""
    cause = "is gone" if row.invoice is None else "is no longer ready"
    if row.doubtful_sha256:
        problem = Problem(
            "withdrawn_in_doubt", f"the invoice's row {cause}, and an earlier attempt's outcome is unknown"
        )
        _leave(row, DocumentUnusableError(problem), services)
        return
    services.store.withdraw(row.submission_id)
    services.journal.event(
        "submission.withdrawn", submission_id=row.submission_id, invoice_id=row.invoice_id, cause=f"the row {cause}"
    )


Fetched = Document | ProblemError | None


def _fetch(row: Waiting, services: Services, hold_bytes: int | None) -> Fetched:
    assert row.invoice is not None  # noqa: S101  _sendable saw it
    try:
        return services.documents.fetch(row.invoice, hold_bytes)
    except DocumentError as error:
        return error


def _usable(row: Waiting, fetched: Fetched, services: Services) -> Document | None:
    """The document, unless it may not be sent; then that is recorded here."""
    if isinstance(fetched, ProblemError):
        _leave(row, fetched, services)
        return None
    if fetched is None or not row.doubtful_sha256 or fetched.sha256 in row.doubtful_sha256:
        return fetched
    fetched.close()
    problem = Problem("document_changed", "the document is not the one of an earlier attempt whose outcome is unknown")
    _leave(row, DocumentUnusableError(problem), services)
    return None


def _leave(row: Waiting, error: ProblemError, services: Services) -> None:
    decision = after_failure(
        error, row.tries, row.waited_seconds, row.age_seconds, services.limits, services.jitter, row.state
    )
    state = services.store.record_unclaimed(row, decision)
    _tell(services.journal, row, state, decision)


def _work(batch: Sequence[Item], services: Services, threads: ThreadPoolExecutor, stop_at: float) -> None:
    """Claim, call with no transaction open, and record each answer as it comes."""
    began = time.monotonic()
    lease = Lease(min(began + services.lease_seconds, stop_at), services.answer_seconds)
    claims = {
        claim.submission_id: claim
        for claim in services.store.claim([(row, d.sha256 if d else None) for row, d in batch])
    }
    try:
        _record_answers(_send(batch, claims, services, threads, lease), services, began)
        for row, document in batch:
            if document is None and row.submission_id in claims:
                _look_up(row, claims[row.submission_id], services, lease)
    finally:
        for _, document in batch:
            if document:
                document.close()


Calls = dict[Future[Decision], tuple[Waiting, Claim]]


def _send(
    batch: Sequence[Item], claims: dict[int, Claim], services: Services, threads: ThreadPoolExecutor, lease: Lease
) -> Calls:
    return {
        threads.submit(_deposit, row, document, services, lease): (row, claims[row.submission_id])
        for row, document in batch
        if document and row.submission_id in claims
    }


def _record_answers(calls: Calls, services: Services, began: float) -> None:
    """Record every answer, also after one could not be recorded; that one's lease ends in a look-up."""
    failure: FacteurError | None = None
    for call in as_completed(calls):
        row, claim = calls[call]
        decision = call.result()
        try:
            state = services.store.record(row, claim, decision)
        except FacteurError as error:
            failure = error
        else:
            _tell(services.journal, row, state, decision, time.monotonic() - began)
    if failure:
        raise failure


def _deposit(row: Waiting, document: Document, services: Services, lease: Lease) -> Decision:
    try:
        lease.check()
        return after_answer(services.platforms.of(row.account).deposit(document, lease.check), services.limits)
    except NotDepositedError as error:
        return after_failure(
            error, row.tries, row.waited_seconds, row.age_seconds, services.limits, services.jitter, State.PENDING
        )
    except OutcomeUnknownError as error:
        return after_unknown(error.problem, services.limits)


def _look_up(row: Waiting, claim: Claim, services: Services, lease: Lease) -> None:
    """Ask the platform what became of the doubtful attempts. A look-up that fails is not an empty one."""
    doubt = services.store.doubt(row.submission_id)
    found: list[tuple[int, str]] = []
    try:
        lease.check()
        ours, strangers = _search(doubt, services.platforms.of(row.account), services.store)
    except NotDepositedError as error:
        decision = after_failure(
            error, row.tries, doubt.waited_seconds, row.age_seconds, services.limits, services.jitter, State.IN_DOUBT
        )
    else:
        decision = Decision(after_look_up(doubt, ours, strangers, services.limits), LOOKED_UP)
        found = attribute(doubt.attempts, ours)
    _tell(services.journal, row, services.store.record(row, claim, decision, found), decision)


def _search(doubt: Doubt, platform: Platform, store: SubmissionStore) -> tuple[list[Candidate], list[Candidate]]:
    """What the platform has under the doubtful attempts' numbers: our own deposits, and others'."""
    keys = {
        (attempt.invoice_number, attempt.seller_siren) for attempt in doubt.attempts if attempt.outcome != "accepted"
    }
    shown = [
        candidate
        for number, siren in sorted(keys, key=str)
        if number and siren
        for candidate in platform.find(number, siren)
    ]
    held = store.held_elsewhere(doubt.invoice_id, [candidate.platform_id for candidate in shown])
    candidates = plausible(doubt, shown, held)
    ours = [c for c in candidates if is_ours(c, platform.sha256_of(c.platform_id), doubt.attempts)]
    return ours, [c for c in candidates if c not in ours]


EVENTS = {
    State.SUBMITTED: "submission.deposited",
    State.REJECTED: "submission.rejected",
    State.FAILED: "submission.failed",
    State.IN_DOUBT: "submission.in_doubt",
    State.PENDING: "submission.waiting",
}


def _tell(journal: Journal, row: Waiting, state: str, decision: Decision, seconds: float | None = None) -> None:
    problem, move = decision.problem, decision.move
    name = EVENTS.get(State(state), "submission.late") if state in set(State) else "submission.late"
    journal.count(METRICS.get(name, "LateAnswers"))
    if decision.pause_seconds and problem and problem.http_status != BUSY:
        journal.count("AccountRefused")
    journal.event(
        name,
        submission_id=row.submission_id,
        invoice_id=row.invoice_id,
        account=row.account,
        outcome=decision.outcome,
        platform_id=move.platform_id,
        error_code=move.error_code,
        http_status=problem.http_status if problem else None,
        due_in_seconds=round(move.due_in_seconds, 1),
        duration_ms=None if seconds is None else round(seconds * 1000),
    )


BUSY = 429
METRICS = {
    "submission.deposited": "Deposits",
    "submission.rejected": "Rejections",
    "submission.failed": "Failures",
    "submission.in_doubt": "Doubts",
    "submission.waiting": "Retries",
}
