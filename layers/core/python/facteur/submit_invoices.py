"""Deposit what the queue's messages name, each invoice exactly once: read, claim, call, record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from facteur.decide import after_answer, after_unknown
from facteur.decision import Decision, Outcome
from facteur.errors import AccountRefusedError, ConfigurationError, NotDepositedError, OutcomeUnknownError, Problem
from facteur.look_up_deposit import look_up_deposit
from facteur.model import Claim, Intent, Waiting
from facteur.ports import Document
from facteur.prepare_batch import Item, prepare_batch
from facteur.submission_services import Lease, Services

Calls = dict[Future[Decision], tuple[Waiting, Claim]]


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
        for batch in prepare_batch(waiting, services, threads):
            _work(batch, services, threads, stop_at)


def _work(batch: Sequence[Item], services: Services, threads: ThreadPoolExecutor, stop_at: float) -> None:
    """Claim, call with no transaction open, and record each answer as it comes."""
    began = time.monotonic()
    lease = Lease(min(began + services.lease_seconds, stop_at), services.answer_seconds)
    claimed = services.store.claim([_intent(row, document, services) for row, document in batch])
    claims = {claim.submission_id: claim for claim in claimed}
    try:
        _record_answers(_send(batch, claims, services, threads, lease), services, began)
        for row, document in batch:
            if document is None and row.submission_id in claims:
                look_up_deposit(row, claims[row.submission_id], services, lease)
    finally:
        for _, document in batch:
            if document:
                document.close()


def _intent(row: Waiting, document: Document | None, services: Services) -> Intent:
    return Intent(row, document.sha256 if document else None, services.platforms.identity(row.account))


def _send(
    batch: Sequence[Item], claims: dict[int, Claim], services: Services, threads: ThreadPoolExecutor, lease: Lease
) -> Calls:
    claimed = [(row, document, claims[row.submission_id]) for row, document in batch if row.submission_id in claims]
    return {
        threads.submit(_deposit, row, document, services, lease): (row, claim)
        for row, document, claim in claimed
        if document and claim.attempt_id is not None  # nothing is ever sent without an open attempt
    }


def _record_answers(calls: Calls, services: Services, began: float) -> None:
    """Record answers as they come, in one statement those that came meanwhile; an answer that cannot be recorded ends in a look-up."""
    failure: Exception | None = None
    under_way = set(calls)
    while under_way:
        answered, under_way = wait(under_way, return_when=FIRST_COMPLETED)
        outcomes = []
        for call in sorted(answered, key=lambda each: calls[each][0].submission_id):
            try:
                outcomes.append(Outcome(*calls[call], call.result()))
            except Exception as error:  # noqa: BLE001  raised again below, once the other answers are safe
                failure = error
        failure = _record(outcomes, services, began) or failure
    if failure:
        raise failure


def _record(outcomes: Sequence[Outcome], services: Services, began: float) -> Exception | None:
    """Record together or, where one of them fails the statement, each alone; the failure of the last that could not be recorded."""
    try:
        states = services.store.record(outcomes) if outcomes else []
    except Exception as error:  # noqa: BLE001  the caller raises it
        if len(outcomes) == 1:
            return error
        failures = [_record([outcome], services, began) for outcome in outcomes]
        return next(filter(None, failures), None)
    for outcome, state in zip(outcomes, states, strict=True):
        services.tell(outcome.row, state, outcome.decision, time.monotonic() - began)
    return None


def _deposit(row: Waiting, document: Document, services: Services, lease: Lease) -> Decision:
    try:
        lease.check()
        return after_answer(services.platforms.of(row.account).deposit(document, lease.check), services.limits)
    except OutcomeUnknownError as error:
        return after_unknown(error.problem, services.limits)
    except NotDepositedError as error:
        return services.failed(row, error)
    except ConfigurationError as error:  # the secret changed meanwhile: raised before a body, or after it was refused
        return services.failed(row, AccountRefusedError(Problem("account_misconfigured", str(error))))
