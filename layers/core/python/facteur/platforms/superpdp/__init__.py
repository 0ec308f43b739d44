"""SUPER PDP by its own API, as the registry names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facteur.platforms.credentials import Address, Credentials, credentials_from
from facteur.platforms.hosts import platform_host
from facteur.platforms.port import Platform, Provider, Wiring
from facteur.platforms.superpdp.capabilities import CAPABILITIES

HOST = "https://api.superpdp.tech"  # of the API and of its token endpoint, for sandbox and production alike


def _read_secret(secret: Mapping[str, Any], secret_id: str) -> Credentials:
    return credentials_from(secret, secret_id, headers={}, address_in=_address_in)


def _address_in(secret: Mapping[str, Any]) -> tuple[Address | None, list[str]]:
    """`base_url` names both hosts; without one it is the vendor's."""
    named = secret.get("base_url") or HOST
    try:
        host = platform_host(named if isinstance(named, str) else "")
    except ValueError:
        return None, ["base_url"]
    return Address(host, host), []


def _build(wiring: Wiring) -> Platform:
    from facteur.platforms.oauth import BearerToken
    from facteur.platforms.superpdp.client import TOKEN_PATH, SuperPdp

    token = BearerToken(wiring.client(wiring.address.auth_url), TOKEN_PATH, wiring.credentials, wiring.named_in)
    said = wiring.credentials(False).sandbox
    return SuperPdp(wiring.client(wiring.address.base_url), token, sandbox=said, named_in=wiring.named_in)


SUPERPDP = Provider(
    name="superpdp",
    capabilities=CAPABILITIES,
    production_hosts=frozenset(),  # one host serves both: the company's `env` says which, see `check_environment`
    sandbox_hosts=frozenset(),
    address_settings=None,
    secret_keys=("client_id", "client_secret", "sandbox", "base_url"),
    read_secret=_read_secret,
    build=_build,
)
