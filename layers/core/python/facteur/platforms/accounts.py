"""The platform of each account, from the account's secret; and the pin that keeps a copied database from depositing."""

from __future__ import annotations

import functools
import hashlib
import threading
from urllib.parse import urlsplit

from facteur.adapters.postgres import Database, as_json
from facteur.adapters.secrets_manager import Secrets, SecretUnreadableError
from facteur.errors import AccountRefusedError, EnvironmentMismatchError, Problem
from facteur.platforms.blanking import Blanking
from facteur.platforms.credentials import Address, Credentials, credentials_from
from facteur.platforms.http import HttpClient
from facteur.platforms.iopole.client import TOKEN_PATH, Iopole
from facteur.platforms.oauth import BearerToken
from facteur.settings import Settings

DEFAULT_ACCOUNT = "default"
PRODUCTION_HOSTS = frozenset({"api.iopole.com"})
SANDBOX_HOSTS = frozenset({"api.ppd.iopole.fr"})

SALT = "select salt::text as salt from facteur.installation"
CHECK_PIN = "select facteur.check_pin(%(account)s, %(platform)s, %(own_url)s) as matches"


class AccountPlatforms:
    """The port Platforms."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database) -> None:
        self._settings, self._secrets, self._database = settings, secrets, database
        self._address = Address(*settings.require("iopole_base_url", "iopole_auth_url"))
        self._salted: str | None = None
        self._built: dict[str, tuple[tuple[str, Address], Iopole]] = {}  # for which client and platform
        # whose secret names another platform or client since: built anew at the next invocation
        self._moved: set[str] = set()
        # account -> client and own platform whose pin was compared
        self._checked: dict[str, tuple[str, Address | None]] = {}
        self._unpinned: set[str] = set()  # compared before there was a pin: again at the next invocation
        self._stop_at = float("inf")
        self._lock = threading.RLock()

    def begin_invocation(self, stop_at: float) -> None:
        """Connections of an earlier invocation are closed; no call of this one goes on after `stop_at` (monotonic)."""
        self._stop_at = stop_at
        for account in self._unpinned:
            del self._checked[account]
        self._unpinned.clear()
        for account in self._moved:
            del self._built[account]
        self._moved.clear()
        for _, platform in self._built.values():
            platform.begin_invocation(stop_at)

    def of(self, account: str) -> Iopole:
        with self._lock:
            if account not in self._built:
                self._built[account] = self._build(account)
            return self._built[account][1]

    def identity(self, account: str) -> dict[str, str]:
        return self._identity(self._credentials(account, False))

    def named_by_secret(self, account: str) -> dict[str, str]:
        """Its identity as the secret has it, whatever the database is pinned to."""
        return self._identity(self._in_secret(account, True))

    def _build(self, account: str) -> tuple[tuple[str, Address], Iopole]:
        credentials = self._credentials(account, False)
        address, sandbox = credentials.address or self._address, credentials.sandbox
        if sandbox is None:
            sandbox = urlsplit(address.base_url).hostname in SANDBOX_HOSTS
        blanking = Blanking()  # what one of them sends may be quoted to the other
        token_client = self._client(address.auth_url, blanking)
        secret = f"secret {self._secret_id(account)}"
        token = BearerToken(token_client, TOKEN_PATH, functools.partial(self._credentials, account), secret)
        return (credentials.client_id, address), Iopole(
            self._client(address.base_url, blanking), token, sandbox=sandbox
        )

    def _client(self, url: str, blanking: Blanking) -> HttpClient:
        client = HttpClient(
            url,
            connect_timeout_seconds=self._settings.connect_timeout_seconds,
            read_timeout_seconds=self._settings.read_timeout_seconds,
            connections=self._settings.max_in_flight,
            blanking=blanking,
        )
        client.begin_invocation(self._stop_at)
        return client

    def _credentials(self, account: str, fresh: bool) -> Credentials:
        credentials = self._in_secret(account, fresh)
        client = credentials.client_id, credentials.address or self._address
        self._check_pin(account, credentials)
        if account in self._built and self._built[account][0] != client:  # its token is the old one's
            self._moved.add(account)
            raise AccountRefusedError(
                Problem(
                    "platform_moved",
                    f"secret {self._secret_id(account)} names another platform or client than a moment ago; soon again",
                )
            )
        return credentials

    def _in_secret(self, account: str, fresh: bool) -> Credentials:
        secret_id = self._secret_id(account)
        try:
            secret = self._secrets.read(secret_id, fresh=fresh)
        except SecretUnreadableError as exc:
            raise AccountRefusedError(Problem("secret_unreadable", str(exc))) from None
        credentials = credentials_from(secret, secret_id)
        refuse_wrong_environment(credentials, (credentials.address or self._address).base_url, secret_id)
        return credentials

    def _secret_id(self, account: str) -> str:
        default = self._settings.pdp_secret_id
        prefix = default.rpartition("/")[0] or "facteur"
        return default if account == DEFAULT_ACCOUNT else f"{prefix}/{account}"

    def _check_pin(self, account: str, credentials: Credentials) -> None:
        client = credentials.client_id, credentials.address
        if self._checked.get(account) == client:
            return
        platform, own_url = as_json(self._identity(credentials)), credentials.address is not None
        parameters = {"account": account, "platform": platform, "own_url": own_url}
        matches = self._database.row(CHECK_PIN, parameters).matches
        if matches is False:
            raise EnvironmentMismatchError(
                f"account {account} of this database is pinned to another platform or client than its secret and "
                f'IOPOLE_BASE_URL name. Is it a copy? Check, then: facteur repin {account} --why "…"'
            )
        self._checked[account] = client
        if matches is None:
            self._unpinned.add(account)

    def _salt(self) -> str:
        """The installation's own: nobody compares its digests with those of another."""
        if self._salted is None:
            self._salted = str(self._database.row(SALT).salt)
        return self._salted

    def _identity(self, credentials: Credentials) -> dict[str, str]:
        hashed = hashlib.sha256(f"{self._salt()}{credentials.client_id}".encode()).hexdigest()
        address = credentials.address or self._address
        return {"provider": self._settings.pdp_provider, "base_url": address.base_url, "client": hashed}


def refuse_wrong_environment(credentials: Credentials, base_url: str, secret_id: str) -> None:
    """Raises AccountRefusedError for a sandbox account with a production URL, or the reverse: nothing is sent, and others go on."""
    host = urlsplit(base_url).hostname
    if (credentials.sandbox is True and host in PRODUCTION_HOSTS) or (
        credentials.sandbox is False and host in SANDBOX_HOSTS
    ):
        words = f"secret {secret_id} says sandbox {str(credentials.sandbox).lower()}, and the platform is {base_url}"
        raise AccountRefusedError(Problem("environment_mismatch", words))
