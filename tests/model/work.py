"""Submitters and pollers that stop after every statement, so that a test decides who goes on, who waits, and who dies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from facteur.domain.decide_deposit import after_answer, after_failure, after_unknown
from facteur.domain.decide_look_up import (
    after_look_up,
    lasted,
)
from facteur.domain.decide_status import merged, rule
from facteur.domain.decision import LOOKED_UP, Decision, Limits, Outcome
from facteur.domain.evidence import (
    attribute,
    weighed,
)
from facteur.domain.submission import Claim, Doubt, Intent, State, Waiting
from facteur.errors import (
    DocumentUnavailableError,
    DocumentUnusableError,
    NotDepositedError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.poll_statuses.store import PostgresStatuses
from facteur.submit_invoices.store import PostgresSubmissions
from tests.model.platform import Deposit, Fault, MemoryPlatform

LEASE_SECONDS = 150.0
ANSWER_SECONDS = 35.0
LIMITS = Limits(resend_after_seconds=600, give_up_after_seconds=259200, follow_up_seconds=34560000)
FAILED_READ_SECONDS = 60.0

Work = Generator[None, Fault, None]


@dataclass(frozen=True)
class Bench:
    """What workers share."""

    store: PostgresSubmissions
    statuses: PostgresStatuses
    platform: MemoryPlatform
    clock: Callable[[], datetime]
    conflicts_at_once: bool


def submit(ids: Sequence[int], bench: Bench) -> Work:
    """What submit_invoices does with a batch, one statement or call at a time."""
    waiting = bench.store.read(ids)
    fault = yield
    for account in {
        row.account for row in waiting if row.read_first
    }:  # the harmless read of an account that was refused
        if bench.store.begin_read(account) and fault is Fault.NONE:
            bench.store.read_answered(account)
    items = [Intent(row, digest) for row in waiting for digest in _digests(row, bench, fault)]
    yield
    ends_at = bench.clock() + timedelta(seconds=LEASE_SECONDS)
    claims = {claim.submission_id: claim for claim in bench.store.claim(items) if not claim.failed}
    for intent in items:
        row, digest = intent.row, intent.sha256
        if claim := claims.get(row.submission_id):
            yield from _look_up(row, claim, bench) if digest is None else _deposit(row, digest, claim, ends_at, bench)


def poll(bench: Bench) -> Work:
    """What poll_statuses does."""
    dues = bench.statuses.claim_status_updates(20)
    fault = yield
    for due in dues:
        try:
            events = bench.platform.history(due.platform_id, fault)
        except NotDepositedError:
            bench.statuses.postpone_status_update(due, FAILED_READ_SECONDS)
            continue
        yield
        known = merged(due, events)
        bench.statuses.record_status_update(
            due, known[len(due.known) :], rule(due, known, False, LIMITS), decided_on=len(known), asked_by="history"
        )
        fault = yield


def digest_of(document_uri: str) -> str:
    """The hash of the document that lies there."""
    return sha256(document_uri.encode()).hexdigest()


def _digests(row: Waiting, bench: Bench, fault: Fault) -> list[str | None]:
    """The document's hash, [None] for a look-up, or nothing where the row is left; that is recorded here."""
    if row.state is State.IN_DOUBT:
        return [None]
    invoice = row.invoice
    if invoice is None or not invoice.ready or not invoice.document_uri:
        if row.doubtful_sha256:
            return _left(row, DocumentUnusableError(Problem("withdrawn_in_doubt", "withdrawn")), bench)
        bench.store.withdraw(row.submission_id)
        return []
    if not invoice.invoice_number:
        return _left(row, DocumentUnusableError(Problem("not_identifiable", "no number")), bench)
    if fault is Fault.UNREACHABLE:
        return _left(row, DocumentUnavailableError(Problem("document_unavailable", "S3 is away")), bench)
    digest = digest_of(invoice.document_uri)
    if row.doubtful_sha256 and digest not in row.doubtful_sha256:
        return _left(row, DocumentUnusableError(Problem("document_changed", "other bytes")), bench)
    return [digest]


def _left(row: Waiting, error: ProblemError, bench: Bench) -> list[str | None]:
    bench.store.record_unclaimed(row, _failure(row, error, row.waited_seconds, row.state))
    return []


def _deposit(row: Waiting, digest: str, claim: Claim, ends_at: datetime, bench: Bench) -> Work:
    fault = yield
    try:
        if bench.clock() + timedelta(seconds=ANSWER_SECONDS) > ends_at:
            raise PlatformBusyError(Problem("lease_too_short", "not sent"))
        sent = _sent(row, digest, claim, bench.clock())
        if bench.conflicts_at_once and fault is Fault.NONE:
            decision = after_answer(bench.platform.post_with_conflict(sent), LIMITS)
        else:
            decision = after_answer(bench.platform.post(sent, fault), LIMITS)
    except NotDepositedError as error:
        decision = _failure(row, error, row.waited_seconds, State.PENDING)
    except OutcomeUnknownError as error:
        decision = after_unknown(error, LIMITS)
    yield
    bench.store.record([Outcome(row, claim, decision)])


def _look_up(row: Waiting, claim: Claim, bench: Bench) -> Work:
    yield
    doubt = bench.store.doubt(row.submission_id)
    fault = yield
    found: list[tuple[int, str]] = []
    try:
        decision, found = _looked_up(doubt, bench, fault)
    except NotDepositedError as error:
        decision = _failure(row, error, doubt.waited_seconds, State.IN_DOUBT)
    yield
    bench.store.record([Outcome(row, claim, decision, found)])


def _looked_up(doubt: Doubt, bench: Bench, fault: Fault) -> tuple[Decision, list[tuple[int, str]]]:
    numbers = {a.invoice_number for a in doubt.attempts if a.outcome != "accepted" and a.invoice_number}
    shown = [candidate for number in sorted(numbers) for candidate in bench.platform.find(number, fault)]
    holders = bench.store.taken_elsewhere(doubt.invoice_id, [candidate.platform_id for candidate in shown])
    copies = {each.platform_id: bench.platform.sha256_of(each.platform_id) for each in shown}
    evidence = weighed(doubt, shown, copies, holders)
    move = after_look_up(doubt, evidence, lasted(doubt, bench.clock(), LIMITS), LIMITS)
    return Decision(move, LOOKED_UP), attribute(doubt.attempts, evidence.ours, copies)


def _sent(row: Waiting, digest: str, claim: Claim, now: datetime) -> Deposit:
    assert row.invoice is not None
    assert claim.attempt_id is not None
    number, total = str(row.invoice.invoice_number), row.invoice.total or Decimal(0)
    return Deposit(row.invoice_id, claim.attempt_id, number, digest, total, now)


def _failure(row: Waiting, error: ProblemError, waited: float, state: State) -> Decision:
    return after_failure(error, row.tries, waited, row.age_seconds, LIMITS, lambda most: most, state)
