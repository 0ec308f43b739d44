"""The platform of each account, from the account's secret; and the pin that keeps a copied database from depositing."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from facteur.adapters.http import HttpClient
from facteur.adapters.iopole import TOKEN_PATH, Iopole
from facteur.adapters.iopole_probe import IopoleProbe
from facteur.adapters.oauth import BearerToken, Credentials
from facteur.adapters.postgres import Database, as_json
from facteur.adapters.secrets_manager import Secrets, SecretUnreadableError
from facteur.errors import AccountRefusedError, EnvironmentMismatchError, Problem
from facteur.settings import Settings

DEFAULT_ACCOUNT = "default"
PRODUCTION_HOSTS = frozenset({"api.iopole.com"})
SANDBOX_HOSTS = frozenset({"api.ppd.iopole.fr"})

CHECK_PIN = "select facteur.check_pin(%(account)s, %(platform)s) as matches"


class AccountPlatforms:
    """The port Platforms."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database) -> None:
        self._settings, self._secrets, self._database = settings, secrets, database
        self._base_url, self._auth_url = settings.require("iopole_base_url", "iopole_auth_url")
        self._built: dict[str, Iopole] = {}
        self._checked: dict[str, str] = {}  # account -> client id whose pin was compared
        self._unpinned: set[str] = set()  # compared before there was a pin: again at the next invocation
        self._lock = threading.RLock()

    def begin_invocation(self) -> None:
        """Connections of an earlier invocation are closed."""
        for account in self._unpinned:
            del self._checked[account]
        self._unpinned.clear()
        for platform in self._built.values():
            platform.begin_invocation()

    def of(self, account: str) -> Iopole:
        with self._lock:
            if account not in self._built:
                self._built[account] = self._build(account)
            return self._built[account]

    def probe(self, account: str) -> IopoleProbe:
        """Reads that say whether the account works."""
        return self.of(account).probe()

    def identity(self, account: str) -> dict[str, str]:
        return self._identity(self._credentials(account, False).client_id)

    def _build(self, account: str) -> Iopole:
        credentials = self._credentials(account, False)
        sandbox = credentials.sandbox
        if sandbox is None:
            sandbox = urlsplit(self._base_url).hostname in SANDBOX_HOSTS
        token = BearerToken(self._client(self._auth_url), TOKEN_PATH, functools.partial(self._credentials, account))
        return Iopole(self._client(self._base_url), token, sandbox=sandbox)

    def _client(self, url: str) -> HttpClient:
        return HttpClient(
            url,
            connect_timeout_seconds=self._settings.connect_timeout_seconds,
            read_timeout_seconds=self._settings.read_timeout_seconds,
            connections=self._settings.max_in_flight,
        )

    def _credentials(self, account: str, fresh: bool) -> Credentials:
        secret_id = self._secret_id(account)
        try:
            secret = self._secrets.read(secret_id, fresh=fresh)
        except SecretUnreadableError as exc:
            raise AccountRefusedError(Problem("secret_unreadable", str(exc))) from None
        credentials = credentials_from(secret, secret_id)
        refuse_wrong_environment(credentials, self._base_url)
        self._check_pin(account, credentials.client_id)
        return credentials

    def _secret_id(self, account: str) -> str:
        default = self._settings.pdp_secret_id
        prefix = default.rpartition("/")[0] or "facteur"
        return default if account == DEFAULT_ACCOUNT else f"{prefix}/{account}"

    def _check_pin(self, account: str, client_id: str) -> None:
        if self._checked.get(account) == client_id:
            return
        pin = {"account": account, "platform": as_json(self._identity(client_id))}
        matches = self._database.row(CHECK_PIN, pin).matches
        if matches is False:
            raise EnvironmentMismatchError(
                f"account {account} of this database is pinned to another platform or client than its secret and "
                "IOPOLE_BASE_URL name. Is it a copy? Check, then remove the account from facteur.installation.pins"
            )
        self._checked[account] = client_id
        if matches is None:
            self._unpinned.add(account)

    def _identity(self, client_id: str) -> dict[str, str]:
        hashed = hashlib.sha256(client_id.encode()).hexdigest()
        return {"provider": self._settings.pdp_provider, "base_url": self._base_url, "client": hashed}


def credentials_from(secret: Mapping[str, Any], secret_id: str) -> Credentials:
    """The credentials in a platform secret.

    Raises:
        AccountRefusedError: a key is missing or of the wrong type; names all of them.
    """
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
