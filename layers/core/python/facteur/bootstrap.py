"""The only place where adapters are built and handed to use cases. Everything is built on first use, once per container."""

from __future__ import annotations

import functools
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from facteur.domain.decision import Limits
from facteur.errors import ConfigurationError, FacteurError
from facteur.platforms.registry import PROVIDERS
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.aws.secrets_manager import Secrets
    from facteur.domain.ports import Journal
    from facteur.operate.doctor.examination import Examination
    from facteur.operate.ports import DeadLetters
    from facteur.operate.reconcile.reconciling import Reconciling
    from facteur.operate.services import OperateServices
    from facteur.platforms.accounts import AccountPlatforms
    from facteur.poll_statuses.services import PollServices
    from facteur.postgres.database import Database
    from facteur.relay_submissions.run import RelayServices
    from facteur.submit_invoices.services import Services


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
        database = _owned_database() if by_owner and _settings().migration_secret_id else _database()
        database.rows("select facteur.end_run(%(name)s, %(error)s)", {"name": name, "error": error})


def submit_services(journal: Journal, remaining_seconds: float = float("inf")) -> Services:
    """What submit_invoices works with; begins an invocation, whose calls of the platform end within the seconds that it has."""
    from facteur.documents.store import DocumentStore
    from facteur.submit_invoices.services import Services
    from facteur.submit_invoices.store import PostgresSubmissions

    settings, database = _settings(), _begun(_database())
    platforms = _platforms()
    platforms.begin_invocation(time.monotonic() + remaining_seconds)
    store = PostgresSubmissions(
        database, lease_seconds=settings.lease_seconds, requests_per_minute=settings.requests_per_minute,
        deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip
    documents = DocumentStore(
        database, lambda: _aws("s3"), allow_files=not settings.in_lambda, bucket_owner=settings.documents_bucket_owner
    )
    return Services(
        store, platforms, documents, journal, _limits(settings), settings.max_in_flight, settings.lease_seconds,
        settings.connect_timeout_seconds + settings.read_timeout_seconds, lambda most: random.uniform(0, most),  # noqa: S311
    )  # fmt: skip


def relay_services(journal: Journal) -> RelayServices:
    """What relay_submissions works with."""
    from facteur.aws.sqs import SqsQueue
    from facteur.relay_submissions.run import RelayServices
    from facteur.relay_submissions.store import PostgresRelay

    settings = _settings()
    where = PROVIDERS[settings.pdp_provider].address_settings or ()
    queue_url, *addresses = settings.require("submissions_queue_url", *where[:1])
    environment = (settings.pdp_provider, addresses[0]) if addresses else None
    store = PostgresRelay(
        _begun(_database()), requests_per_minute=settings.requests_per_minute,
        deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip

    def refused(code: str, messages: int) -> None:
        journal.warning("queue.unavailable", error_code=code, submissions=messages)

    return RelayServices(
        store,
        SqsQueue(lambda: _aws("sqs"), queue_url, refused),
        journal,
        environment,
        settings.relay_watch_seconds,
    )


def poll_services(journal: Journal, remaining_seconds: float = float("inf")) -> PollServices:
    """What poll_statuses works with; begins an invocation as submit_services does."""
    from facteur.platforms.port import NO_SEARCH
    from facteur.poll_statuses.pull_store import PostgresPulls
    from facteur.poll_statuses.services import PollServices
    from facteur.poll_statuses.store import PostgresStatuses

    settings, database = _settings(), _begun(_database())
    _check_source(settings)
    platforms = _platforms()
    platforms.begin_invocation(time.monotonic() + remaining_seconds)
    store = PostgresStatuses(
        database, requests_per_minute=settings.requests_per_minute,
        history_requests_per_minute=settings.history_requests_per_minute,
        paging=PROVIDERS[settings.pdp_provider].capabilities.search or NO_SEARCH,
    )  # fmt: skip
    return PollServices(
        store, PostgresPulls(database), platforms, journal, _limits(settings),
        settings.connect_timeout_seconds + settings.read_timeout_seconds, settings.status_source,
        60 / settings.requests_per_minute, 60 / settings.history_requests_per_minute, time.sleep,
    )  # fmt: skip


def _check_source(settings: Settings) -> None:
    offered = PROVIDERS[settings.pdp_provider].capabilities.statuses
    if settings.status_source not in offered:
        words = f"STATUS_SOURCE={settings.status_source}: {settings.pdp_provider} offers {' and '.join(offered)}"
        raise ConfigurationError(words)


def migration_services() -> tuple[Database, dict[str, Any]]:
    """The database as its owner, and what to do with it: the arguments of `migrate`."""
    settings = _settings()
    database = _owned_database() if settings.migration_secret_id else _database()
    return _begun(database), {
        "install_capture": settings.install_capture, "submit_from": settings.submit_from, "worker_role": settings.worker_role,
        "invoice_kinds": settings.invoice_kinds,
    }  # fmt: skip


def owner_services(database_url: str | None = None) -> OperateServices:
    """The same for init and uninstall: where there is an owner's secret, with it."""
    return operate_services(database_url, as_owner=True)


def operate_services(database_url: str | None = None, *, as_owner: bool = False) -> OperateServices:
    """What operations work with: the database of a URL, or the one that the settings name."""
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.aws.secrets_manager import Secrets
    from facteur.documents.store import DocumentStore
    from facteur.operate.accounts_store import PostgresAccounts
    from facteur.operate.acts_store import PostgresActs
    from facteur.operate.backlog_store import PostgresBacklog, PostgresPending
    from facteur.operate.services import OperateServices
    from facteur.operate.status_store import PostgresReading
    from facteur.operate.story_store import PostgresStories
    from facteur.operate.uninstall_store import PostgresInstalling
    from facteur.postgres.database import Database

    settings = _settings()
    if database_url:
        database = Database(lambda: {"dsn": database_url})
    else:
        database = _begun(_owned_database() if as_owner and settings.migration_secret_id else _database())
    queue_url = settings.submissions_queue_url
    letters = SqsDeadLetters(lambda: _aws("sqs"), queue_url) if queue_url else None
    return OperateServices(
        settings,
        PostgresReading(database, requests_per_minute=settings.requests_per_minute),
        PostgresStories(database),
        PostgresInstalling(database),
        PostgresActs(database),
        PostgresPending(database),
        PostgresBacklog(database),
        PostgresAccounts(database),
        lambda: letters,
        lambda: _examination(settings, database, letters),
        lambda: _asked_platforms(settings, Secrets(lambda: _aws("secretsmanager")), database),
        lambda: DocumentStore(
            database,
            lambda: _aws("s3"),
            allow_files=not settings.in_lambda,
            bucket_owner=settings.documents_bucket_owner,
        ),
        lambda: _reconciling(settings, database),
        _stack(settings),
    )


def _examination(settings: Settings, database: Database, letters: DeadLetters | None) -> Examination:
    from facteur.aws.deployment import DeployedStack
    from facteur.aws.secrets_manager import Secrets
    from facteur.install.schema import migrations
    from facteur.operate.doctor.examination import Examination
    from facteur.operate.doctor.store import PostgresExamined
    from facteur.platforms.accounts import AccountPlatforms

    secrets = Secrets(lambda: _aws("secretsmanager"))  # of its own: no kept secret or token
    platforms = functools.cache(lambda: AccountPlatforms(settings, secrets, database))
    stack = _stack(settings)
    return Examination(
        settings, PostgresExamined(database, requests_per_minute=settings.requests_per_minute), platforms, letters,
        DeployedStack(stack, lambda: _aws("scheduler"), lambda: _aws("lambda")) if stack else None,
        frozenset(number for number, _ in migrations()), lambda: datetime.now(UTC),
    )  # fmt: skip


def _stack(settings: Settings) -> str | None:
    """The stack that this runs in."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME") if settings.in_lambda else None


def _reconciling(settings: Settings, database: Database) -> Reconciling:
    from facteur.operate.reconcile.reconciling import Reconciling
    from facteur.operate.reconcile.store import PostgresBooks

    books = PostgresBooks(database, requests_per_minute=settings.requests_per_minute, wait=time.sleep)
    return Reconciling(books, functools.cache(lambda: _asked_platforms(settings, _secrets(), database)))


def _asked_platforms(settings: Settings, secrets: Secrets, database: Database) -> AccountPlatforms:
    """The platforms for a person, whose own machine seldom has the settings of the functions."""
    from facteur.platforms.accounts import AccountPlatforms

    try:
        return AccountPlatforms(settings, secrets, database)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}: ask the deployed stack (--stack NAME), or set them") from None


def deployed(function: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a function of a deployed stack."""
    from facteur.aws.stack import invoke

    return invoke(lambda: _aws("lambda"), function, request)


@functools.cache
def caller_identity() -> str | None:
    """As whom AWS knows this terminal's credentials."""
    from facteur.aws.stack import identity

    return identity(lambda: _aws("sts"))


def _limits(settings: Settings) -> Limits:
    return Limits(settings.resend_after_seconds, settings.give_up_after_seconds, settings.follow_up_days * 86400)


@functools.cache
def _settings() -> Settings:
    return Settings.from_environ(os.environ)


@functools.cache
def _platforms() -> AccountPlatforms:
    from facteur.platforms.accounts import AccountPlatforms

    return AccountPlatforms(_settings(), _secrets(), _database())


@functools.cache
def _secrets() -> Secrets:
    from facteur.aws.secrets_manager import Secrets

    return Secrets(lambda: _aws("secretsmanager"))


@functools.cache
def _database() -> Database:
    return _database_of(*_settings().require("database_secret_id"))


@functools.cache
def _owned_database() -> Database:
    return _database_of(*_settings().require("migration_secret_id"))


def _database_of(secret_id: str) -> Database:
    from facteur.aws.secrets_manager import SecretUnreadableError
    from facteur.postgres.address import database_parameters, with_token
    from facteur.postgres.database import Database

    def parameters(fresh: bool) -> dict[str, Any]:
        try:
            secret = _secrets().read(secret_id, fresh=fresh)
        except SecretUnreadableError as exc:
            raise ConfigurationError(f"database: {exc}") from None
        found = database_parameters(secret, secret_id, _settings().in_lambda)
        return found if "password" in found else with_token(found)

    return Database(lambda: parameters(False), lambda: parameters(True), f"secret {secret_id}")


def _begun(database: Database) -> Database:
    database.begin_invocation()
    return database


def _aws(service: str) -> Any:
    from facteur.aws.clients import client

    return client(service)


def reset() -> None:
    """Forget everything built, as a new container would. The environment is read again."""
    from facteur.aws.clients import forget_clients

    for connected in (_database, _owned_database):
        if connected.cache_info().currsize:
            connected().close()
    for built in (_settings, _platforms, _secrets, _database, _owned_database, caller_identity):
        built.cache_clear()
    forget_clients()
