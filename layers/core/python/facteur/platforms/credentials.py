"""What an account's secret says: who it is, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from facteur.errors import AccountRefusedError, Problem
from facteur.platforms.hosts import platform_host

OAUTH_KEYS = ("client_id", "client_secret", "sandbox", "base_url", "auth_url")  # of a secret, whatever the platform


@dataclass(frozen=True, slots=True)
class Address:
    """Where a platform is: the addresses of its API and of its token endpoint; hosts, unless each platform of a kind has paths."""

    base_url: str
    auth_url: str


AddressIn = Callable[[Mapping[str, Any]], tuple[Address | None, list[str]]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's credentials, as its secret has them."""

    client_id: str
    client_secret: str = field(repr=False)
    sandbox: bool | None = None
    address: Address | None = None  # None: the settings' platform
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # that say who we are, beside the token
    tenant: Mapping[str, str] = field(default_factory=dict, repr=False)  # whose deposits are meant, beside client_id
    basic: bool = False  # the token is asked for with HTTP Basic
    scope: str | None = None
    directory_url: str | None = None
    processing_rule: str | None = None  # of the norm: what a deposit is said to be
    company_url: str | None = None  # what says which environment the account is in


def credentials_from(
    secret: Mapping[str, Any], secret_id: str, headers: Mapping[str, str], address_in: AddressIn | None = None
) -> Credentials:
    """The credentials in a secret of OAuth 2 client credentials. `headers`: optional keys, and the header that each is sent in.

    `address_in`: the platform that a secret names, and all its keys that are wrong beside those that every secret has.

    Raises:
        AccountRefusedError: a key is missing, of the wrong type, or cannot be sent; names all of them.
    """
    wrong = [
        name for name in ("client_id", "client_secret") if not isinstance(secret.get(name), str) or not secret[name]
    ]
    wrong += [name for name in headers if not fits_in_a_header(secret.get(name))]
    wrong += ["sandbox"] if not isinstance(secret.get("sandbox"), bool | None) else []
    own, wrong_address = (address_in or _address_in)(secret)
    if wrong := wrong + wrong_address:
        raise AccountRefusedError(
            Problem("secret_malformed", f"secret {secret_id}: missing or wrong {', '.join(wrong)}")
        )
    sent = {header: secret[name].strip() for name, header in headers.items() if (secret.get(name) or "").strip()}
    return Credentials(secret["client_id"], secret["client_secret"], secret.get("sandbox"), own, sent)


def fits_in_a_header(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.isascii() and value.strip().isprintable())


def _address_in(secret: Mapping[str, Any]) -> tuple[Address | None, list[str]]:
    """The platform that the secret names itself, and what is wrong with it: both hosts or none, for whoever has only one of
    them would send a client's secret to another platform's token endpoint."""
    given = {name: secret.get(name) for name in ("base_url", "auth_url")}
    if not any(given.values()):
        return None, []
    hosts, wrong = {}, []
    for name, value in given.items():
        try:
            hosts[name] = platform_host(value if isinstance(value, str) else "")
        except ValueError:
            wrong.append(name)
    return (None, wrong) if wrong else (Address(**hosts), [])
