"""What a session of Postgres must be like: what it can ask for itself it asks for, what it cannot change is refused in a sentence.

A DBA may set anything on database or role. Asked is only where something differs, and then at the beginning of each transaction: a
pool that changes connections between transactions keeps nothing else, and a proxy pins a connection on which settings are changed.
"""

from __future__ import annotations

from select import POLLIN, poll
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extras import NamedTupleCursor

from facteur.errors import ConfigurationError, DatabaseUnavailableError

LONGEST_STATEMENT_SECONDS, LONGEST_LOCK_SECONDS, LONGEST_IDLE_SECONDS = 300, 30, 60
BETWEEN_STATEMENTS_SECONDS = 900  # a platform's answer, or a person's, lies between two of them
# How every transaction of several statements begins: who vanishes within holds its locks for so long, and no longer. The server's own
# default is for ever.
BEGIN = f"begin; set local idle_in_transaction_session_timeout = '{LONGEST_IDLE_SECONDS}s'"
# A name and the value that is wanted. A number: at least so many seconds, or 0 for no limit.
WANTED: tuple[tuple[str, str | int], ...] = (
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "off"),
    ("statement_timeout", LONGEST_STATEMENT_SECONDS),
    ("transaction_timeout", LONGEST_STATEMENT_SECONDS),
    ("lock_timeout", LONGEST_LOCK_SECONDS),
    ("row_security", "on"),
    ("restrict_nonsystem_relation_kind", ""),  # "view" would keep us from the company's
    ("exit_on_error", "off"),  # an error that is caught would end the session
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("quote_all_identifiers", "off"),
    ("check_function_bodies", "on"),
    ("xmloption", "content"),
    ("bytea_output", "hex"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "1"),
    ("plan_cache_mode", "auto"),
    ("synchronous_commit", "on"),  # what was sent, recorded or acknowledged must not be forgotten by a crash
)
STRONGER = frozenset({("synchronous_commit", "remote_apply")})
# How a statement's text itself is read is settled before the statement, and what ends a session between two of them: a session's
# settings, which pools keep.
WANTED_SESSION: tuple[tuple[str, str | int], ...] = (
    ("standard_conforming_strings", "on"),
    ("idle_session_timeout", BETWEEN_STATEMENTS_SECONDS),
)
FOUND = """
select pg_is_in_recovery() as standby, current_setting('server_encoding') as encoding,
       current_setting('session_replication_role') <> 'replica' as triggers_work,
       has_parameter_privilege('session_replication_role', 'set') as may_let_them,
       (select pg_catalog.jsonb_object_agg(name, current_setting(name, true)) from pg_catalog.unnest(%(names)s::text[]) name) as settings
"""
UNLIMITED = "set local statement_timeout = 0; set local lock_timeout = 0; "
SECONDS = {"": 0.001, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

# Of a statement that failed: classes of SQLSTATE that are plainly about what it holds or meets. After anything else, known or not,
# the connection is given up: what a server says of itself (53, 57, 58, XX), of a failover (25006), of an authorisation (28).
OF_A_STATEMENT = frozenset(
    ("02", "20", "21", "22", "23", "27", "2F", "38", "39", "40", "42", "44", "54", "55", "FR", "P0")
)
WORDS_AT_MOST = 5  # of a server that nobody has asked
CANCELED, IN_FAILED_TRANSACTION = "57014", "25P02"
# Nothing was carried out, and the same statement may well be: a serialisation failure, a deadlock.
AGAIN = frozenset(("40001", "40P01"))


def asked_for(connection: psycopg2.extensions.connection) -> str:
    """What a transaction on this connection has to begin with; mostly nothing.

    Raises:
        ConfigurationError, DatabaseUnavailableError: nothing can be done on this server, or not now.
    """
    try:
        found = _found(connection, "")
    except QueryCanceled:
        found = _found(connection, UNLIMITED)
    if found.standby:
        raise DatabaseUnavailableError(
            "the server is a standby in recovery, which takes no writes: the primary is needed"
        )
    if found.encoding == "SQL_ASCII":
        raise ConfigurationError(
            "the database has the encoding SQL_ASCII, which keeps any bytes: one with UTF8 is needed"
        )
    if not found.triggers_work and not found.may_let_them:
        raise ConfigurationError(
            "session_replication_role is replica for this role, so triggers and foreign keys do not work: let the DBA reset it"
        )
    for name, value in WANTED_SESSION:
        if _differs(value, found.settings[name]):
            _set(connection, name, value if isinstance(value, str) else f"{value}s")
    kept = {name for name, value in found.settings.items() if (name, value) in STRONGER}
    differing = [
        (name, wanted) for name, wanted in WANTED if name not in kept and _differs(wanted, found.settings[name])
    ]
    origin = [] if found.triggers_work else [("session_replication_role", "origin")]
    return "".join(f"set local {name} = {_value(wanted)}; " for name, wanted in (*differing, *origin))


def is_useless(error: psycopg2.Error, connection: psycopg2.extensions.connection | None) -> bool:
    """Whether the connection has to be given up after this error: always, unless the error is plainly the statement's."""
    if connection is None or connection.closed or error.pgcode is None:
        return True
    return error.pgcode[:2] not in OF_A_STATEMENT and error.pgcode not in {CANCELED, IN_FAILED_TRANSACTION}


def was_ended(connection: psycopg2.extensions.connection) -> bool:
    """Whether the server has ended a connection between two transactions, for its idleness or its own restart, and has said so by now.

    What else it says unasked, of a setting that has changed, is taken note of. psycopg2 shows no SQLSTATE of such an end.
    """
    if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    heard = poll()
    heard.register(connection.fileno(), POLLIN)
    for _ in range(WORDS_AT_MOST):
        if not heard.poll(0):
            return False
        try:
            connection.poll()
        except psycopg2.Error:
            return True
    return True


def _found(connection: psycopg2.extensions.connection, first: str) -> Any:
    with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
        cursor.execute(first + FOUND, {"names": [name for name, _ in (*WANTED, *WANTED_SESSION)]})  # type: ignore[no-untyped-call]
        return cursor.fetchone()


def _set(connection: psycopg2.extensions.connection, name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, false)", (name, value))


def _differs(wanted: str | int, value: str | None) -> bool:
    """None: this version of Postgres has no such setting."""
    if value is None:
        return False
    return value.lower() != wanted if isinstance(wanted, str) else 0 < _seconds(value) < wanted


def _seconds(value: str) -> float:
    """`250ms`, `5s`, `1min`, as Postgres shows a setting."""
    digits = value.rstrip("msinhd")
    return float(digits) * SECONDS[value[len(digits) :]]


def _value(wanted: str | int) -> str:
    return f"'{wanted}'" if isinstance(wanted, str) else f"'{wanted}s'"
