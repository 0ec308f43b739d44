"""What operations are built of. Imports stand in the functions: every command comes by here, and help needs none of them."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from facteur import container
from facteur.errors import ConfigurationError

if TYPE_CHECKING:
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.aws.secrets_manager import Secrets
    from facteur.operate.doctor.examination import Examination
    from facteur.operate.reconcile.store import Reconciling
    from facteur.operate.services import OperateServices
    from facteur.platforms.accounts import AccountPlatforms
    from facteur.postgres.database import Database
    from facteur.settings import Settings


def owner_services(database_url: str | None = None) -> OperateServices:
    """As operate_services, for init and uninstall: where there is an owner's secret, with it."""
    return operate_services(database_url, as_owner=True)


def operate_services(database_url: str | None = None, *, as_owner: bool = False) -> OperateServices:
    """What operations work with: the database of a URL, or the one that the settings name. Begins an invocation."""
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.operate.accounts_store import PostgresAccounts
    from facteur.operate.acts_store import PostgresActs
    from facteur.operate.backlog_store import PostgresBacklog, PostgresPending
    from facteur.operate.services import OperateServices
    from facteur.operate.status_store import PostgresReading
    from facteur.operate.story_store import PostgresStories
    from facteur.operate.uninstall_store import PostgresInstalling
    from facteur.postgres.database import Database

    settings = container.settings()
    database = Database(lambda: {"dsn": database_url}) if database_url else container.begun_database(as_owner=as_owner)
    queue_url = settings.submissions_queue_url
    letters = SqsDeadLetters(lambda: container.aws("sqs"), queue_url) if queue_url else None
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
        lambda: _asked_platforms(settings, _fresh_secrets(), database),
        lambda: container.documents(database),
        lambda: _reconciling(settings, database),
        _stack(settings),
    )


def deployed(function: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a function of a deployed stack."""
    from facteur.aws.stack import invoke

    return invoke(lambda: container.aws("lambda"), function, request)


def place(database: str | None, stack: str | None) -> str:
    """The installation in words, without user or password: what a question names."""
    if stack:
        region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
        return f"stack {stack}" + (f" in {region}" if region else "")
    if database:
        from facteur.postgres.url import in_words

        return in_words(database)
    return "the database that DATABASE_SECRET_ID names"


@functools.cache
def caller_identity() -> str | None:
    """As whom AWS knows this terminal's credentials."""
    from facteur.aws.stack import identity

    return identity(lambda: container.aws("sts"))


def _examination(settings: Settings, database: Database, letters: SqsDeadLetters | None) -> Examination:
    from facteur.aws.deployment import DeployedStack
    from facteur.install.schema import migrations
    from facteur.operate.doctor.examination import Examination
    from facteur.operate.doctor.store import PostgresExamined
    from facteur.platforms.accounts import AccountPlatforms

    secrets = _fresh_secrets()
    platforms = functools.cache(lambda: AccountPlatforms(settings.for_platforms(), secrets, database))
    stack = _stack(settings)
    return Examination(
        settings, PostgresExamined(database, requests_per_minute=settings.requests_per_minute), platforms, letters,
        DeployedStack(stack, lambda: container.aws("scheduler"), lambda: container.aws("lambda")) if stack else None,
        frozenset(number for number, _ in migrations()), lambda: datetime.now(UTC),
    )  # fmt: skip


def _stack(settings: Settings) -> str | None:
    """The stack that this runs in."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME") if settings.in_lambda else None


def _reconciling(settings: Settings, database: Database) -> Reconciling:
    from facteur.operate.reconcile.store import PostgresBooks, Reconciling

    books = PostgresBooks(database, requests_per_minute=settings.requests_per_minute, wait=time.sleep)
    return Reconciling(books, functools.cache(lambda: _asked_platforms(settings, container.secrets(), database)))


def _fresh_secrets() -> Secrets:
    """Of its own: no secret or token that this container has kept."""
    from facteur.aws.secrets_manager import Secrets

    return Secrets(lambda: container.aws("secretsmanager"))


def _asked_platforms(settings: Settings, secrets: Secrets, database: Database) -> AccountPlatforms:
    """The platforms for a person, whose own machine seldom has the settings of the functions."""
    from facteur.platforms.accounts import AccountPlatforms

    try:
        return AccountPlatforms(settings.for_platforms(), secrets, database)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}: ask the deployed stack (--stack NAME), or set them") from None
