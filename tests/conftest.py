"""What several kinds of tests share: a Postgres server per worker, and a migrated database per test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from facteur.adapters.postgres import Database
from facteur.migrate import migrate
from local.postgres import PostgresServer, postgres_server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def template(server: PostgresServer) -> str:
    """A migrated database with the default invoice table, to copy."""
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows("create database template_facteur")
    database = Database(lambda: {"dsn": server.url("template_facteur")})
    migrate(database)
    database.close()
    admin.close()
    return "template_facteur"


def _create(server: PostgresServer, template: str) -> str:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = Database(lambda: {"dsn": server.url()})
    admin.rows(f"create database {name} template {template}")
    admin.close()
    return server.url(name)


@pytest.fixture
def empty_url(server: PostgresServer) -> str:
    """A database with nothing in it."""
    return _create(server, "template0")


@pytest.fixture
def database_url(server: PostgresServer, template: str) -> str:
    """A migrated database."""
    return _create(server, template)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A connection to it."""
    opened = Database(lambda: {"dsn": database_url})
    yield opened
    opened.close()
