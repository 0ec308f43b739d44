"""Iopole, as the registry names it."""

from __future__ import annotations

from functools import partial

from facteur.platforms.credentials import OAUTH_KEYS, credentials_from
from facteur.platforms.iopole.capabilities import CAPABILITIES, CUSTOMER
from facteur.platforms.port import Platform, Provider, Wiring


def _build(wiring: Wiring) -> Platform:
    from facteur.platforms.iopole.client import TOKEN_PATH, Iopole
    from facteur.platforms.oauth import BearerToken

    token = BearerToken(wiring.client(wiring.address.auth_url), TOKEN_PATH, wiring.credentials, wiring.named_in)
    return Iopole(wiring.client(wiring.address.base_url), token, sandbox=wiring.sandbox)


IOPOLE = Provider(
    name="iopole",
    capabilities=CAPABILITIES,
    production_hosts=frozenset({"api.iopole.com"}),
    sandbox_hosts=frozenset({"api.ppd.iopole.fr"}),
    address_settings=("iopole_base_url", "iopole_auth_url"),
    secret_keys=(*OAUTH_KEYS, *CUSTOMER),
    read_secret=partial(credentials_from, headers=CUSTOMER),
    build=_build,
)
