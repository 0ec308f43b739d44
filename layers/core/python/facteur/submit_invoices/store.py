"""The statements of submit_invoices. What they do stands in sql/functions/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from facteur.domain.decision import LOOKED_UP, Decision, Outcome
from facteur.domain.doubt import Attempt, Doubt, DoubtClock, Holder, Witness
from facteur.domain.ports import Alone
from facteur.domain.submission import Claim, Intent, State, Waiting
from facteur.errors import StatementRefusedError
from facteur.postgres.database import Database, Row, as_json, as_move
from facteur.postgres.invoices import INLINE_BYTES, as_invoice

READ = """
select b.id, b.state, b.account, b.invoice_id, b.tries, b.waited_seconds, b.age_seconds, b.doubtful_sha256, b.row_exists,
       (b.source).ready, (b.source).document_uri, (b.source).document, (b.source).document_bytes, (b.source).file_name,
       (b.source).invoice_number, (b.source).seller_siren, (b.source).issue_date, (b.source).total, (b.source).currency, b.read_first,
       b.store, b.store_refuses, b.store_gives, b.platform_answers,
       exists (select from facteur.doubtful_attempts(b.invoice_id)) as doubtful,
       exists (select from facteur.accounts c where c.name = b.account and c.pin is not null) as pinned
from facteur.read_batch(%(ids)s, %(inline_bytes)s) b
"""
UNREADABLE = """
select facteur.record_unclaimed(pg_catalog.jsonb_build_object('submission_id', %(id)s, 'move', pg_catalog.jsonb_build_object(
    'state', (select state from facteur.submissions where id = %(id)s), 'due_in_seconds', 300, 'waited_seconds', 300,
    'error_code', 'row_unreadable',
    'error_message', 'The view facteur.invoice_source raises on this row. Correct row or view; it is tried again by itself.'))) as state
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
        except StatementRefusedError:
            pass
        # one row that the company's view cannot show must not hold back the others of its batch
        return [row for submission_id in submission_ids for row in self._read_alone(submission_id)]

    def _read_alone(self, submission_id: int) -> list[Waiting]:
        try:
            return self._read([submission_id])
        except StatementRefusedError:
            self._database.row(UNREADABLE, {"id": submission_id})
            return []

    def _read(self, submission_ids: Sequence[int]) -> list[Waiting]:
        return [
            _waiting(row)
            for row in self._database.rows(READ, {"ids": list(submission_ids), "inline_bytes": INLINE_BYTES})
        ]

    CLAIM = """
    select submission_id, lease_token, attempt_id, verdict = 'failed' as failed, own_key
    from facteur.claim(%(items)s, %(lease_seconds)s, %(per_minute)s, %(deposits_enabled)s) where verdict in ('claimed', 'failed')
    """

    def claim(self, intents: Sequence[Intent]) -> list[Claim]:
        """Lease rows, or fail them where they may not be worked on at all. Those not returned are left alone."""
        if not intents:
            return []
        rows = self._database.rows(self.CLAIM, {"items": as_json([_item(intent) for intent in intents]), **self._claim})
        return [Claim(row.submission_id, str(row.lease_token), row.attempt_id, row.failed, row.own_key) for row in rows]

    RECORD = """
    select facteur.record(outcome, %(lock_timeout)s) as state from jsonb_array_elements(%(outcomes)s) outcome
    """

    def record(self, outcomes: Sequence[Outcome]) -> list[str]:
        # of many rows none waits long for the company's locks: a writer of hers may hold one and want another
        """Store what became of claims, all or none; the states afterwards."""
        patience = "500ms" if len(outcomes) == 1 else "50ms"
        parameters = {"outcomes": as_json([_recorded(outcome) for outcome in outcomes]), "lock_timeout": patience}
        return [str(row.state) for row in self._database.rows(self.RECORD, parameters)]

    def record_unclaimed(self, waiting: Waiting, decision: Decision) -> str:
        outcome = as_json(_outcome(waiting, decision) | {"tries": waiting.tries, "was": str(waiting.state)})
        return str(
            self._database.row("select facteur.record_unclaimed(%(outcome)s) as state", {"outcome": outcome}).state
        )

    def begin_read(self, account: str) -> bool:
        """Whether the harmless read that ends an account's waiting is this caller's to make; nobody else gets it for a minute."""
        return bool(self._database.row("select facteur.begin_read(%(account)s) as begun", {"account": account}).begun)

    def read_answered(self, account: str) -> None:
        """That read was answered as documented: the account goes on, at first with one deposit at a time."""
        self._database.rows("select facteur.read_answered(%(account)s)", {"account": account})

    def store_answered(self, store: str) -> None:
        """A document of a store that refused was read: what waits for it is due."""
        self._database.rows("select facteur.store_answered(%(store)s)", {"store": store})

    def withdraw(self, submission_id: int) -> bool:
        return bool(self._database.row("select facteur.withdraw(%(id)s) as gone", {"id": submission_id}).gone)

    def begin_alone(self, submission_id: int) -> Alone | None:
        """A row that is worked on with no other beside it. None: there is nothing to do any more."""
        rows = self._database.rows("select * from facteur.begin_alone(%(id)s)", {"id": submission_id})
        return Alone(rows[0].invoice_id, rows[0].account, rows[0].failed) if rows else None

    def end_alone(self, submission_id: int, *, raised: bool) -> None:
        """That work has ended; where it `raised` before it claimed anything, that counts like a worker's death."""
        self._database.rows("select facteur.end_alone(%(id)s, %(raised)s)", {"id": submission_id, "raised": raised})

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
            row.now,
            _doubt_clock(row.clock),
            tuple(_past_attempt(attempt) for attempt in row.rivals),
            tuple(Witness(**witness) for witness in row.witnesses),
            row.repeated_answer,
            row.excused_seconds,
            row.earlier,
        )

    HOLDERS = (
        "select platform_id, invoice_id, refused, sent, numbers from facteur.holders(%(invoice_id)s, %(platform_ids)s)"
    )

    def taken_elsewhere(self, invoice_id: str, platform_ids: Sequence[str]) -> Mapping[str, Holder]:
        """Which of these deposits are another invoice's, or ones of this one that the platform refused."""
        rows = self._database.rows(self.HOLDERS, {"invoice_id": invoice_id, "platform_ids": list(platform_ids)})
        return {
            row.platform_id: Holder(row.invoice_id, row.refused, frozenset(row.sent), frozenset(row.numbers))
            for row in rows
        }

    SENDERS = "select attempt from facteur.senders(%(invoice_id)s, %(sha256s)s) attempt"

    def senders(self, invoice_id: str, sha256s: Sequence[str]) -> list[Attempt]:
        """Attempts of other invoices that sent one of these documents."""
        if not sha256s:
            return []
        rows = self._database.rows(self.SENDERS, {"invoice_id": invoice_id, "sha256s": list(sha256s)})
        return [_past_attempt(row.attempt) for row in rows]


def _waiting(row: Row) -> Waiting:
    return Waiting(
        row.id, State(row.state), row.account, row.invoice_id, row.tries, row.waited_seconds, row.age_seconds,
        tuple(row.doubtful_sha256), as_invoice(row) if row.row_exists else None, row.read_first, row.store, row.store_refuses,
        row.store_gives, row.platform_answers, row.doubtful, row.pinned,
    )  # fmt: skip


def _item(intent: Intent) -> dict[str, Any]:
    waiting, invoice = intent.row, intent.row.invoice
    if intent.sha256 is None or invoice is None:
        return {
            "id": waiting.submission_id,
            "invoice_id": waiting.invoice_id,
            "tries": waiting.tries,
            "platform": intent.platform,
        }
    return {
        "id": waiting.submission_id,
        "invoice_id": waiting.invoice_id,
        "tries": waiting.tries,
        "sha256": intent.sha256,
        "platform": intent.platform,
        "takes_key": intent.takes_key,
        "number_read": intent.number_read,
        "invoice_number": invoice.invoice_number,
        "seller_siren": invoice.seller_siren,
        "issue_date": None if invoice.issue_date is None else invoice.issue_date.isoformat(),
        "total": None if invoice.total is None else str(invoice.total),
        "currency": invoice.currency,
    }


def _recorded(outcome: Outcome) -> dict[str, Any]:
    claim, decision = outcome.claim, outcome.decision
    recorded = _outcome(outcome.row, decision) | {"lease_token": claim.lease_token}
    if outcome.witnesses:
        recorded["witnesses"] = list(outcome.witnesses)
    if outcome.shown:
        recorded["shown"] = [{"platform_id": platform_id, "number": number} for platform_id, number in outcome.shown]
    recorded["found"] = [{"attempt_id": attempt, "platform_id": platform_id} for attempt, platform_id in outcome.found]
    return recorded if claim.attempt_id is None else recorded | {"attempt": _attempt(claim.attempt_id, decision)}


def _outcome(waiting: Waiting, decision: Decision) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "submission_id": waiting.submission_id,
        "invoice_id": waiting.invoice_id,
        "account": waiting.account,
        "move": as_move(decision.move),
    }
    if decision.answered is not None:
        outcome["answered"] = decision.answered
    if decision.outcome == LOOKED_UP:
        outcome["read_answered"] = True
    if decision.refused:
        outcome["refused"] = True
    return outcome if decision.pause_seconds is None else outcome | {"pause_seconds": decision.pause_seconds}


def _attempt(attempt_id: int, decision: Decision) -> dict[str, Any]:
    problem = decision.problem
    return {
        "id": attempt_id,
        "outcome": decision.outcome,
        "http_status": problem.http_status if problem else None,
        "code": (problem.platform_code or problem.code) if problem else None,
        "message": problem.sentence() if problem else None,
        "platform_id": decision.platform_id,
        "response": decision.response or None,
    }


def _past_attempt(attempt: dict[str, Any]) -> Attempt:
    started_at, total = datetime.fromisoformat(attempt["started_at"]), attempt["total"]
    return Attempt(
        attempt["attempt_id"], started_at, attempt["outcome"], attempt["document_sha256"], attempt["invoice_number"],
        attempt["seller_siren"], None if total is None else Decimal(total), attempt["platform_id"], attempt["currency"], attempt["own_key"],
        attempt["number_read"],
    )  # fmt: skip


def _doubt_clock(clock: dict[str, Any] | None) -> DoubtClock | None:
    if clock is None:
        return None
    dated_at = clock["dated_at"] and datetime.fromisoformat(clock["dated_at"])
    return DoubtClock(clock["seconds"], datetime.fromisoformat(clock["looked_up_at"]), dated_at)
