"""What happens next with an invoice, and which command helps: pure functions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from facteur.domain.identity import plain
from facteur.domain.words import counted, instant
from facteur.operate.model.story import CompanyRow, KnownSubmission
from facteur.operate.waiting import holds, of_one

Step = tuple[str, str | None]
OF_ANOTHER_KIND = "its kind "  # as facteur.kind_of begins: a backlog would not take it either


def next_step(current: KnownSubmission | None, row: CompanyRow, name: str) -> Step:
    """A sentence, and a command or None. `name` is how a command names the invoice."""
    if current is None:
        return _of_no_submission(row)
    return _kept(current) or _sent_again(current, row) or _OF_STATE[current.state](current, name)


def _kept(current: KnownSubmission) -> Step | None:
    """What holds the invoice comes before what could be done with it: until that ends, a retry changes nothing."""
    if current.waits_for is None or not holds(current.waits_for, current.overdue_seconds):
        return None
    waits = of_one(current.waits_for, current.account, current.waits_detail)
    until = f" until {_at(current.waits_until)}" if current.waits_until else ""
    before = "Sent again, it waits" if current.state in {"rejected", "failed"} else "It waits"
    return f"{waits.replace('It waits', before, 1)}{until}. {_afterwards(current)}", current.waits_step


def _afterwards(current: KnownSubmission) -> str:
    if current.state == "in_doubt":
        return f"Then it is looked up; {_asked(current)}."
    if current.state == "submitted" and not current.mismatch:
        return "It is deposited, and then the platform is asked for its statuses."
    return _AFTER_ALL.get(current.state) or _OF_STATE[current.state](current, "")[0]


def _of_no_submission(row: CompanyRow) -> Step:
    if row.problem:
        return f"Nothing: {row.problem}.", None
    if row.ready:
        return "It is ready: the relay opens its submission, and finds it once a day where no trigger noted it.", None
    old = row.technical_status is None and row.issue_date and not (row.lacks or "").startswith(OF_ANOTHER_KIND)
    return (
        f"Nothing: the view does not show it as ready (technical_status {row.technical_status or 'null'}).",
        f"facteur submit-backlog --since {row.issue_date} --until {row.issue_date}" if old else None,
    )


def _sent_again(current: KnownSubmission, row: CompanyRow) -> Step | None:
    """Somebody has corrected it already: its verdict was written, and its row asks for a new submission."""
    over = current.state in {"rejected", "failed"} and current.write_back_due_at is None
    if not over or row.problem or plain(row.technical_status) != "pending":
        return None
    if row.ready:
        return "Its row says pending again: the relay opens a new submission.", None
    return f"Its row says pending again, and it is not ready: {row.lacks}. It is sent as soon as it is.", None


def _pending(current: KnownSubmission, name: str) -> Step:
    if current.queued_at:
        return f"On the queue since {_at(current.queued_at)}: a worker deposits it.", None
    if current.last_error_code == "document_missing":
        return f"Its document is looked for again at {_at(current.due_at)}: upload it.", None
    return f"Put onto the queue at {_at(current.due_at)} and deposited.", f'facteur retry {name} --why "…"'


def _sending(current: KnownSubmission, name: str) -> Step:
    return f"A deposit may be under way: a worker has it until {_at(current.lease_until)} at most.", None


def _in_doubt(current: KnownSubmission, name: str) -> Step:
    return (
        f"Looked up at the platform at {_at(current.due_at)}; {_asked(current)}.",
        f'facteur retry {name} --why "…"',
    )


def _asked(current: KnownSubmission) -> str:
    return counted("# [look-up|look-ups] did not find it so far", current.empty_lookups)


def _submitted(current: KnownSubmission, name: str) -> Step:
    if current.mismatch:
        return f"Deposited, but a person decides: {current.mismatch}", None
    return f"Deposited. The platform is asked for its statuses at {_at(current.due_at)} at the latest.", None


def _rejected(current: KnownSubmission, name: str) -> Step:
    return "Nothing by itself: correct the invoice, then send it again.", f'facteur retry {name} --why "…"'


def _failed(current: KnownSubmission, name: str) -> Step:
    return (
        "Nothing by itself: a person decides. Correct what the last error names and retry, adopt the deposit that the "
        "platform has, or reject it.",
        f'facteur retry {name} --why "…"',
    )


def _closed(current: KnownSubmission, name: str) -> Step:
    return "Nothing: its life cycle is over.", None


_AFTER_ALL = {
    "pending": "Then it is deposited.",
    "sending": "Its worker did not report: then it is looked up at the platform.",
}


def _at(moment: datetime | None) -> str:
    return instant(moment) if moment else "once"


_OF_STATE: dict[str, Callable[[KnownSubmission, str], Step]] = {
    "pending": _pending,
    "sending": _sending,
    "in_doubt": _in_doubt,
    "submitted": _submitted,
    "rejected": _rejected,
    "failed": _failed,
    "closed": _closed,
}
