"""The statements of each use case. What they promise stands in ports.py, what they do in migrations/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from facteur.adapters.postgres import Database, Row, as_json
from facteur.decide import Decision
from facteur.errors import DatabaseUnavailableError, EnvironmentMismatchError
from facteur.model import Attempt, Claim, Doubt, Due, Invoice, Move, State, StatusEvent, Waiting
from facteur.ports import DueBatch, NotesTaken

INLINE_BYTES = 5_000_000
LONGEST_TEXT = 4000  # of the platform's answer that is kept
NEWS_LEASE_SECONDS = 120.0

READ = """
select b.id, b.state, b.account, b.invoice_id, b.tries, b.waited_seconds, b.age_seconds, b.doubtful_sha256, b.row_exists,
       (b.source).ready, (b.source).document_uri, (b.source).document, (b.source).document_bytes, (b.source).file_name,
       (b.source).invoice_number, (b.source).seller_siren, (b.source).issue_date, (b.source).total, (b.source).currency
from facteur.read_batch(%(ids)s, %(inline_bytes)s) b
"""
UNREADABLE = """
select facteur.record_unclaimed(jsonb_build_object('submission_id', %(id)s, 'move', jsonb_build_object(
    'state', (select state from facteur.submissions where id = %(id)s), 'due_in_seconds', 300, 'waited_seconds', 300,
    'error_code', 'row_unreadable',
    'error_message', 'The view facteur.invoice_source raises on this row. Mend row or view; it is tried again by itself.'))) as state
"""


class PostgresSubmissions:
    """Postgres for submit_invoices."""

    def __init__(
        self, database: Database, *, lease_seconds: float, requests_per_minute: float, deposits_enabled: bool
    ) -> None:
        self._database = database
        self._claim = {
            "lease_seconds": lease_seconds,
            "per_minute": requests_per_minute,
            "deposits_enabled": deposits_enabled,
        }

    def read(self, submission_ids: Sequence[int]) -> list[Waiting]:
        try:
            return self._read(submission_ids)
        except DatabaseUnavailableError:
            if len(submission_ids) == 1:
                raise
        # one row that the company's view cannot show must not hold back the others of its batch
        return [row for submission_id in submission_ids for row in self._read_alone(submission_id)]

    def _read_alone(self, submission_id: int) -> list[Waiting]:
        try:
            return self._read([submission_id])
        except DatabaseUnavailableError:
            self._database.row(UNREADABLE, {"id": submission_id})
            return []

    def _read(self, submission_ids: Sequence[int]) -> list[Waiting]:
        return [
            _waiting(row)
            for row in self._database.rows(READ, {"ids": list(submission_ids), "inline_bytes": INLINE_BYTES})
        ]

    CLAIM = """
    select submission_id, lease_token, attempt_id from facteur.claim(%(items)s, %(lease_seconds)s, %(per_minute)s, %(deposits_enabled)s)
    where verdict = 'claimed'
    """

    def claim(self, items: Sequence[tuple[Waiting, str | None]]) -> list[Claim]:
        if not items:
            return []
        rows = self._database.rows(self.CLAIM, {"items": as_json([_item(*item) for item in items]), **self._claim})
        return [Claim(row.submission_id, str(row.lease_token), row.attempt_id) for row in rows]

    def record(self, waiting: Waiting, claim: Claim, decision: Decision, found: Sequence[tuple[int, str]] = ()) -> str:
        outcome = _outcome(waiting, decision) | {"lease_token": claim.lease_token}
        outcome["found"] = [{"attempt_id": attempt, "platform_id": platform_id} for attempt, platform_id in found]
        if claim.attempt_id is not None:
            outcome["attempt"] = _attempt(claim.attempt_id, decision)
        return str(
            self._database.row("select facteur.record(%(outcome)s) as state", {"outcome": as_json(outcome)}).state
        )

    def record_unclaimed(self, waiting: Waiting, decision: Decision) -> str:
        outcome = as_json(_outcome(waiting, decision))
        return str(
            self._database.row("select facteur.record_unclaimed(%(outcome)s) as state", {"outcome": outcome}).state
        )

    def withdraw(self, submission_id: int) -> bool:
        return bool(self._database.row("select facteur.withdraw(%(id)s) as gone", {"id": submission_id}).gone)

    def doubt(self, submission_id: int) -> Doubt:
        row = self._database.row("select * from facteur.read_doubt(%(id)s)", {"id": submission_id})
        attempts = tuple(_past_attempt(attempt) for attempt in row.attempts)
        return Doubt(
            submission_id,
            row.invoice_id,
            row.empty_lookups,
            row.doubt_seconds,
            row.waited_seconds,
            row.duplicate_verdict,
            attempts,
        )

    def held_elsewhere(self, invoice_id: str, platform_ids: Sequence[str]) -> frozenset[str]:
        parameters = {"invoice_id": invoice_id, "platform_ids": list(platform_ids)}
        row = self._database.row("select facteur.held_elsewhere(%(invoice_id)s, %(platform_ids)s) as ids", parameters)
        return frozenset(row.ids)


@dataclass(frozen=True, slots=True)
class LockedRows:
    """Due rows, locked until the transaction ends."""

    submission_ids: Sequence[int]
    database: Database

    def mark_queued(self, submission_ids: Sequence[int]) -> None:
        if submission_ids:
            self.database.rows("select facteur.mark_queued(%(ids)s)", {"ids": list(submission_ids)})


class PostgresRelay:
    """Postgres for relay_submissions."""

    PICK = "select pick_due as id from facteur.pick_due(%(limit)s, %(per_minute)s, %(deposits_enabled)s)"

    def __init__(
        self, database: Database, *, provider: str, requests_per_minute: float, deposits_enabled: bool
    ) -> None:
        self._database = database
        self._provider = provider
        self._per_minute = requests_per_minute
        self._deposits_enabled = deposits_enabled

    def check_environment(self, base_url: str) -> None:
        pins = self._database.row("select pins from facteur.installation").pins
        elsewhere = sorted(account for account, pin in pins.items() if pin["base_url"] != base_url)
        if elsewhere:
            raise EnvironmentMismatchError(
                f"this database deposits with {pins[elsewhere[0]]['base_url']} (account {elsewhere[0]}) and not with {base_url}. "
                "Is it a copy? Check, then remove the account from facteur.installation.pins"
            )

    def begin_run(self) -> int:
        return int(self._database.row("select facteur.begin_relay_run() as run").run)

    def look(self, run: int) -> tuple[bool, bool]:
        parameters = {"run": run, "deposits_enabled": self._deposits_enabled}
        row = self._database.row("select anything, newest from facteur.look(%(run)s, %(deposits_enabled)s)", parameters)
        return row.anything, row.newest

    def take_notes(self, limit: int) -> NotesTaken:
        parameters = {"provider": self._provider, "limit": limit}
        row = self._database.row(
            "select notes, opened, repeated, broken from facteur.take_notes(%(provider)s, %(limit)s)", parameters
        )
        return NotesTaken(row.notes, row.opened, row.repeated, row.broken)

    def end_expired_leases(self) -> int:
        return int(self._database.row("select facteur.end_expired_leases() as n").n)

    def repeat_write_backs(self, limit: int) -> tuple[int, int]:
        row = self._database.row("select told, refused from facteur.repeat_write_backs(%(limit)s)", {"limit": limit})
        return row.told, row.refused

    def note_forgotten(self) -> int | None:
        found: int | None = self._database.row("select facteur.note_forgotten() as n").n
        return found

    def oldest_overdue_seconds(self) -> float:
        return float(self._database.row("select facteur.oldest_overdue_seconds() as s").s)

    @contextmanager
    def pick_due(self, limit: int) -> Iterator[DueBatch]:
        parameters = {"limit": limit, "per_minute": self._per_minute, "deposits_enabled": self._deposits_enabled}
        with self._database.transaction():
            yield LockedRows([row.id for row in self._database.rows(self.PICK, parameters)], self._database)


class PostgresNews:
    """Postgres for poll_statuses."""

    PERMIT = "select facteur.take_permits(%(account)s, 1, %(per_minute)s, 'history', %(history_per_minute)s) as granted"
    POSTPONE = """
    update facteur.submissions set due_at = facteur.now() + make_interval(secs => %(s)s) where id = %(id)s and state = 'submitted'
    """

    def __init__(self, database: Database, *, requests_per_minute: float, history_requests_per_minute: float) -> None:
        self._database = database
        self._rates = {"per_minute": requests_per_minute, "history_per_minute": history_requests_per_minute}

    def take_history_permit(self, account: str) -> bool:
        return bool(self._database.row(self.PERMIT, {"account": account, **self._rates}).granted)

    def claim_news(self, limit: int) -> list[Due]:
        parameters = {"limit": limit, "lease": NEWS_LEASE_SECONDS}
        rows = self._database.rows(
            "select id, account, platform_id, lifecycle_code, age_seconds from facteur.claim_news(%(limit)s, %(lease)s)",
            parameters,
        )
        return [Due(row.id, row.account, row.platform_id, row.lifecycle_code, row.age_seconds) for row in rows]

    def record_news(
        self, due: Due, events: Sequence[StatusEvent], newest: StatusEvent | None, move: Move
    ) -> tuple[str, int]:
        news = {
            "submission_id": due.submission_id,
            "platform_id": due.platform_id,
            "events": [asdict(event) | {"occurred_at": event.occurred_at.isoformat()} for event in events],
            "newest": {"code": newest.code, "at": newest.occurred_at.isoformat()} if newest else {},
            "move": _move(move),
        }
        row = self._database.row("select state, stored from facteur.record_news(%(news)s)", {"news": as_json(news)})
        return row.state, row.stored

    def postpone_news(self, due: Due, seconds: float) -> None:
        self._database.rows(self.POSTPONE, {"id": due.submission_id, "s": seconds})

    def platform_silent(self, account: str) -> None:
        self._database.rows("select facteur.tell_breaker(%(account)s, false)", {"account": account})

    def pause(self, key: str, seconds: float, reason: str) -> None:
        self._database.rows(
            "select facteur.pause(%(key)s, %(seconds)s, %(reason)s)", {"key": key, "seconds": seconds, "reason": reason}
        )


def _waiting(row: Row) -> Waiting:
    invoice = Invoice(
        invoice_id=row.invoice_id, ready=bool(row.ready), account=row.account, document_uri=row.document_uri,
        document=None if row.document is None else bytes(row.document), document_bytes=row.document_bytes, file_name=row.file_name,
        invoice_number=row.invoice_number, seller_siren=row.seller_siren, issue_date=row.issue_date, total=row.total, currency=row.currency,
    )  # fmt: skip
    return Waiting(
        row.id, State(row.state), row.account, row.invoice_id, row.tries, row.waited_seconds, row.age_seconds,
        tuple(row.doubtful_sha256), invoice if row.row_exists else None,
    )  # fmt: skip


def _item(waiting: Waiting, sha256: str | None) -> dict[str, Any]:
    invoice = waiting.invoice
    if sha256 is None or invoice is None:
        return {"id": waiting.submission_id, "tries": waiting.tries}
    return {
        "id": waiting.submission_id,
        "tries": waiting.tries,
        "sha256": sha256,
        "invoice_number": invoice.invoice_number,
        "seller_siren": invoice.seller_siren,
        "issue_date": None if invoice.issue_date is None else invoice.issue_date.isoformat(),
        "total": None if invoice.total is None else str(invoice.total),
        "currency": invoice.currency,
    }


def _outcome(waiting: Waiting, decision: Decision) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "submission_id": waiting.submission_id,
        "account": waiting.account,
        "move": _move(decision.move),
    }
    if decision.answered is not None:
        outcome["answered"] = decision.answered
    return outcome if decision.pause_seconds is None else outcome | {"pause_seconds": decision.pause_seconds}


def _move(move: Move) -> dict[str, Any]:
    return {name: value for name, value in asdict(move).items() if value is not None}


def _attempt(attempt_id: int, decision: Decision) -> dict[str, Any]:
    problem = decision.problem
    return {
        "id": attempt_id,
        "outcome": decision.outcome,
        "http_status": problem.http_status if problem else None,
        "code": (problem.platform_code or problem.code) if problem else None,
        "message": problem.sentence() if problem else None,
        "platform_id": decision.platform_id,
        "response": (decision.response or "")[:LONGEST_TEXT] or None,
    }


def _past_attempt(attempt: dict[str, Any]) -> Attempt:
    started_at, total = datetime.fromisoformat(attempt["started_at"]), attempt["total"]
    return Attempt(
        attempt["attempt_id"], started_at, attempt["outcome"], attempt["document_sha256"], attempt["invoice_number"],
        attempt["seller_siren"], None if total is None else Decimal(total), attempt["platform_id"],
    )  # fmt: skip
