"""The platform of each account, from the account's secret; and the pin that keeps a copied database from depositing."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from facteur.aws.secrets_manager import Secrets, SecretUnreadableError
from facteur.errors import AccountRefusedError, ConfigurationError, EnvironmentMismatchError, Problem
from facteur.platforms.blanking import Blanking
from facteur.platforms.credentials import Address, Credentials
from facteur.platforms.http import HttpClient, check_time
from facteur.platforms.port import Defaults, Platform, Provider, Wiring
from facteur.platforms.registry import PROVIDERS
from facteur.platforms.secret_keys import refuse_another_kinds_keys, refuse_unknown_keys
from facteur.postgres.database import Database, as_json

DEFAULT_ACCOUNT = "default"
Client = tuple[str, str, Address, tuple[tuple[str, str], ...]]

SALT = "select salt::text as salt from facteur.installation"
CHECK_PIN = "select facteur.check_pin(%(account)s, %(platform)s, %(own_url)s) as matches"


@dataclass(frozen=True, slots=True)
class _Named:
    """What an account's secret names: a kind of platform, where it is, and a client there."""

    provider: Provider
    address: Address
    credentials: Credentials

    @property
    def client(self) -> Client:
        """What a token and a pin belong to."""
        found = self.credentials
        return self.provider.name, found.client_id, self.address, tuple(sorted(found.tenant.items()))


class AccountPlatforms:
    """The platform of each account, built when it is first asked for."""

    def __init__(
        self, defaults: Defaults, secrets: Secrets, database: Database, providers: Mapping[str, Provider] = PROVIDERS
    ) -> None:
        """Raises ConfigurationError where no setting says where the platform is that they name."""
        self._defaults, self._secrets, self._database, self._providers = defaults, secrets, database, providers
        self._default = providers[defaults.provider]
        if missing := [name.upper() for name in self._default.address_settings or () if not defaults.hosts.get(name)]:
            raise ConfigurationError(f"missing settings: {', '.join(missing)}")
        self._salted: str | None = None
        self._built: dict[str, tuple[Client, Platform]] = {}  # for which client and platform
        # whose secret names another platform or client since: built anew at the next invocation
        self._moved: set[str] = set()
        # whose pin was compared, and whether its address was its own
        self._checked: dict[str, tuple[Client, bool]] = {}
        self._unpinned: set[str] = set()  # compared before there was a pin: again at the next invocation
        self._calls: Counter[str] = Counter()  # of this invocation, by the kind of platform
        self._counting = threading.Lock()  # of its own: a call that is made waits for no secret
        self._stop_at = float("inf")
        self._lock = threading.RLock()

    def begin_invocation(self, stop_at: float) -> None:
        """Connections of an earlier invocation are closed; no call of this one goes on after `stop_at` (monotonic)."""
        self._stop_at = stop_at
        self._calls.clear()
        for account in self._unpinned:
            del self._checked[account]
        self._unpinned.clear()
        for account in self._moved:
            del self._built[account]
        self._moved.clear()
        for _, platform in self._built.values():
            platform.begin_invocation(stop_at)

    def of(self, account: str) -> Platform:
        """Raises AccountRefusedError for a bad secret, PlatformBusyError where there was no time to read it, and
        EnvironmentMismatchError for a database of another environment."""
        with self._lock:
            if account not in self._built:
                self._built[account] = self._build(account)
            return self._built[account][1]

    def kind(self, account: str) -> Provider:
        """The kind that its secret names, as far as that can be read; else the settings'."""
        secret_id = self._secret_id(account)
        try:
            return self._provider(self._secrets.read(secret_id), secret_id)
        except (SecretUnreadableError, AccountRefusedError):
            return self._default

    def provider_of(self, account: str) -> str | None:
        """The name of the kind whose platform it has; None where none was built, its secret being wrong, say."""
        built = self._built.get(account)
        return built[0][0] if built else None

    def calls_made(self) -> Mapping[str, int]:
        """How many calls of each kind of platform this invocation has made, those for tokens included."""
        return dict(self._calls)

    def identity(self, account: str) -> dict[str, str]:
        """Which platform and client its deposits are made with: provider, base_url, and a hash of its client id and tenant. Raises as
        `of` does."""
        return self._identity(self._named(account, False))

    def named_by_secret(self, account: str) -> dict[str, str]:
        """Its identity as the secret has it, whatever the database is pinned to."""
        return self._identity(self._in_secret(account, True))

    def _build(self, account: str) -> tuple[Client, Platform]:
        named = self._named(account, False)
        blanking = Blanking()  # what one of them sends may be quoted to the other
        sandbox = named.credentials.sandbox
        if sandbox is None:
            sandbox = urlsplit(named.address.base_url).hostname in named.provider.sandbox_hosts
        wiring = Wiring(
            named.address,
            sandbox,
            partial(self._client, named.provider.name, blanking),
            partial(self._credentials, account),
            f"secret {self._secret_id(account)}",
        )
        return named.client, named.provider.build(wiring)

    def _client(self, provider: str, blanking: Blanking, url: str) -> HttpClient:
        client = HttpClient(
            url,
            connect_timeout_seconds=self._defaults.connect_timeout_seconds,
            read_timeout_seconds=self._defaults.read_timeout_seconds,
            connections=self._defaults.connections,
            blanking=blanking,
            before_call=partial(self._count_call, provider),
        )
        client.begin_invocation(self._stop_at)
        return client

    def _count_call(self, provider: str) -> None:
        with self._counting:
            self._calls[provider] += 1

    def _credentials(self, account: str, fresh: bool) -> Credentials:
        return self._named(account, fresh).credentials

    def _named(self, account: str, fresh: bool) -> _Named:
        named = self._in_secret(account, fresh)
        self._check_pin(account, named)
        if account in self._built and self._built[account][0] != named.client:  # its token is the old one's
            self._moved.add(account)
            raise AccountRefusedError(
                Problem(
                    "platform_moved",
                    f"secret {self._secret_id(account)} names another platform or client than a moment ago; soon again",
                )
            )
        return named

    def _in_secret(self, account: str, fresh: bool) -> _Named:
        secret_id = self._secret_id(account)
        try:
            secret = self._secrets.read(secret_id, fresh=fresh)
        except SecretUnreadableError as exc:
            check_time(self._stop_at)  # a read that the function's end cut off says nothing of the account
            raise AccountRefusedError(Problem("secret_unreadable", str(exc))) from None
        provider = self._provider(secret, secret_id)
        refuse_another_kinds_keys(secret, provider, self._providers, secret_id)
        refuse_unknown_keys(secret, provider, secret_id)
        credentials = provider.read_secret(secret, secret_id)
        address = credentials.address or self._address(provider, secret_id)
        refuse_wrong_environment(provider, credentials, address, secret_id)
        return _Named(provider, address, credentials)

    def _provider(self, secret: Mapping[str, Any], secret_id: str) -> Provider:
        """The secret says it; else the settings do."""
        name = secret.get("provider")
        if name is None:
            return self._default
        if not isinstance(name, str) or name not in self._providers:
            known = " or ".join(self._providers)
            raise AccountRefusedError(Problem("secret_malformed", f"secret {secret_id}: provider must be {known}"))
        return self._providers[name]

    def _address(self, provider: Provider, secret_id: str) -> Address:
        hosts = [host for name in provider.address_settings or () if (host := self._defaults.hosts.get(name))]
        if len(hosts) < 2:  # the API's and the token endpoint's
            words = f"secret {secret_id} names {provider.name} and no base_url and auth_url, and there is no setting that does"
            raise AccountRefusedError(Problem("secret_malformed", words))
        return Address(*hosts)

    def _secret_id(self, account: str) -> str:
        default = self._defaults.secret_id
        prefix = default.rpartition("/")[0] or "facteur"
        return default if account == DEFAULT_ACCOUNT else f"{prefix}/{account}"

    def _check_pin(self, account: str, named: _Named) -> None:
        own_url = named.credentials.address is not None or named.provider is not self._default
        if self._checked.get(account) == (named.client, own_url):
            return
        parameters = {"account": account, "platform": as_json(self._identity(named)), "own_url": own_url}
        matches = self._database.row(CHECK_PIN, parameters).matches
        if matches is False:
            setting = (
                f" and {named.provider.address_settings[0].upper()} name"
                if named.provider.address_settings
                else " names"
            )
            tenant = f", by {' and '.join(named.credentials.tenant)} too" if named.credentials.tenant else ""
            raise EnvironmentMismatchError(
                f"account {account} of this database is pinned to another platform or client than its secret{setting}{tenant}. "
                f'Is it a copy? Check, then: facteur repin {account} --why "…"'
            )
        self._checked[account] = named.client, own_url
        if matches is None:
            self._unpinned.add(account)

    def _salt(self) -> str:
        """The installation's own: nobody compares its digests with those of another."""
        if self._salted is None:
            self._salted = str(self._database.row(SALT).salt)
        return self._salted

    def _identity(self, named: _Named) -> dict[str, str]:
        client = client_hash(named.credentials, self._salt())
        return {"provider": named.provider.name, "base_url": named.address.base_url, "client": client}


def client_hash(credentials: Credentials, salt: str) -> str:
    """What stands for a client in the database: of its id, and of the tenant that it is, if the secret says one."""
    who, tenant = credentials.client_id, credentials.tenant
    whole = json.dumps([who, dict(tenant)], sort_keys=True) if tenant else who
    return hashlib.sha256(f"{salt}{whole}".encode()).hexdigest()


def refuse_wrong_environment(provider: Provider, credentials: Credentials, address: Address, secret_id: str) -> None:
    """Raises AccountRefusedError for a sandbox account with a production URL, or the reverse: nothing is sent, and others go on."""
    others = {True: provider.production_hosts, False: provider.sandbox_hosts, None: frozenset[str]()}[
        credentials.sandbox
    ]
    if there := [url for url in (address.base_url, address.auth_url) if urlsplit(url).hostname in others]:
        words = f"secret {secret_id} says sandbox {str(credentials.sandbox).lower()}, and the platform is {there[0]}"
        raise AccountRefusedError(Problem("environment_mismatch", words))
