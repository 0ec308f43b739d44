"""The statements of poll_statuses. What they do stands in sql/functions/."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from facteur.domain.status_updates import Open, Ruling, Seen, Slice, StatusesStored
from facteur.domain.submission import Due, StatusEvent
from facteur.platforms.port import Paging
from facteur.poll_statuses.status_rows import due_of, status_of, status_row
from facteur.postgres.database import Database, as_json, as_move

STATUS_LEASE_SECONDS = 120.0
SLICE = 190  # a page less what others deposited meanwhile


class PostgresStatuses:
    """Postgres for poll_statuses."""

    PERMIT = "select facteur.take_permits(%(account)s, 1, %(per_minute)s, p_statuses => true) as granted"
    HISTORY_PERMIT = "select facteur.take_permits(%(account)s, 1, %(per_minute)s, 'history', %(history_per_minute)s, true) as granted"
    POSTPONE = """
    update facteur.submissions set due_at = facteur.now() + make_interval(secs => %(s)s) where id = %(id)s and state = 'submitted'
    """
    POSTPONE_HISTORY = """
    update facteur.submissions set history_due_at = facteur.now() + make_interval(secs => %(s)s)
    where id = %(id)s and history_due_at is not null
    """
    CLAIM = """
    select id, account, platform_id, lifecycle_code, age_seconds, heard_at, made_at, known, late_seconds
    from facteur.claim_status_updates(%(limit)s, %(lease)s, %(accounts)s)
    """
    FORMER = "select facteur.is_former(s) as former from facteur.submissions s where s.id = %(id)s"
    CLAIM_HISTORIES = """
    select id, account, platform_id, lifecycle_code, age_seconds, heard_at, made_at, known, swept_code, swept_at, swept_state,
           refused_after
    from facteur.claim_histories(%(limit)s, %(lease)s)
    """
    UNREAD = """
    select id, account, platform_id, lifecycle_code, age_seconds, heard_at, made_at, known, swept_code, swept_at, swept_state
    from facteur.unread_verdicts(%(limit)s)
    """
    CLAIM_SLICE = """
    select id, account, platform_id, invoice_number, deposited_at, dated, lifecycle_code, age_seconds, due_since, number_seen, by_number,
           not_shown, late_seconds
    from facteur.claim_sweep(%(lease)s, %(young)s, %(rows)s, %(page)s, %(numbers)s, %(but)s)
    """

    RECORD = "select state, stored, invoice_id, seconds_after, known, objected, moved from facteur.record_status_update(%(update)s)"

    def __init__(
        self, database: Database, *, requests_per_minute: float, history_requests_per_minute: float, paging: Paging
    ) -> None:
        """`paging`: of the search that most accounts are swept with; slices are made for it."""
        self._database, self._paging = database, paging
        self._rates = {"per_minute": requests_per_minute, "history_per_minute": history_requests_per_minute}

    def is_former(self, due: Due) -> bool:
        """Whether its account is another client by now."""
        row = self._database.row(self.FORMER, {"id": due.submission_id})
        return bool(row.former)

    def begin_run(self) -> None:
        """Leave word that statuses are being read."""
        self._database.rows("update facteur.installation set poll_began_at = facteur.now()")

    def note_put_off(self, count: int) -> None:
        """Leave word of what could not be read or stored."""
        statement = "select facteur.tally('statuses_put_off', %(count)s, interval '15 minutes')"
        self._database.rows(statement, {"count": count})

    def take_permit(self, account: str) -> bool:
        return bool(self._database.row(self.PERMIT, {"account": account, **self._rates}).granted)

    def take_history_permit(self, account: str) -> bool:
        return bool(self._database.row(self.HISTORY_PERMIT, {"account": account, **self._rates}).granted)

    def claim_status_updates(self, limit: int, accounts: Sequence[str] | None = None) -> list[Due]:
        """Deposits that are due, of these accounts or of all; an overlapping run gets others."""
        of = None if accounts is None else list(accounts)
        parameters = {"limit": limit, "lease": STATUS_LEASE_SECONDS, "accounts": of}
        return [due_of(row) for row in self._database.rows(self.CLAIM, parameters)]

    def claim_histories(self, limit: int) -> list[Due]:
        """Deposits whose history a sweep found wanting, the urgent ones first."""
        parameters = {"limit": limit, "lease": STATUS_LEASE_SECONDS}
        return [due_of(row) for row in self._database.rows(self.CLAIM_HISTORIES, parameters)]

    def unread_verdicts(self, limit: int) -> list[Due]:
        """Deposits of which the search has shown a refusal for an hour that no status says."""
        return [due_of(row) for row in self._database.rows(self.UNREAD, {"limit": limit})]

    def claim_slice(self, young: bool, but: Collection[str] = ()) -> Slice | None:
        """`but`: accounts that are followed otherwise."""
        parameters = {
            "lease": STATUS_LEASE_SECONDS, "young": young, "rows": SLICE, "page": self._paging.page, "numbers": self._paging.numbers,
            "but": sorted(but),
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
                r.number_seen,
                r.late_seconds,
            )
            for r in rows
        )
        return Slice(rows[0].account, members, rows[0].by_number, rows[0].not_shown) if rows else None

    def release(self, deposits: Sequence[Open], seconds: float | None) -> None:
        """Give back what was due and not looked at: due again in so many seconds, or (None) as before."""
        parameters = {
            "ids": [each.submission_id for each in deposits], "due": [each.due_since for each in deposits], "seconds": seconds,
        }  # fmt: skip
        self._database.rows("select facteur.release_sweep(%(ids)s, %(due)s::timestamptz[], %(seconds)s)", parameters)

    def record_seen(self, account: str | None, seen: Sequence[Seen]) -> tuple[int, int]:
        """How many show something new, and how many are shown under another number than was sent.

        `account`: whose search was answered; None: nobody was asked, and no breaker closes for that.
        """
        statement = "select fresh, mistaken from facteur.record_sweep(%(account)s, %(seen)s)"
        row = self._database.row(statement, {"account": account, "seen": as_json([_seen(each) for each in seen])})
        return row.fresh, row.mistaken

    def note_shown(self, account: str, shown: int, missed: int) -> None:
        """What one answer of the search showed of ours, and what it ought to have shown."""
        statement = "select facteur.note_shown(%(account)s, %(shown)s, %(missed)s)"
        self._database.rows(statement, {"account": account, "shown": shown, "missed": missed})

    def sweep_by_number(self, account: str, seconds: float) -> None:
        """Searching this account by date is no use for a while."""
        self._database.rows(
            "select facteur.sweep_by_number(%(account)s, %(seconds)s)", {"account": account, "seconds": seconds}
        )

    def record_status_update(
        self, due: Due, events: Sequence[StatusEvent], ruling: Ruling, *, decided_on: int, asked_by: str, over: bool
    ) -> StatusesStored:
        """Store what was heard, and what it comes to.

        Args:
            decided_on: how many statuses the ruling knew, these included. Where there are others by now nothing moves.
            over: whether the deposit is older than any is followed.
            asked_by: `history`, `unseen` (a history for want of a pull), `sweep`, `pull`, or `nobody` where the platform was not asked.
        """
        update = _update(due, events, ruling, decided_on, asked_by, over)
        row = self._database.row(self.RECORD, {"update": as_json(update)})
        known = None if row.known is None else tuple(map(status_of, row.known))
        return StatusesStored(row.state, row.stored, row.invoice_id, row.seconds_after, known, row.objected, row.moved)

    def postpone_status_update(self, due: Due, seconds: float) -> None:
        self._database.rows(self.POSTPONE, {"id": due.submission_id, "s": seconds})

    def postpone_history(self, due: Due, seconds: float) -> None:
        self._database.rows(self.POSTPONE_HISTORY, {"id": due.submission_id, "s": seconds})

    def platform_answered(self, account: str) -> None:
        """A call that had nothing to record was answered: the account's breaker closes."""
        self._database.rows("select facteur.read_answered(%(account)s)", {"account": account})

    def platform_silent(self, account: str) -> None:
        """A call was not answered; enough of them in a row open the account's breaker."""
        self._database.rows("select facteur.note_answered(%(account)s, false)", {"account": account})

    def owe(self, account: str) -> None:
        """A call that did not wait for a permit counts nevertheless."""
        self._database.rows("select facteur.spend(%(account)s, 1)", {"account": account})

    def pause(self, key: str, seconds: float, reason: str, *, refused: bool = False) -> None:
        parameters = {"key": key, "seconds": seconds, "reason": reason, "refused": refused}
        self._database.rows("select facteur.pause(%(key)s, %(seconds)s, %(reason)s, %(refused)s)", parameters)


def _seen(each: Seen) -> dict[str, Any]:
    return {
        "id": each.submission_id, "platform_id": each.platform_id, "code": each.code, "at": _iso(each.at),
        "is_status": each.is_status, "created_at": _iso(each.created_at), "due_in": each.due_in, "rank": each.rank,
        "wanted_every": each.wanted_every, "over": each.over, "state": each.state, "number": each.number,
    }  # fmt: skip


def _update(
    due: Due, events: Sequence[StatusEvent], ruling: Ruling, decided_on: int, asked_by: str, over: bool
) -> dict[str, Any]:
    update: dict[str, Any] = {
        "submission_id": due.submission_id, "platform_id": due.platform_id, "events": [status_row(event) for event in events],
        "decided_on": decided_on, "asked_by": asked_by, "over": over, "current": _moment(ruling.current), "move": as_move(ruling.move),
        "swept_code": due.swept_code, "swept_at": _iso(due.swept_at), "swept_state": due.swept_state,
        "invoice_number": next((event.invoice_number for event in events if event.invoice_number), None),
    }  # fmt: skip
    if ruling.objection:
        update["objection"] = {"code": ruling.objection.code, "text": ruling.objection.message}
    if ruling.contradiction:
        update["contradiction"] = list(ruling.contradiction)
    if ruling.otherwise:
        update["otherwise"] = as_move(ruling.otherwise)
    return update


def _moment(event: StatusEvent | None) -> dict[str, str]:
    return {"code": event.code, "at": str(_iso(event.occurred_at))} if event else {}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
