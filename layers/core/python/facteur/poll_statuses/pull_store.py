"""The statements of the source `pull`. What they do stands in sql/functions/pull.sql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facteur.domain.status_updates import PulledDeposit
from facteur.domain.submission import Due, StatusEvent
from facteur.poll_statuses.status_rows import due_of, status_of, status_row
from facteur.postgres.database import Database, as_json

TURN_SECONDS = 120.0


class PostgresPulls:
    """Postgres for statuses that are shown until they are acknowledged."""

    DEPOSITS = """
    select id, account, platform_id, lifecycle_code, age_seconds, heard_at, made_at, known, early
    from facteur.pulled_deposits(%(account)s, %(ids)s)
    """
    EARLY = "select facteur.early_statuses(%(account)s, %(platform_id)s) as early"

    def __init__(self, database: Database) -> None:
        self._database = database

    def accounts(self) -> list[str]:
        """Those with open deposits, and not paused."""
        return [row.account for row in self._database.rows("select account from facteur.accounts_to_pull() account")]

    def take_turn(self, account: str) -> bool:
        """Whether this run alone reads the account's unseen statuses, for a while."""
        statement = "select facteur.take_turn(%(account)s, %(lease)s) as taken"
        return bool(self._database.row(statement, {"account": account, "lease": TURN_SECONDS}).taken)

    def end_turn(self, account: str) -> None:
        self._database.rows("select facteur.end_turn(%(account)s)", {"account": account})

    def pulled_deposits(self, account: str, platform_ids: Sequence[str]) -> Mapping[str, PulledDeposit]:
        """What is known of those deposits that are ours."""
        rows = self._database.rows(self.DEPOSITS, {"account": account, "ids": list(platform_ids)})
        return {row.platform_id: PulledDeposit(due_of(row), tuple(map(status_of, row.early))) for row in rows}

    def keep_unmatched(self, account: str, events: Sequence[StatusEvent]) -> None:
        kept = [status_row(event) for event in events]
        self._database.rows(
            "select facteur.keep_unmatched(%(account)s, %(events)s)", {"account": account, "events": as_json(kept)}
        )

    def early_statuses(self, due: Due) -> list[StatusEvent]:
        """Statuses that came before their deposit was known."""
        row = self._database.row(self.EARLY, {"account": due.account, "platform_id": due.platform_id})
        return [status_of(event) for event in row.early]

    def note_blocked(self, account: str, blocked: bool) -> None:
        """A full page of unseen statuses showed nothing new (or does no more): what is behind it cannot be seen."""
        parameters = {"account": account, "blocked": blocked}
        self._database.rows("select facteur.note_blocked(%(account)s, %(blocked)s)", parameters)

    def note_pulled(self, account: str) -> None:
        """The pull showed a status of ours."""
        self._database.rows("select facteur.note_pulled(%(account)s)", {"account": account})

    def unseen(self) -> frozenset[str]:
        """The accounts of which that is so, those whose pull has shown nothing of ours for a day, and those whose feed fails."""
        return frozenset(row.account for row in self._database.rows("select facteur.unseen_accounts() as account"))

    def close(self, due: Due) -> None:
        """Its life cycle was followed for long enough."""
        self._database.rows("select facteur.close_followed(%(id)s)", {"id": due.submission_id})
