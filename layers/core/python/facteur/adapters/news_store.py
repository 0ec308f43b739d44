"""The statements of poll_statuses. What they promise stands in news_ports.py, what they do in migrations/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from facteur.adapters.postgres import Database, as_json, as_move
from facteur.model import Due, Move, StatusEvent
from facteur.news import NUMBERS_IN_A_QUERY, PAGE, NewsStored, Open, Seen, Slice

NEWS_LEASE_SECONDS = 120.0
SLICE = 190  # a page less what others deposited meanwhile


class PostgresNews:
    """Postgres for poll_statuses."""

    PERMIT = "select facteur.take_permits(%(account)s, 1, %(per_minute)s, p_news => true) as granted"
    HISTORY_PERMIT = "select facteur.take_permits(%(account)s, 1, %(per_minute)s, 'history', %(history_per_minute)s, true) as granted"
    POSTPONE = """
    update facteur.submissions set due_at = facteur.now() + make_interval(secs => %(s)s) where id = %(id)s and state = 'submitted'
    """
    POSTPONE_HISTORY = """
    update facteur.submissions set history_due_at = facteur.now() + make_interval(secs => %(s)s)
    where id = %(id)s and history_due_at is not null
    """
    CLAIM = "select id, account, platform_id, lifecycle_code, age_seconds from facteur.claim_news(%(limit)s, %(lease)s)"
    CLAIM_HISTORIES = """
    select id, account, platform_id, lifecycle_code, age_seconds, swept_code, swept_at
    from facteur.claim_histories(%(limit)s, %(lease)s)
    """
    CLAIM_SLICE = """
    select id, account, platform_id, invoice_number, deposited_at, dated, lifecycle_code, age_seconds, due_since, by_number
    from facteur.claim_sweep(%(lease)s, %(young)s, %(rows)s, %(page)s, %(numbers)s)
    """

    RECORD = "select state, stored, invoice_id, seconds_after from facteur.record_news(%(news)s)"

    def __init__(self, database: Database, *, requests_per_minute: float, history_requests_per_minute: float) -> None:
        self._database = database
        self._rates = {"per_minute": requests_per_minute, "history_per_minute": history_requests_per_minute}

    def begin_run(self) -> None:
        self._database.rows("update facteur.installation set poll_began_at = facteur.now()")

    def take_permit(self, account: str) -> bool:
        return bool(self._database.row(self.PERMIT, {"account": account, **self._rates}).granted)

    def take_history_permit(self, account: str) -> bool:
        return bool(self._database.row(self.HISTORY_PERMIT, {"account": account, **self._rates}).granted)

    def claim_news(self, limit: int) -> list[Due]:
        return [Due(*row) for row in self._database.rows(self.CLAIM, {"limit": limit, "lease": NEWS_LEASE_SECONDS})]

    def claim_histories(self, limit: int) -> list[Due]:
        parameters = {"limit": limit, "lease": NEWS_LEASE_SECONDS}
        return [Due(*row) for row in self._database.rows(self.CLAIM_HISTORIES, parameters)]

    def claim_slice(self, young: bool) -> Slice | None:
        parameters = {
            "lease": NEWS_LEASE_SECONDS, "young": young, "rows": SLICE, "page": PAGE, "numbers": NUMBERS_IN_A_QUERY,
        }  # fmt: skip
        rows = self._database.rows(self.CLAIM_SLICE, parameters)
        members = tuple(
            Open(
                r.id,
                r.platform_id,
                r.invoice_number,
                r.deposited_at,
                r.dated,
                r.lifecycle_code,
                r.age_seconds,
                r.due_since,
            )
            for r in rows
        )
        return Slice(rows[0].account, members, rows[0].by_number) if rows else None

    def release(self, deposits: Sequence[Open], seconds: float | None) -> None:
        parameters = {
            "ids": [each.submission_id for each in deposits], "due": [each.due_since for each in deposits], "seconds": seconds,
        }  # fmt: skip
        self._database.rows("select facteur.release_sweep(%(ids)s, %(due)s::timestamptz[], %(seconds)s)", parameters)

    def record_seen(self, account: str, seen: Sequence[Seen]) -> int:
        rows = [
            {
                "id": each.submission_id, "platform_id": each.platform_id, "code": each.code, "at": _iso(each.at), "told": each.told,
                "created_at": _iso(each.created_at), "due_in": each.due_in, "rank": each.rank, "wanted": each.wanted, "over": each.over,
            }
            for each in seen
        ]  # fmt: skip
        statement = "select facteur.record_sweep(%(account)s, %(seen)s) as fresh"
        return int(self._database.row(statement, {"account": account, "seen": as_json(rows)}).fresh)

    def sweep_by_number(self, account: str, seconds: float) -> None:
        self._database.rows(
            "select facteur.sweep_by_number(%(account)s, %(seconds)s)", {"account": account, "seconds": seconds}
        )

    def record_news(
        self,
        due: Due,
        events: Sequence[StatusEvent],
        newest: StatusEvent | None,
        move: Move,
        *,
        asked_by: str = "history",
        settled: StatusEvent | None = None,
    ) -> NewsStored:
        news: dict[str, Any] = {
            "submission_id": due.submission_id, "platform_id": due.platform_id, "events": [_event(event) for event in events],
            "newest": _moment(newest), "move": as_move(move), "asked_by": asked_by,
            "swept_code": due.swept_code, "swept_at": _iso(due.swept_at),
        }  # fmt: skip
        if newest is None and events:
            news["settled"] = _moment(settled)
        return NewsStored(*self._database.row(self.RECORD, {"news": as_json(news)}))

    def postpone_news(self, due: Due, seconds: float) -> None:
        self._database.rows(self.POSTPONE, {"id": due.submission_id, "s": seconds})

    def postpone_history(self, due: Due, seconds: float) -> None:
        self._database.rows(self.POSTPONE_HISTORY, {"id": due.submission_id, "s": seconds})

    def platform_answered(self, account: str) -> None:
        self._database.rows("select facteur.read_answered(%(account)s)", {"account": account})

    def platform_silent(self, account: str) -> None:
        self._database.rows("select facteur.tell_breaker(%(account)s, false)", {"account": account})

    def pause(self, key: str, seconds: float, reason: str, *, refused: bool = False) -> None:
        parameters = {"key": key, "seconds": seconds, "reason": reason, "refused": refused}
        self._database.rows("select facteur.pause(%(key)s, %(seconds)s, %(reason)s, %(refused)s)", parameters)


def _event(event: StatusEvent) -> dict[str, Any]:
    return asdict(event) | {"occurred_at": event.occurred_at.isoformat()}


def _moment(event: StatusEvent | None) -> dict[str, str]:
    return {"code": event.code, "at": event.occurred_at.isoformat()} if event else {}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
