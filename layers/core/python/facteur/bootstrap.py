"""The only place where adapters are built and handed to use cases. Everything is built on first use, once per container."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from facteur.decide import Limits
from facteur.errors import AccountRefusedError, ConfigurationError, EnvironmentMismatchError, Problem
from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.adapters.iopole import Iopole
    from facteur.adapters.oauth import Credentials
    from facteur.adapters.postgres import Database
    from facteur.adapters.secrets_manager import Secrets
    from facteur.poll_statuses import PollServices
    from facteur.ports import Journal
    from facteur.relay_submissions import RelayServices
    from facteur.submit_invoices import Services

DEFAULT_ACCOUNT = "default"
PRODUCTION_HOSTS = frozenset({"api.iopole.com"})
SANDBOX_HOSTS = frozenset({"api.ppd.iopole.fr"})
RDS_CA_BUNDLE = "rds-global-bundle.pem"


def submit_services(journal: Journal) -> Services:
    """What submit_invoices works with; begins an invocation."""
    from facteur.adapters.documents import DocumentStore
    from facteur.adapters.stores import PostgresSubmissions
    from facteur.submit_invoices import Services

    settings, database = _settings(), _begun(_database())
    platforms = _platforms()
    platforms.begin_invocation()
    store = PostgresSubmissions(
        database, lease_seconds=settings.lease_seconds, requests_per_minute=settings.requests_per_minute,
        deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip
    documents = DocumentStore(database, lambda: _aws("s3"), allow_files=not settings.in_lambda)
    return Services(
        store, platforms, documents, journal, _limits(settings), settings.max_in_flight, settings.lease_seconds,
        settings.connect_timeout_seconds + settings.read_timeout_seconds, lambda most: random.uniform(0, most),  # noqa: S311
    )  # fmt: skip


def relay_services(journal: Journal) -> RelayServices:
    """What relay_submissions works with."""
    from facteur.adapters.sqs import SqsQueue
    from facteur.adapters.stores import PostgresRelay
    from facteur.relay_submissions import RelayServices

    settings = _settings()
    base_url, queue_url = settings.require("iopole_base_url", "submissions_queue_url")
    store = PostgresRelay(
        _begun(_database()), provider=settings.pdp_provider, requests_per_minute=settings.requests_per_minute,
        deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip

    def refused(code: str, messages: int) -> None:
        journal.warning("queue.unavailable", error_code=code, submissions=messages)

    return RelayServices(
        store, SqsQueue(lambda: _aws("sqs"), queue_url, refused), journal, base_url, settings.relay_watch_seconds
    )


def poll_services(journal: Journal) -> PollServices:
    """What poll_statuses works with."""
    from facteur.adapters.stores import PostgresNews
    from facteur.poll_statuses import PollServices

    settings = _settings()
    platforms = _platforms()
    platforms.begin_invocation()
    store = PostgresNews(
        _begun(_database()), requests_per_minute=settings.requests_per_minute,
        history_requests_per_minute=settings.history_requests_per_minute,
    )  # fmt: skip
    return PollServices(
        store, platforms, journal, _limits(settings), settings.connect_timeout_seconds + settings.read_timeout_seconds
    )


def migration_services() -> tuple[Database, bool, str | None]:
    """A database, whether to install on an existing table, and from which issue date on."""
    settings = _settings()
    return _begun(_database()), settings.install_capture, settings.submit_from


class AccountPlatforms:
    """The port Platforms: one platform per account, from the account's secret."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database) -> None:
        self._settings, self._secrets, self._database = settings, secrets, database
        self._base_url, self._auth_url = settings.require("iopole_base_url", "iopole_auth_url")
        self._built: dict[str, Iopole] = {}
        self._pinned: dict[str, str] = {}
        self._lock = threading.RLock()

    def begin_invocation(self) -> None:
        """Connections of an earlier invocation are closed."""
        for platform in self._built.values():
            platform.begin_invocation()

    def of(self, account: str) -> Iopole:
        with self._lock:
            if account not in self._built:
                self._built[account] = self._build(account)
            return self._built[account]

    def _build(self, account: str) -> Iopole:
        from facteur.adapters.http import HttpClient
        from facteur.adapters.iopole import TOKEN_PATH, Iopole
        from facteur.adapters.oauth import BearerToken

        def client(url: str) -> HttpClient:
            return HttpClient(
                url, connect_timeout_seconds=self._settings.connect_timeout_seconds,
                read_timeout_seconds=self._settings.read_timeout_seconds, connections=self._settings.max_in_flight,
            )  # fmt: skip

        credentials = self._credentials(account, False)
        sandbox = credentials.sandbox
        if sandbox is None:
            sandbox = urlsplit(self._base_url).hostname in SANDBOX_HOSTS
        token = BearerToken(client(self._auth_url), TOKEN_PATH, functools.partial(self._credentials, account))
        return Iopole(client(self._base_url), token, sandbox=sandbox)

    def _credentials(self, account: str, fresh: bool) -> Credentials:
        from facteur.adapters.secrets_manager import SecretUnreadableError

        try:
            secret = self._secrets.read(self._secret_id(account), fresh=fresh)
        except SecretUnreadableError as exc:
            raise AccountRefusedError(Problem("secret_unreadable", str(exc))) from None
        credentials = credentials_from(secret, self._secret_id(account))
        refuse_wrong_environment(credentials, self._base_url)
        self._check_pin(account, credentials.client_id)
        return credentials

    def _secret_id(self, account: str) -> str:
        default = self._settings.pdp_secret_id
        prefix = default.rpartition("/")[0] or "facteur"
        return default if account == DEFAULT_ACCOUNT else f"{prefix}/{account}"

    def _check_pin(self, account: str, client_id: str) -> None:
        if self._pinned.get(account) == client_id:
            return
        parameters = {
            "account": account, "provider": self._settings.pdp_provider, "base_url": self._base_url,
            "client": hashlib.sha256(client_id.encode()).hexdigest(),
        }  # fmt: skip
        statement = "select facteur.check_pin(%(account)s, %(provider)s, %(base_url)s, %(client)s) as pinned"
        if not self._database.row(statement, parameters).pinned:
            raise EnvironmentMismatchError(
                f"account {account} of this database is pinned to another platform or client than its secret and IOPOLE_BASE_URL "
                "name. Is it a copy? Check, then remove the account from facteur.installation.pins"
            )
        self._pinned[account] = client_id


def credentials_from(secret: Mapping[str, Any], secret_id: str) -> Credentials:
    """The credentials in a platform secret.

    Raises:
        AccountRefusedError: a key is missing or of the wrong type; names all of them.
    """
    from facteur.adapters.oauth import Credentials

    wrong = [
        name for name in ("client_id", "client_secret") if not isinstance(secret.get(name), str) or not secret[name]
    ]
    wrong += [
        name
        for name, kind in (("customer_id", str), ("sandbox", bool))
        if not isinstance(secret.get(name), kind | None)
    ]
    if wrong:
        raise AccountRefusedError(
            Problem("secret_malformed", f"secret {secret_id}: missing or wrong {', '.join(wrong)}")
        )
    return Credentials(
        secret["client_id"], secret["client_secret"], secret.get("customer_id") or None, secret.get("sandbox")
    )


def refuse_wrong_environment(credentials: Credentials, base_url: str) -> None:
    """Raises EnvironmentMismatchError for a sandbox account with a production URL, or the reverse."""
    host = urlsplit(base_url).hostname
    if (credentials.sandbox is True and host in PRODUCTION_HOSTS) or (
        credentials.sandbox is False and host in SANDBOX_HOSTS
    ):
        raise EnvironmentMismatchError(
            f"the secret says sandbox {str(credentials.sandbox).lower()}, and IOPOLE_BASE_URL is {base_url}"
        )


def database_parameters(secret: Mapping[str, Any], secret_id: str, in_lambda: bool) -> dict[str, Any]:
    """libpq's parameters from a secret in RDS's shape.

    Raises:
        ConfigurationError: names every missing key.
    """
    missing = [name for name in ("host", "username") if not secret.get(name)]
    missing += (
        ["password"] if not isinstance(secret.get("password"), str) else []
    )  # empty: the server trusts or asks .pgpass
    if missing:
        raise ConfigurationError(f"database secret {secret_id}: missing {', '.join(missing)}")
    sslmode = secret.get("sslmode") or ("verify-full" if in_lambda else "prefer")
    parameters = {
        "host": secret["host"], "port": int(secret.get("port") or 5432), "dbname": secret.get("dbname") or "postgres",
        "user": secret["username"], "password": secret["password"], "sslmode": sslmode,
    }  # fmt: skip
    if sslmode.startswith("verify-"):
        parameters["sslrootcert"] = secret.get("sslrootcert") or os.path.join(os.path.dirname(__file__), RDS_CA_BUNDLE)
    return parameters


def _limits(settings: Settings) -> Limits:
    return Limits(settings.resend_after_seconds, settings.give_up_after_seconds, settings.follow_up_days * 86400)


@functools.cache
def _settings() -> Settings:
    return Settings.from_environ(os.environ)


@functools.cache
def _platforms() -> AccountPlatforms:
    return AccountPlatforms(_settings(), _secrets(), _database())


@functools.cache
def _secrets() -> Secrets:
    from facteur.adapters.secrets_manager import Secrets

    return Secrets(lambda: _aws("secretsmanager"))


@functools.cache
def _database() -> Database:
    from facteur.adapters.postgres import Database
    from facteur.adapters.secrets_manager import SecretUnreadableError

    settings = _settings()
    (secret_id,) = settings.require("database_secret_id")

    def parameters() -> dict[str, Any]:
        try:
            secret = _secrets().read(secret_id)
        except SecretUnreadableError as exc:
            raise ConfigurationError(f"database: {exc}") from None
        return database_parameters(secret, secret_id, settings.in_lambda)

    return Database(parameters)


def _begun(database: Database) -> Database:
    database.begin_invocation()
    return database


def _aws(service: str) -> Any:
    from facteur.adapters.aws import client

    return client(service)


def reset() -> None:
    """Forget everything built, as a new container would. The environment is read again."""
    from facteur.adapters.aws import forget_clients

    if _database.cache_info().currsize:
        _database().close()
    for built in (_settings, _platforms, _secrets, _database):
        built.cache_clear()
    forget_clients()
