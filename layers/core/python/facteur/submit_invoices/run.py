"""Deposit what the queue's messages name, each invoice exactly once: read, claim, call, record."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

from facteur.domain.decide_deposit import after_answer, after_other_seller, after_unknown
from facteur.domain.decision import Decision, Outcome
from facteur.domain.ports import Document
from facteur.domain.submission import Claim, Intent, Waiting
from facteur.errors import (
    AccountRefusedError,
    ConfigurationError,
    FacteurError,
    NotDepositedError,
    OtherSellerError,
    OutcomeUnknownError,
    Problem,
)
from facteur.submit_invoices.look_up import look_up_deposits
from facteur.submit_invoices.prepare import MOST_BYTES_IN_MEMORY, Item, prepare_batch
from facteur.submit_invoices.services import Lease, Services


@dataclass(frozen=True, slots=True)
class Answered:
    """What a deposit came to. `call_seconds`: how long the platform took; None: it was not called."""

    decision: Decision
    call_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A deposit under way."""

    row: Waiting
    claim: Claim


@dataclass(frozen=True, slots=True)
class Run:
    """One batch of messages: when it was read and when it must be over, what is under way, and what could not be recorded."""

    services: Services
    senders: Executor
    began: float
    stop_at: float
    calls: dict[Future[Answered], Call] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def seconds(self) -> float:
        """Since the batch was read."""
        return self.services.clock() - self.began


def submit_invoices(submission_ids: Sequence[int], services: Services, remaining_seconds: float = float("inf")) -> None:
    """Work through a batch of messages. Returning means that every row is recorded or left to its lease: the messages are done.

    While some deposits are under way the next are read and claimed; more are never claimed than are soon sent.

    Args:
        remaining_seconds: what the function has left before it is stopped; nothing is sent that could not be answered in it.

    Raises:
        DatabaseUnavailableError: SQS redelivers the messages; rows already recorded are then duplicates.
        EnvironmentMismatchError: this database belongs to another environment.
    """
    began = services.clock()
    waiting = services.store.read(submission_ids)
    most = services.max_in_flight
    with services.threads(most, "deposit") as senders, services.threads(most, "document") as readers:
        run = Run(services, senders, began, began + remaining_seconds)
        try:
            for batch in prepare_batch(waiting, services, readers):
                _work(batch, run)
        finally:
            _record_until(0, run)
    if run.failures:
        raise run.failures[-1]


def submit_alone(submission_id: int, services: Services, remaining_seconds: float = float("inf")) -> None:
    """Work on what a message names that came before: its worker may have died over this very row, which must take no other with it.

    Raises:
        DatabaseUnavailableError, EnvironmentMismatchError: as `submit_invoices` does; nothing counts against the row.
        Exception: whatever work on this row raises. After the second time before anything was claimed, the next fails the row.
    """
    alone = services.store.begin_alone(submission_id)
    if alone is None:
        return
    if alone.failed:
        services.report_failed(submission_id, alone.invoice_id, alone.account)
        return
    raised = True
    try:
        submit_invoices([submission_id], services, remaining_seconds)
        raised = False
    except FacteurError:
        raised = False
        raise
    except Exception as error:
        services.journal.warning(
            "submission.raised", submission_id=submission_id, invoice_id=alone.invoice_id, account=alone.account,
            cause=type(error).__name__,
        )  # fmt: skip
        raise
    finally:
        services.store.end_alone(submission_id, raised=raised)


def _work(batch: Sequence[Item], run: Run) -> None:
    """Claim, and call with no transaction open. Large documents, and look-ups, go one at a time."""
    services, began = run.services, run.services.clock()
    lease = Lease(min(began + services.lease_seconds, run.stop_at), services.answer_seconds, services.clock)
    try:
        identity = functools.cache(services.platforms.identity)
        claimed = services.store.claim([_intent(row, document, identity, services) for row, document in batch])
    except BaseException:
        _close(document for _, document in batch)
        raise
    claims = {claim.submission_id: claim for claim in claimed if not claim.failed}
    failed = {claim.submission_id for claim in claimed if claim.failed}
    for row in (row for row, _ in batch if row.submission_id in failed):
        services.report_failed(row.submission_id, row.invoice_id, row.account)
    for row, document in batch:
        claim = claims.get(row.submission_id)
        if document and claim and claim.attempt_id is not None:  # nothing is ever sent without an open attempt
            call = run.senders.submit(_deposit, row, document, claim.own_key, services, lease)
            run.calls[call] = Call(row, claim)
        else:
            _close([document])
    look_ups = [
        (row, claims[row.submission_id]) for row, document in batch if not document and row.submission_id in claims
    ]
    alone = look_ups or any(document and document.size > MOST_BYTES_IN_MEMORY for _, document in batch)
    _record_until(0 if alone else services.max_in_flight, run)
    look_up_deposits(look_ups, services, lease)


def _intent(
    row: Waiting, document: Document | None, identity: Callable[[str], Mapping[str, str]], services: Services
) -> Intent:
    takes_key = document is not None and services.platforms.of(row.account).capabilities.own_key
    number_read = document is None or document.number_read
    return Intent(row, document.sha256 if document else None, identity(row.account), takes_key, number_read)


def _close(documents: Iterable[Document | None]) -> None:
    for document in filter(None, documents):
        document.close()


def _record_until(under_way: int, run: Run) -> None:
    """Record answers as they come, in one statement those that came meanwhile, until so few calls are left.

    An answer that cannot be recorded ends in a look-up; the others are recorded all the same.
    """
    while len(run.calls) > under_way:
        answered, _ = wait(run.calls, return_when=FIRST_COMPLETED)
        outcomes = []
        for future in sorted(answered, key=lambda each: run.calls[each].row.submission_id):
            call = run.calls[future]
            try:
                outcomes.append((call, future.result()))
            except Exception as error:  # noqa: BLE001  raised in the end, once the other answers are safe
                run.failures.append(error)
            del run.calls[future]
        _record(outcomes, run)


def _record(answered: Sequence[tuple[Call, Answered]], run: Run) -> None:
    """Record together or, where one of them fails the statement, each alone."""
    if not answered:
        return
    try:
        states = run.services.store.record([Outcome(call.row, call.claim, each.decision) for call, each in answered])
    except Exception as error:  # noqa: BLE001  raised in the end
        if len(answered) == 1:
            run.failures.append(error)
            return
        for one in answered:
            _record([one], run)
        return
    for (call, each), state in zip(answered, states, strict=True):
        run.services.report(call.row, state, each.decision, run.seconds(), each.call_seconds)


def _deposit(row: Waiting, document: Document, own_key: str | None, services: Services, lease: Lease) -> Answered:
    """One call. That of a platform which cannot be built, or for which there is no time, is never made."""
    began = None
    try:
        lease.check()
        platform = services.platforms.of(row.account)
        began = services.clock()
        answer = platform.deposit(document, own_key, lease.check)
        decision = after_answer(answer, services.limits, doubtful=row.doubtful)
    except OutcomeUnknownError as error:
        decision = after_unknown(error, services.limits)
    except OtherSellerError as error:
        decision = after_other_seller(error, row, services.limits, services.jitter)
    except NotDepositedError as error:
        decision = services.failed(row, error)
    except ConfigurationError as error:  # the secret changed meanwhile: raised before a body, or after it was refused
        decision = services.failed(row, AccountRefusedError(Problem("account_misconfigured", str(error))))
    finally:
        document.close()
    return Answered(decision, None if began is None else services.clock() - began)
