"""The statements of relay_submissions. What they do stands in sql/functions/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from facteur.domain.ports import DueBatch, NotesTaken, Vitals
from facteur.errors import EnvironmentMismatchError
from facteur.postgres.database import Database


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

    ELSEWHERE = """
    select name, pin ->> 'base_url' as base_url from facteur.accounts
    where pin ->> 'base_url' <> %(base_url)s and provider = %(provider)s and not own_address order by name limit 1
    """
    BEGIN = "select facteur.begin_relay_run(%(deposits_enabled)s, %(per_minute)s) as run"
    PICK = "select pick_due as id from facteur.pick_due(%(limit)s, %(per_minute)s, %(deposits_enabled)s)"

    UNNAMED = "select kind, documents from facteur.other_kinds() where not left_out"

    VITALS = """
    select overdue_seconds, doubt_seconds, unwritten_seconds, undeposited_days, failed, breakers_open, accounts_paused, rate_percent,
           budget_use_percent, forgotten, silent_seconds, unread_seconds, not_shown, unverified, faults
    from facteur.vitals(%(per_minute)s, %(deposits_enabled)s)
    """

    def __init__(self, database: Database, *, requests_per_minute: float, deposits_enabled: bool) -> None:
        self._database = database
        self._per_minute = requests_per_minute
        self._deposits_enabled = deposits_enabled

    def check_environment(self, provider: str, base_url: str) -> None:
        """Raises EnvironmentMismatchError where an account deposits with this kind of platform and elsewhere, by no address of its own."""
        for account in self._database.rows(self.ELSEWHERE, {"provider": provider, "base_url": base_url}):
            raise EnvironmentMismatchError(
                f"this database deposits with {account.base_url} (account {account.name}) and not with {base_url}. "
                f'Is it a copy? Check, then: facteur repin {account.name} --why "…"'
            )

    def begin_run(self) -> int:
        parameters = {"deposits_enabled": self._deposits_enabled, "per_minute": self._per_minute}
        return int(self._database.row(self.BEGIN, parameters).run)

    def passed(self) -> None:
        """This run has done all that was due: it runs well, though it goes on watching."""
        self._database.rows("select facteur.end_run('relay_submissions')")

    def oldest_waiting(self) -> Mapping[str, float]:
        """The age in seconds of whatever has waited for longest, by reason."""
        return {row.reason: row.seconds for row in self._database.rows("select * from facteur.oldest_waiting()")}

    def look(self, run: int) -> tuple[bool, bool]:
        """Whether anything is due, and whether this run is still the newest."""
        parameters = {"run": run, "deposits_enabled": self._deposits_enabled}
        row = self._database.row("select anything, newest from facteur.look(%(run)s, %(deposits_enabled)s)", parameters)
        return row.anything, row.newest

    def take_notes(self, limit: int) -> NotesTaken:
        parameters = {"limit": limit}
        row = self._database.row(
            "select notes, opened, repeated, broken, mismatched, oldest_seconds, not_shown"
            " from facteur.take_notes(%(limit)s)",
            parameters,
        )
        return NotesTaken(*row)

    def end_expired_leases(self) -> int:
        return int(self._database.row("select facteur.end_expired_leases() as n").n)

    def repeat_write_backs(self, limit: int) -> tuple[int, int]:
        row = self._database.row("select written, refused from facteur.repeat_write_backs(%(limit)s)", {"limit": limit})
        return row.written, row.refused

    def vitals(self) -> Vitals:
        parameters = {"per_minute": self._per_minute, "deposits_enabled": self._deposits_enabled}
        # by itself: both may read the whole view, and neither locks the installation's row while the other does
        self._database.rows("select facteur.count_not_ready()")
        return Vitals(*self._database.row(self.VITALS, parameters))

    def unnamed_kinds(self) -> dict[str, int]:
        """Finished documents by kind, of kinds that nobody has named as invoices or left out. Reads the whole view."""
        kinds = {row.kind: row.documents for row in self._database.rows(self.UNNAMED)}
        self._database.rows("select facteur.tally('unnamed_kinds', %(kinds)s)", {"kinds": len(kinds)})
        return kinds

    @contextmanager
    def pick_due(self, limit: int) -> Iterator[DueBatch]:
        """A transaction that holds due rows locked; it commits what was marked."""
        parameters = {"limit": limit, "per_minute": self._per_minute, "deposits_enabled": self._deposits_enabled}
        with self._database.transaction():
            yield LockedRows([row.id for row in self._database.rows(self.PICK, parameters)], self._database)
