"""A database's address as it may be shown: whatever might be a part of its password is not, also where it was not written as it must be."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlencode

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

from facteur.domain.visible import visible

PORTS = re.compile(r"[0-9,]*")  # with several hosts, several
HIDDEN = "…as you gave it…"
IN_A_URL = "in a URL, a password's @ is written %40, its / %2F, its : %3A, its % %25"
BY_LIBPQ = {
    "invalid URI query parameter": "has a parameter after its ? that Postgres does not know",
    "percent-encoded": f"has a % that begins no escape: {IN_A_URL}",
}
PLACE = ("user", "password", "host", "port", "dbname")
SECRET = ("password", "sslpassword")


def address_problem(dsn: str) -> str | None:
    """What is wrong with an address, as a sentence's end; None: libpq can read it, and nothing of its password got elsewhere."""
    try:
        named = parse_dsn(dsn)
    except ProgrammingError as exc:  # its text quotes the address
        if dsn != visible(dsn):
            return "begins or ends with a blank or another invisible sign"
        return next((why for words, why in BY_LIBPQ.items() if words in str(exc)), "is not a postgresql:// URL")
    return None if _is_clear(named) else f"cannot be read for certain: {IN_A_URL}"


def in_words(dsn: str) -> str:
    """`company at 127.0.0.1:5432`: where a DSN leads, without user, password, or options."""
    named = _readable(dsn)
    if named is None:
        return "a database"
    host = named.get("host") or named.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    port = named.get("port") or os.environ.get("PGPORT") or "5432"
    database = named.get("dbname") or os.environ.get("PGDATABASE") or "the default database"
    return f"{database} at {host}:{port}"


def without_password(dsn: str) -> str:
    """The same as a URL that may be shown: `…` stands for its password, and for all of what cannot be read."""
    named = _readable(dsn)
    if named is None:
        return HIDDEN
    more = {name: value for name, value in named.items() if name not in PLACE + SECRET}
    return _url(named, ":…" if named.get("password") else "", more)


def as_url(dsn: str) -> str:
    """The same as a URL in which everything is escaped as it must be, its password too. What cannot be read stays as it is."""
    named = _readable(dsn)
    if named is None:
        return dsn
    more = {name: value for name, value in named.items() if name not in PLACE}
    return _url(named, ":" + quote(named["password"], safe="") if named.get("password") else "", more)


def _readable(dsn: str) -> dict[str, str] | None:
    try:
        named = parse_dsn(dsn)
    except ProgrammingError:
        return None
    return named if _is_clear(named) else None


def _is_clear(named: dict[str, str]) -> bool:
    """False where an unescaped sign in a password makes its rest a host, a port, or a database."""
    return bool(PORTS.fullmatch(named.get("port", ""))) and "@" not in named.get("host", "") + named.get("dbname", "")


def _url(named: dict[str, str], password: str, more: dict[str, str]) -> str:
    user = quote(named["user"], safe="") + password + "@" if named.get("user") else ""
    port = f":{named['port']}" if named.get("port") else ""
    host = quote(named.get("host", ""), safe=":,")
    host = f"[{host}]" if ":" in host else host  # an IPv6 address
    query = f"?{urlencode(more)}" if more else ""
    return f"postgresql://{user}{host}{port}/{quote(named.get('dbname', ''), safe='')}{query}"
