"""Iopole. Facts and how sure they are: the OpenAPI of October 2026 and what public projects saw live."""

from __future__ import annotations

from functools import partial

from facteur.platforms.credentials import OAUTH_KEYS, credentials_from
from facteur.platforms.port import Capabilities, Paging, Platform, Provider, Wiring

CUSTOMER = {"customer_id": "customer-id"}  # the secret's key -> the header


SEARCH = Paging(page=200, last_offset=1000, numbers=175)  # 8 kB of a request's first line


def _build(wiring: Wiring) -> Platform:
    from facteur.platforms.iopole.client import TOKEN_PATH, Iopole
    from facteur.platforms.oauth import BearerToken

    token = BearerToken(wiring.client(wiring.address.auth_url), TOKEN_PATH, wiring.credentials, wiring.named_in)
    return Iopole(wiring.client(wiring.address.base_url), token, sandbox=wiring.sandbox)


IOPOLE = Provider(
    name="iopole",
    capabilities=Capabilities(
        statuses=("sweep", "pull", "history"),
        longest_document=50_000_000,  # 413 above
        search=SEARCH,
        webhooks=True,
        directory=True,
    ),
    production_hosts=frozenset({"api.iopole.com"}),
    sandbox_hosts=frozenset({"api.ppd.iopole.fr"}),
    address_settings=("iopole_base_url", "iopole_auth_url"),
    secret_keys=(*OAUTH_KEYS, *CUSTOMER),
    read_secret=partial(credentials_from, headers=CUSTOMER),
    build=_build,
)
