"""What lies in the dead-letter queue, and why: which submissions the messages name, and how those stand. Never what a message holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from facteur.errors import OperatorError
from facteur.operate.model.status import NamedSubmission
from facteur.operate.services import OperateServices

if TYPE_CHECKING:
    from facteur.aws.dead_letters import DeadLetter

MOST = 1000
OPEN = frozenset({"pending", "in_doubt", "sending"})


@dataclass(frozen=True, slots=True)
class ShownLetter:
    """A dead letter beside its submission. `why` says what became of it, `help` which command is of use; None: none is needed."""

    submission_id: int | None
    invoice_id: str | None
    invoice_number: str | None
    account: str | None
    state: str | None
    sent_at: datetime | None
    receives: int
    why: str
    help: str | None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Those that were seen, of about so many."""

    letters: tuple[ShownLetter, ...]
    count: int


def dead_letters(services: OperateServices, *, limit: int = 100) -> DeadLetters:
    """Shows dead letters; none is taken away.

    Raises:
        OperatorError: no queue is known here, or SQS refuses.
    """
    if not 1 <= limit <= MOST:
        raise OperatorError(f"--limit must be between 1 and {MOST}")
    queue = services.dead_letters()
    if queue is None:
        raise OperatorError("no queue is known here: ask the deployed stack (--stack), or set SUBMISSIONS_QUEUE_URL")
    letters = queue.shown(limit)
    named = {
        row.submission_id: row
        for row in services.reading.named([each.submission_id for each in letters if each.submission_id])
    }
    raised = next((run.error for run in services.reading.runs() if run.name == "submit_invoices"), None)
    shown = [_shown(letter, named.get(letter.submission_id or 0), raised) for letter in letters]
    return DeadLetters(tuple(shown), max(queue.count(), len(shown)))


def _shown(letter: DeadLetter, row: NamedSubmission | None, raised: str | None) -> ShownLetter:
    why, helps = _why(letter, row, raised)
    if row is None:
        return ShownLetter(letter.submission_id, None, None, None, None, letter.sent_at, letter.receives, why, helps)
    return ShownLetter(
        letter.submission_id, row.invoice_id, row.invoice_number, row.account, row.state, letter.sent_at, letter.receives, why, helps
    )  # fmt: skip


def _why(letter: DeadLetter, row: NamedSubmission | None, raised: str | None) -> tuple[str, str | None]:
    if letter.submission_id is None:
        return "it names no submission: whoever sent it was not Facteur", None
    if row is None:
        return "its submission is gone: the invoice was withdrawn", None
    if row.state not in OPEN:
        return f"its invoice is {row.state} by now: a redrive does nothing", None
    last = f"; the row says {row.why}" if row.why else ""
    died = (
        f"submit_invoices last raised {raised}"
        if raised
        else "its worker raised or died, and others have ended well since"
    )
    return f"{died}{last}", f'facteur show id:{row.invoice_id}, then facteur redrive --why "…"'
