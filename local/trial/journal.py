"""What a trial writes into a company's database, kept there in the schema facteur_trial, and put back from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import NamedTupleCursor

SCHEMA = Path(__file__).with_name("journal.sql")
LOCK_TIMEOUT_SECONDS = 5
STATE = """
select to_regnamespace('facteur') is not null as installed, to_regnamespace('facteur_trial') is not null as on_trial
"""
PINS = "select string_agg(pin.key, ', ') as pins from facteur.installation, jsonb_each(pins) pin"
TABLES = "select relation::text as name, owned from facteur_trial.tables order by 1"
WATCH = "select facteur_trial.watch(%(name)s::regclass)"
DRAWN = """
update facteur_trial.sequences s set drawn = true from facteur_trial.counters c
where c.sequence = s.sequence and facteur_trial.standing(s.sequence) is distinct from (s.value, s.called)
"""
# A function that was killed leaves a session that may still commit.
END_SESSIONS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and application_name = 'facteur' and usename = current_user and pid <> pg_backend_pid()
"""


class OccupiedError(Exception):
    """This database is no place for a trial; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """What has become of a table: how many changes were put back, how many rows taken out, and what stays, if anything does."""

    relation: str
    restored: int
    removed: int
    stays: str | None


class Journal:
    """One connection to the company's database, by its owner's role; `url` may hold a password."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url, application_name="facteur trial")
        self._connection.autocommit = True
        self._rows(f"set lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        self._rows("set statement_timeout = 0")

    def close(self) -> None:
        self._connection.close()

    @property
    def dsn(self) -> dict[str, Any]:
        """Where this connection really leads, whatever the URL left to the environment, the password included."""
        info = self._connection.info
        return {**info.dsn_parameters, "host": info.host, "port": info.port, "password": info.password or ""}

    def begun(self) -> bool:
        """Whether there is a trial that was not put back.

        Raises:
            OccupiedError: Facteur is installed here, and by no trial.
        """
        (state,) = self._rows(STATE)
        if state.installed and not state.on_trial:
            pins = self._pins()
            whose = f"and belongs to the platform of {pins}" if pins else "by a stack or by `facteur init`"
            raise OccupiedError(
                f"Facteur is installed in this database already, {whose}: a trial would mix with it. Take a copy without the schema "
                "facteur (`facteur uninstall --drop-data` takes it away there)"
            )
        return bool(state.on_trial)

    def installed(self) -> bool:
        """Whether the schema facteur is there."""
        return bool(self._rows(STATE)[0].installed)

    def value(self, statement: str) -> Any:
        """The first value of the first row, if there is one."""
        found = self._rows(statement)
        return found[0][0] if found else None

    def begin(self) -> None:
        """Remember where the sequences stand. Nothing is watched yet."""
        self._rows(SCHEMA.read_text("utf-8"))  # several statements at once are one transaction

    def watch(self) -> Sequence[str]:
        """Keep a note of every row that Facteur's sessions write, in any table; gives those that this role cannot watch."""
        self._rows(DRAWN)
        tables = self._rows(TABLES)
        for table in tables:
            if table.owned:
                self._rows(WATCH, {"name": table.name})
        return [table.name for table in tables if not table.owned]

    def put_back(self) -> Sequence[Line]:
        """Take back all that was noted, in one transaction. Safe to repeat.

        Raises:
            psycopg2.Error: it could not be done, and nothing was; most often somebody holds a lock on a table.
        """
        self._rows(END_SESSIONS)
        return [Line(*row) for row in self._rows("select * from facteur_trial.put_back()")]

    def end(self) -> None:
        """Forget the trial: what was not put back by now never is."""
        self._rows("select facteur_trial.unwatch()")
        self._rows("drop schema facteur_trial cascade")

    def _pins(self) -> str | None:
        try:
            (found,) = self._rows(PINS)
        except psycopg2.Error:  # another version's, or not readable: it is named without
            return None
        return found.pins  # type: ignore[no-any-return]

    def _rows(self, statement: str, values: Any = None) -> list[Any]:
        cursor: Any
        with self._connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
