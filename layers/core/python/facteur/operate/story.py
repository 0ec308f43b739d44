"""The whole story of an invoice, as a timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facteur.errors import OperatorError
from facteur.operate.next_step import next_step
from facteur.operate.services import OperateServices
from facteur.operate.story_model import (
    Happening,
    KnownAttempt,
    KnownOperation,
    KnownStatus,
    KnownSubmission,
    Stories,
    Story,
)

BY = ("id", "number", "submission_id")


def show(services: OperateServices, *, what: str) -> Stories:
    """Everything about the invoices that a word names: a key of the table, a number, or the platform's id.

    Args:
        what: `id:42`, `number:42` and `submission_id:42` name one kind only.

    Raises:
        OperatorError: nothing of that name is known.
    """
    return Stories(tuple(story_of(services, invoice_id) for invoice_id in found(services, what)))


def found(services: OperateServices, what: str) -> list[str]:
    """The invoices that a word names, at least one.

    Raises:
        OperatorError: there is none.
    """
    kind, colon, word = what.partition(":")
    by, word = ((kind,), word) if colon and kind in BY else (BY, what)
    invoice_ids = services.stories.find(word.strip(), by)
    if not invoice_ids:
        named = f"{by[0]} {word}" if len(by) == 1 else f"id, number, or submission_id {what!r}"
        raise OperatorError(f"no invoice has the {named}; facteur list shows some")
    return invoice_ids


def story_of(services: OperateServices, invoice_id: str) -> Story:
    """The story of one invoice, by its key."""
    submissions = services.stories.submissions(invoice_id)
    row = services.stories.row(invoice_id)
    current = current_of(submissions)
    happenings = timeline(
        submissions,
        services.stories.attempts(invoice_id),
        services.stories.statuses(invoice_id),
        services.stories.operations(invoice_id),
    )
    step, helpful = next_step(current, row, f"id:{invoice_id}")
    return Story(
        invoice_id=invoice_id,
        account=current.account if current else row.account,
        invoice_number=(current.invoice_number if current else None) or row.invoice_number,
        seller_siren=(current.seller_siren if current else None) or row.seller_siren,
        total=current.total if current else row.total,
        currency=current.currency if current else row.currency,
        state=current.state if current else None,
        submission_id=current.platform_id if current else None,
        lifecycle_code=current.lifecycle_code if current else None,
        row=row,
        told=_given(current),
        happenings=tuple(happenings),
        next_step=step,
        help=helpful,
    )


def current_of(submissions: Sequence[KnownSubmission]) -> KnownSubmission | None:
    """The live submission of an invoice, or else its last one."""
    live = [each for each in submissions if each.state not in {"rejected", "failed"}]
    return next(reversed(live or list(submissions)), None)


def timeline(
    submissions: Sequence[KnownSubmission],
    attempts: Sequence[KnownAttempt],
    statuses: Sequence[KnownStatus],
    operations: Sequence[KnownOperation],
) -> list[Happening]:
    """Everything that happened, in order."""
    happenings = [each for one in submissions for each in _of_submission(one)]
    happenings += [each for one in attempts for each in _of_attempt(one)]
    happenings += [_of_status(one) for one in statuses]
    happenings += [Happening(one.at, one.operation, f"by {one.who}: {one.why}") for one in operations]
    return sorted(happenings, key=lambda each: each.at)


def _of_submission(one: KnownSubmission) -> Iterator[Happening]:
    yield Happening(one.created_at, "invoice is ready", f"submission {one.submission_id} of account {one.account}")
    error = ": ".join(filter(None, (one.last_error_code, one.last_error_message)))
    if one.finalized_at:
        yield Happening(one.finalized_at, one.state, error)
    elif error:
        yield Happening(one.updated_at, f"still {one.state.replace('_', ' ')}", error)
    if one.mismatch:
        yield Happening(one.updated_at, "row shows an error though it is deposited", one.mismatch)


def _of_attempt(one: KnownAttempt) -> Iterator[Happening]:
    sent = f"number {one.invoice_number}, document {one.document_sha256[:12]}…"
    yield Happening(one.started_at, "deposit attempted", sent)
    if one.ended_at is None and one.outcome is None:
        return
    status = f"HTTP {one.http_status}" if one.http_status else None
    deposit = f"as {one.platform_id}" if one.platform_id else None
    message = one.message if one.message and (not status or status not in one.message) else None
    words = one.message if status and one.message and status in one.message else None
    detail = " · ".join(filter(None, (words or status, one.code, message, deposit)))
    yield Happening(one.ended_at or one.started_at, f"deposit {(one.outcome or 'open').replace('_', ' ')}", detail)


def _of_status(one: KnownStatus) -> Happening:
    words = ": ".join(filter(None, (one.reason, one.message)))
    by = f"by {one.caused_by}" if one.caused_by else None
    return Happening(one.occurred_at, f"{one.code} {one.label}", " · ".join(filter(None, (words, by))))


def _given(current: KnownSubmission | None) -> str:
    if current is None:
        return "nothing"
    if current.write_back_error:
        again = f", again at {current.write_back_due_at:%H:%M:%S}" if current.write_back_due_at else ""
        return f"{current.written_status}; the last write-back failed: {current.write_back_error}{again}"
    return current.written_status + ("; it is written again soon" if current.write_back_due_at else "")
