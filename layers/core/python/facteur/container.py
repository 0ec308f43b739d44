"""What the functions of a container share, each built on first use: settings, secrets, the database, clients of AWS, platforms."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from facteur.domain.decision import Limits
from facteur.errors import ConfigurationError, FacteurError
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.aws.secrets_manager import Secrets
    from facteur.documents.store import DocumentStore
    from facteur.platforms.accounts import AccountPlatforms
    from facteur.postgres.database import Database


@functools.cache
def settings() -> Settings:
    """Raises ConfigurationError with all that is missing or wrong."""
    return Settings.from_environ(os.environ)


@functools.cache
def platforms() -> AccountPlatforms:
    """The platform of each account, with the tokens that this container has fetched."""
    from facteur.platforms.accounts import AccountPlatforms

    return AccountPlatforms(settings().for_platforms(), secrets(), database())


@functools.cache
def secrets() -> Secrets:
    """The secrets, as this container has read them."""
    from facteur.aws.secrets_manager import Secrets

    return Secrets(lambda: aws("secretsmanager"))


@functools.cache
def database() -> Database:
    """The database as the worker."""
    return _database_of(*settings().require("database_secret_id"))


def begun_database(stop_at: float = float("inf"), *, as_owner: bool = False) -> Database:
    """The database at the begin of an invocation, as the worker or, where there is a secret of the owner's, as the owner.

    Whatever is read for it, or by it, no secret is waited for after `stop_at` (monotonic).
    """
    secrets().begin_invocation(stop_at)
    begun = _owned_database() if as_owner and settings().migration_secret_id else database()
    begun.begin_invocation()
    return begun


def aws(service: str) -> Any:
    """A client of a service of AWS."""
    from facteur.aws.clients import client

    return client(service)


def documents(database: Database, stop_at: float = float("inf")) -> DocumentStore:
    """Where the companies' documents lie, some of them in rows of this database; no object is waited for after `stop_at` (monotonic)."""
    from facteur.aws.s3 import Objects
    from facteur.documents.store import DocumentStore

    objects = Objects(lambda: aws("s3"), settings().documents_bucket_owner, stop_at)
    return DocumentStore(database, objects, allow_files=not settings().in_lambda)


def waiting_limits() -> Limits:
    """How long is waited for what."""
    s = settings()
    return Limits(s.resend_after_seconds, s.give_up_after_seconds, s.follow_up_days * 86400)


@contextmanager
def recorded_run(name: str, *, by_owner: bool = False) -> Iterator[None]:
    """Remember how a run of a function ended: `facteur status` shows it. One that does not reach the database cannot say so."""
    try:
        yield
    except Exception as error:
        _end_run(name, type(error).__name__, by_owner)
        raise
    _end_run(name, None, by_owner)


def _end_run(name: str, error: str | None, by_owner: bool) -> None:
    with suppress(FacteurError):
        ended = _owned_database() if by_owner and settings().migration_secret_id else database()
        ended.rows("select facteur.end_run(%(name)s, %(error)s)", {"name": name, "error": error})


@functools.cache
def _owned_database() -> Database:
    return _database_of(*settings().require("migration_secret_id"))


def _database_of(secret_id: str) -> Database:
    from facteur.aws.rds import with_token
    from facteur.aws.secrets_manager import SecretUnreadableError
    from facteur.postgres.address import database_parameters
    from facteur.postgres.database import Database

    def parameters(fresh: bool) -> dict[str, Any]:
        try:
            secret = secrets().read(secret_id, fresh=fresh)
        except SecretUnreadableError as exc:
            raise ConfigurationError(f"database: {exc}") from None
        found = database_parameters(secret, secret_id, settings().in_lambda)
        return found if "password" in found else with_token(found)

    return Database(lambda: parameters(False), lambda: parameters(True), f"secret {secret_id}")


def reset() -> None:
    """Forget everything built, as a new container would. The environment is read again."""
    from facteur.aws.clients import forget_clients

    for connected in (database, _owned_database):
        if connected.cache_info().currsize:
            connected().close()
    for built in (settings, platforms, secrets, database, _owned_database):
        built.cache_clear()
    forget_clients()
