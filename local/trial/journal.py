"""What a trial writes into a company's database, kept there in the schema facteur_trial, and put back from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn
from psycopg2.extras import NamedTupleCursor

SCHEMA = Path(__file__).with_name("journal.sql")
LOCK_TIMEOUT_SECONDS = 5
# A network that drops packets holds nobody: not at the start, and not at Ctrl-C.
CONNECTION: Mapping[str, Any] = {
    "connect_timeout": 10, "tcp_user_timeout": 20_000,
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2,
}  # fmt: skip
STATE = """
select to_regnamespace('facteur') is not null as installed, to_regnamespace('facteur_trial') is not null as on_trial
"""
OURS = "select coalesce(facteur_trial.ours(), true) as ours"
CLAIM = "select pg_try_advisory_lock(hashtext('facteur_trial'), 0) as alone"
MAY_CREATE = "select has_database_privilege(current_database(), 'create') as may, current_user as role"
PINS = "select string_agg(name, ', ') as pins from facteur.accounts where pin is not null"
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


def connect(url: str) -> Any:
    """A session of the trial's own, which never waits for long where the URL does not say otherwise."""
    return psycopg2.connect(**{**CONNECTION, **parse_dsn(url), "application_name": "facteur trial"})


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
        self._connection = connect(url)
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

    def claim(self) -> None:
        """Keep other trials away from this database until this connection ends.

        Raises:
            OccupiedError: there is one.
        """
        if not self._rows(CLAIM)[0].alone:
            raise OccupiedError(
                "another trial runs on this database: end it with Ctrl-C where it runs, then begin anew"
            )

    def begun(self) -> bool:
        """Whether there is a trial that was not put back.

        Raises:
            OccupiedError: Facteur is installed here, and not by this trial.
        """
        (state,) = self._rows(STATE)
        if state.installed and not state.on_trial:
            pins = self._pins()
            whose = f"and belongs to the platform of {pins}" if pins else "by a stack or by `facteur init`"
            raise OccupiedError(
                f"Facteur is installed in this database already, {whose}: a trial would mix with it. Take a copy without the schema "
                "facteur (`facteur uninstall --drop-data` takes it away there)"
            )
        if state.on_trial:
            self._refuse_a_strangers()
        return bool(state.on_trial)

    def installed(self) -> bool:
        """Whether the schema facteur is there."""
        return bool(self._rows(STATE)[0].installed)

    def value(self, statement: str) -> Any:
        """The first value of the first row, if there is one."""
        found = self._rows(statement)
        return found[0][0] if found else None

    @property
    def token(self) -> str:
        """What `facteur init` has to say in its `--why`, for the installation to be this trial's."""
        return str(self.value("select token from facteur_trial.trial"))

    def begin(self) -> None:
        """Remember where the sequences stand. Nothing is watched yet.

        Raises:
            OccupiedError: this role may not create a schema.
        """
        (allowed,) = self._rows(MAY_CREATE)
        if not allowed.may:
            raise OccupiedError(
                f"nothing was done: {allowed.role} may create no schema here; "
                f'its owner gives that with `grant create on database … to "{allowed.role}"`'
            )
        self._rows(SCHEMA.read_text("utf-8"))  # several statements at once are one transaction

    def watch(self) -> Sequence[str]:
        """Keep a note of every row that Facteur's sessions write, in any table; gives those that this role cannot watch."""
        self._rows(DRAWN)
        tables = self._rows(TABLES)
        for table in tables:
            if table.owned:
                self._rows(WATCH, {"name": table.name})
        return [table.name for table in tables if not table.owned]

    def put_back(self, token: str | None = None) -> Sequence[Line]:
        """Take back all that was noted, in one transaction. Safe to repeat.

        Args:
            token: of the trial that is meant; without one, of whichever is there.

        Raises:
            OccupiedError: Facteur was installed here in earnest since, or another trial has begun; nothing was changed.
            psycopg2.Error: it could not be done, and nothing was; most often somebody holds a lock on a table.
        """
        if token is not None and not (self._rows(STATE)[0].on_trial and self.token == token):
            raise OccupiedError("another trial was begun on this database since, and has put this one back before")
        self._refuse_a_strangers()
        self._rows(END_SESSIONS)
        return [Line(*row) for row in self._rows("select * from facteur_trial.put_back()")]

    def end(self) -> None:
        """Forget the trial: what was not put back by now never is."""
        self._rows("select facteur_trial.unwatch()")
        self._rows("drop schema facteur_trial cascade")

    def _refuse_a_strangers(self) -> None:
        if not self._rows(OURS)[0].ours:
            raise OccupiedError(
                "a trial on this database was not put back, and Facteur was installed in earnest since: nothing is changed. Look at the "
                "rows that `select relation, key, before, after from facteur_trial.journal` shows; then `drop schema facteur_trial "
                "cascade` takes away the trial's triggers and its memory, and nothing else"
            )

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
