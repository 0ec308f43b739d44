"""The whole story of an invoice, as a timeline."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.domain.words import instant
from facteur.errors import OperatorError
from facteur.operate.model.story import (
    Happening,
    KnownAttempt,
    KnownOperation,
    KnownStatus,
    KnownSubmission,
    KnownTransition,
    Stories,
    Story,
)
from facteur.operate.next_step import next_step
from facteur.operate.services import OperateServices

BY = ("id", "number", "submission_id")
STATE, FOR_THE_STATE = "PPF", "for the administration (PPF)"


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
        services.stories.transitions(invoice_id),
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
    transitions: Sequence[KnownTransition],
    attempts: Sequence[KnownAttempt],
    statuses: Sequence[KnownStatus],
    operations: Sequence[KnownOperation],
) -> list[Happening]:
    """Everything that happened, in order; what was known of it then, whatever is known now."""
    happenings = [Happening(one.at, one.operation, f"by {one.who}: {one.why}") for one in operations]
    happenings += [_of_attempt(one) for one in attempts]
    happenings += [_OF_SUBJECT[one.subject](one) for one in transitions]
    happenings += [_of_status(one) for one in statuses]
    return sorted(happenings, key=lambda each: each.at)


def _of_submission(one: KnownTransition) -> Happening:
    submission = f"submission {one.submission_id} of account {one.account}"
    if one.from_state is None:
        return Happening(
            one.at, "invoice is ready" if one.to_state == "pending" else f"opened {_words(one)}", submission
        )
    if one.to_state == "withdrawn":
        return Happening(one.at, "withdrawn", f"{submission}: its row was not ready any more")
    waits = one.to_state in {"pending", "in_doubt"} and one.reason
    return Happening(one.at, f"still {_words(one)}" if waits else _words(one), _why(one) or (one.platform_id or ""))


def _of_outcome(one: KnownTransition) -> Happening:
    known = "deposit" if one.from_state is None else f"deposit, so far {one.from_state.replace('_', ' ')}, is"
    deposit = f"as {one.platform_id}" if one.platform_id else None
    return Happening(one.at, f"{known} {_words(one)}", " · ".join(filter(None, (one.reason, one.detail, deposit))))


def _of_write_back(one: KnownTransition) -> Happening:
    if one.to_state == "not taken":
        return Happening(one.at, "its row was not written", f"SQLSTATE {one.reason}")
    return Happening(one.at, f"its row shows {one.to_state}", f"before: {one.from_state}")


def _of_objection(one: KnownTransition) -> Happening:
    what = "row shows an error though it is deposited" if one.to_state == "raised" else "that is settled"
    return Happening(one.at, what, _why(one))


def _of_account(one: KnownTransition) -> Happening:
    what = f"account {one.account} {'waits' if one.to_state == 'paused' else 'goes on'}"
    return Happening(one.at, what, " · ".join(filter(None, (one.reason, f"by {one.by_whom}" if one.by_whom else None))))


def _words(one: KnownTransition) -> str:
    return one.to_state.replace("_", " ")


def _why(one: KnownTransition) -> str:
    return ": ".join(filter(None, (one.reason, one.detail)))


_OF_SUBJECT = {
    "submission": _of_submission, "attempt": _of_outcome, "write_back": _of_write_back, "objection": _of_objection,
    "account": _of_account,
}  # fmt: skip


def _of_attempt(one: KnownAttempt) -> Happening:
    sent = f"number {one.invoice_number}, document {one.document_sha256[:12]}…"
    return Happening(one.started_at, "deposit attempted", sent)


def _of_status(one: KnownStatus) -> Happening:
    words = ": ".join(filter(None, (one.reason, one.message)))
    by = f"by {one.caused_by}" if one.caused_by else None
    whose = FOR_THE_STATE if one.audience == STATE else None  # the same code comes for the company as well
    return Happening(one.occurred_at, f"{one.code} {one.label}", " · ".join(filter(None, (words, by, whose))))


def _given(current: KnownSubmission | None) -> str:
    if current is None:
        return "nothing"
    if current.write_back_error:
        again = f", again at {instant(current.write_back_due_at)}" if current.write_back_due_at else ""
        return f"{current.written_status}; the last write-back failed: {current.write_back_error}{again}"
    return current.written_status + ("; it is written again soon" if current.write_back_due_at else "")
