"""The statements of poll_statuses. What they promise stands in ports.py, what they do in migrations/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from facteur.adapters.postgres import Database, as_json, as_move
from facteur.model import Due, Move, StatusEvent

NEWS_LEASE_SECONDS = 120.0


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
            "move": as_move(move),
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
