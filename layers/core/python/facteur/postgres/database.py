"""One Postgres connection per container: statements, and driver errors in our own words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedFunction, UndefinedTable
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extras import NamedTupleCursor

from facteur.domain.doubt import DoubtClock
from facteur.domain.submission import Move
from facteur.errors import ConfigurationError, DatabaseUnavailableError, OperatorError, StatementRefusedError
from facteur.postgres.refusals import why_no_connection
from facteur.postgres.session import AGAIN, BEGIN, asked_for, is_useless, was_ended
from facteur.postgres.url import address_problem

CONNECT_TIMEOUT_SECONDS = 10
# Without keep-alives a connection that a firewall forgot blocks until the function is stopped.
CONNECTION: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "client_encoding": "UTF8",
    "application_name": "facteur",
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

AT_MOST = 3  # repetitions of a statement that was not carried out
NO_SCHEMA = "there is no schema facteur here: is it the right database? facteur init installs it"
# Classes of SQLSTATE that are about what a statement holds or meets, and not about the server: data, constraints, routines, locks.
OF_ONE_STATEMENT = frozenset({"21", "22", "23", "27", "2F", "38", "39", "40", "44", "54", "55", "P0"})
REFUSED = "FR001"  # facteur.refuse: the text is our own sentence
MOVE = tuple(field.name for field in fields(Move))

Row = Any
Parameters = Mapping[str, Any]


@contextmanager
def translated_errors(lacks_schema: Callable[[], bool], named_in: str | None) -> Iterator[None]:
    """Driver errors in our own words. Only the SQLSTATE is shown: a driver's text may quote a row.

    `named_in`: what says where the database is, to be looked at where there is no connection.
    """
    try:
        yield
    except (UndefinedTable, UndefinedFunction, InvalidSchemaName) as exc:
        if isinstance(exc, InvalidSchemaName) or lacks_schema():
            raise ConfigurationError(NO_SCHEMA) from None
        raise ConfigurationError(
            f"the database lacks something that Facteur needs (SQLSTATE {exc.pgcode}): its schema facteur is another "
            "version's (invoke migrate_database), or no mapping is installed (facteur init)"
        ) from None
    except InsufficientPrivilege as exc:
        raise ConfigurationError(
            f"the database role lacks a right (SQLSTATE {exc.pgcode}): see docs/database-roles.md"
        ) from None
    except psycopg2.Error as exc:
        if exc.pgcode == REFUSED:
            raise OperatorError(str(exc.diag.message_primary)) from None
        words = f"SQLSTATE {exc.pgcode}" if exc.pgcode else _no_connection(str(exc), named_in)
        one_statement = exc.pgcode is not None and exc.pgcode[:2] in OF_ONE_STATEMENT
        kind = StatementRefusedError if one_statement else DatabaseUnavailableError
        raise kind(f"Postgres: {words} ({type(exc).__name__})") from None


def _no_connection(text: str, named_in: str | None) -> str:
    return f"no connection: {why_no_connection(text)}" + (f" ({named_in})" if named_in else "")


class Database:
    """A connection that is opened on first use and replaced once it is lost. Every statement commits by itself.

    Threads may share it; their statements run one after the other.
    """

    def __init__(
        self,
        parameters: Callable[[], Mapping[str, Any]],
        fresh_parameters: Callable[[], Mapping[str, Any]] | None = None,
        named_in: str | None = None,
    ) -> None:
        """`parameters` are libpq's. Where they do not lead to a connection, `fresh_parameters` are tried: a rotated password.

        `named_in`: where they are written, for whoever has to correct them.
        """
        self._parameters, self._fresh_parameters, self._named_in = parameters, fresh_parameters, named_in
        self._connection: psycopg2.extensions.connection | None = None
        self._asked = ""  # what a transaction on this connection begins with
        self._proven = False  # a statement has worked since the invocation began
        self._lock = threading.RLock()

    def begin_invocation(self) -> None:
        """The container may have been frozen since the last statement: the first one may be repeated on a new connection."""
        self._proven = False

    def rows(self, statement: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and commit it.

        Raises:
            DatabaseUnavailableError, ConfigurationError: as their names say.
        """
        with self._lock, translated_errors(self._lacks_schema, self._named_in):
            return self._run(statement, parameters)

    def row(self, statement: str, parameters: Parameters | None = None) -> Row:
        """The single row of a statement that always has one."""
        return self.rows(statement, parameters)[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several statements that commit together, or not at all."""
        with self._lock:
            self.rows(BEGIN)
            try:
                yield
            except BaseException:
                self.close()  # rolls back, whatever state the connection is in
                raise
            self.rows("commit")

    @property
    def sslmode(self) -> str | None:
        """What libpq was asked for about TLS; None while there is no connection."""
        return self._connection.info.dsn_parameters.get("sslmode") if self._connection is not None else None

    def close(self) -> None:
        """Drop the connection; the next statement opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _lacks_schema(self) -> bool:
        """False as well where nobody knows: in a transaction that failed."""
        try:
            return bool(self._execute("select to_regnamespace('facteur') is null as lacking", None)[0].lacking)
        except psycopg2.Error:
            return False

    def _run(self, statement: str, parameters: Parameters | None) -> list[Row]:
        for _ in range(AT_MOST):
            try:
                return self._execute(statement, parameters)
            except psycopg2.Error as exc:
                if not self._may_repeat(exc):
                    raise
        return self._execute(statement, parameters)

    def _may_repeat(self, exc: psycopg2.Error) -> bool:
        """Give a connection up that is no use any more; and whether the statement may be run once more: nothing was carried out."""
        connection = self._connection
        answered = connection is not None and not connection.closed and exc.pgcode is not None
        alone = connection is not None and answered and connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        useless = is_useless(exc, connection)
        if useless:
            self.close()
        if answered:
            return alone and (useless or exc.pgcode in AGAIN)
        # it may have been carried out: whoever called decides, unless the container was frozen since the last statement
        repeat, self._proven = not self._proven, True
        return repeat

    def _execute(self, statement: str, parameters: Parameters | None) -> list[Row]:
        connection = self._connected()
        with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute(self._asking(connection, statement), parameters)  # type: ignore[no-untyped-call]
            self._proven = True
            return cursor.fetchall() if cursor.description is not None else []

    def _asking(self, connection: psycopg2.extensions.connection, statement: str) -> str:
        """The statement, behind what its transaction has to begin with."""
        if not self._asked or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            return statement
        return f"{statement}; {self._asked}" if statement == BEGIN else self._asked + statement

    def _connected(self) -> psycopg2.extensions.connection:
        if self._connection is not None and was_ended(self._connection):
            self.close()
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            try:
                self._asked = asked_for(self._connection)
            except BaseException:
                self.close()
                raise
        return self._connection

    def _connect(self) -> psycopg2.extensions.connection:
        try:
            return connect(self._parameters())
        except (psycopg2.OperationalError, ConfigurationError):  # a kept secret may be corrected by now
            if self._fresh_parameters is None:
                raise
            return connect(self._fresh_parameters())


def connect(parameters: Mapping[str, Any]) -> psycopg2.extensions.connection:
    """A connection on which every statement commits by itself. No session state is set: a proxy would pin the connection."""
    try:
        connection: psycopg2.extensions.connection = psycopg2.connect(**CONNECTION | dict(parameters))
    except psycopg2.ProgrammingError:  # its text quotes the address
        why = address_problem(str(parameters.get("dsn") or "")) or "is not one that Postgres takes"
        raise ConfigurationError(f"the database's address {why}") from None
    connection.autocommit = True
    return connection


def as_json(value: Any) -> str:
    """A jsonb parameter. NUL, which Postgres cannot store, becomes a visible replacement."""
    text = json.dumps(value)
    return json.dumps(_storable(value)) if "\\u0000" in text or "\\ud" in text else text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def as_move(move: Move) -> dict[str, Any]:
    """A move as facteur.move_submission reads it: what is absent stays as it is."""
    moved = {name: value for name in MOVE if (value := getattr(move, name)) is not None}
    return moved | ({"clock": _written(move.clock)} if move.clock else {})


def _written(clock: DoubtClock) -> dict[str, Any]:
    dated_at = clock.dated_at.isoformat() if clock.dated_at else None
    return {"seconds": clock.seconds, "looked_up_at": clock.looked_up_at.isoformat(), "dated_at": dated_at}
