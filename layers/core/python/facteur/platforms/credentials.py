"""What an account's secret says: who it is, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from facteur.errors import AccountRefusedError, Problem
from facteur.hosts import platform_host


@dataclass(frozen=True, slots=True)
class Address:
    """Where a platform is: the hosts of its API and of its token endpoint, without a path."""

    base_url: str
    auth_url: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's credentials, as its secret has them."""

    client_id: str
    client_secret: str = field(repr=False)
    customer_id: str | None = None
    sandbox: bool | None = None
    address: Address | None = None  # None: the settings' platform


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
    own, wrong_address = _address_in(secret)
    if wrong := wrong + wrong_address:
        raise AccountRefusedError(
            Problem("secret_malformed", f"secret {secret_id}: missing or wrong {', '.join(wrong)}")
        )
    return Credentials(
        secret["client_id"], secret["client_secret"], secret.get("customer_id") or None, secret.get("sandbox"), own
    )


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
