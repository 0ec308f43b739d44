"""The invariants of docs/reliability.md, as statements about one state of the database and of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facteur.postgres.database import Database
from tests.model.platform import MemoryPlatform

LIVE = {"pending", "sending", "in_doubt", "submitted", "closed"}
SHOWN = {
    "pending": "pending", "sending": "pending", "in_doubt": "pending", "submitted": "validated", "closed": "validated",
    "rejected": "rejected", "failed": "error",
}  # fmt: skip
SUBMISSIONS = """
select id, invoice_id, state, due_at, platform_id, write_back_due_at, duplicate_verdict, last_error_message, written_status, mismatch
from facteur.submissions order by id
"""
ATTEMPTS = "select id, invoice_id, outcome, platform_id, document_sha256, invoice_number from facteur.attempts"
INVOICES = """
select i.id::text as id, i.status, i.technical_status, i.submission_id, i.invoice_number, s.ready
from invoicing.invoices i join facteur.invoice_source s on s.invoice_id = i.id order by i.id
"""
NOTED = "select distinct unnest(invoice_ids) as id from facteur.changes"


@dataclass(frozen=True)
class Sight:
    """Everything in the database at one moment; submissions and invoices in the order of their keys."""

    submissions: list[Any]
    attempts: dict[int, Any]
    invoices: dict[str, Any]
    noted: set[str]

    @classmethod
    def of(cls, database: Database) -> Sight:
        return cls(
            database.rows(SUBMISSIONS),
            {row.id: row for row in database.rows(ATTEMPTS)},
            {row.id: row for row in database.rows(INVOICES)},
            {row.id for row in database.rows(NOTED)},
        )

    def latest(self, invoice_id: str) -> Any:
        """The latest submission of an invoice, or None."""
        return next((s for s in reversed(self.submissions) if s.invoice_id == invoice_id), None)

    def findable(self, platform_ids: list[str], platform: MemoryPlatform) -> list[str]:
        """Those that search showed in time: an attempt that is given up as not found may have a deposit that came up later."""
        outcomes = {each: self.attempts[platform.deposits[each].attempt_id].outcome for each in platform_ids}
        return [each for each, outcome in outcomes.items() if outcome != "not_found"]


def check_always(sight: Sight, platform: MemoryPlatform) -> None:
    """What holds after every statement, whatever failed."""
    live = [s.invoice_id for s in sight.submissions if s.state in LIVE]
    assert len(live) == len(set(live)), "two live submissions of one invoice"
    for submission in sight.submissions:
        is_open = submission.state in LIVE - {"closed"}
        assert (submission.due_at is not None) is is_open, f"forgotten, or due without end: {submission}"
        assert submission.state not in {"rejected", "failed"} or submission.last_error_message, "no reason given"
        if submission.state in {"submitted", "closed"}:
            deposited = platform.deposits.get(submission.platform_id)
            assert deposited, f"no such deposit: {submission}"
            assert deposited.invoice_id == submission.invoice_id, f"another invoice's deposit: {submission}"
    for deposit in platform.deposits.values():
        attempt = sight.attempts.get(deposit.attempt_id)
        assert attempt, f"a deposit without an attempt: {deposit}"
        sent = (attempt.invoice_id, attempt.document_sha256, attempt.invoice_number)
        assert sent == (deposit.invoice_id, deposit.sha256, deposit.number), "the attempt is of something else"
    for invoice in sight.invoices.values():
        _check_row(invoice, sight)


def _check_row(invoice: Any, sight: Sight) -> None:
    latest = sight.latest(invoice.id)
    expected = invoice.id in sight.noted or (latest is not None and latest.write_back_due_at is not None)
    if latest is not None and latest.state in LIVE:
        right = invoice.technical_status == _shown(latest)
        assert right or expected, f"the row shows {invoice}, Facteur knows {latest}"
    elif invoice.ready:
        assert expected, f"ready, and nobody will look at it: {invoice} {latest}"


def _shown(latest: Any) -> str:
    """A deposited row that asks for another number than the one deposited goes to a person."""
    return "error" if latest.mismatch and latest.state in {"submitted", "closed"} else SHOWN[latest.state]


def check_no_second_deposit(platform: MemoryPlatform) -> None:
    """While search shows a deposit within RESEND_AFTER_SECONDS of the end of its lease: none is stored beside one that counts."""
    assert not platform.doubles, f"deposited twice: {platform.doubles}"


def check_a_person_sees_no_step_back(before: Sight, after: Sight) -> None:
    """By Facteur's own doing, only a duplicate verdict makes a validated invoice pending."""
    for key, invoice in after.invoices.items():
        was = before.invoices.get(key)
        if was and (was.technical_status, invoice.technical_status) == ("validated", "pending"):
            latest = after.latest(key)
            assert latest.state == "in_doubt", f"validated, then pending: {latest}"
            assert latest.duplicate_verdict, f"validated, then pending: {latest}"


def check_in_the_end(sight: Sight, platform: MemoryPlatform) -> None:
    """All faults are over and everything has been worked off."""
    for key, invoice in sight.invoices.items():
        if invoice.status != "final":
            continue
        latest = sight.latest(key)
        good = [d.platform_id for d in platform.deposits.values() if d.invoice_id == key and not d.refused]
        assert latest, f"lost: {invoice}"
        assert invoice.technical_status == _shown(latest), f"the row shows {invoice}, Facteur knows {latest}"
        if invoice.technical_status == "validated":
            assert good == [invoice.submission_id], f"{invoice} is deposited as {good}"
        elif invoice.technical_status == "rejected":
            assert sight.findable(good, platform) == [], f"{invoice} is rejected, and deposited as {good}"
        else:
            assert invoice.technical_status == "error", f"never finished: {invoice} {latest}"
            assert len(good) <= 1, f"{invoice} is deposited as {good}"
