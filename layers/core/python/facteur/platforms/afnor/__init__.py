"""AFNOR XP Z12-013, the API that approved platforms have in common, as the registry names it: each secret says which platform."""

from __future__ import annotations

from facteur.platforms.afnor.capabilities import CAPABILITIES
from facteur.platforms.afnor.secret import PRODUCTION_HOSTS, SANDBOX_HOSTS, SECRET_KEYS, read_secret
from facteur.platforms.port import Platform, Provider, Wiring


def _build(wiring: Wiring) -> Platform:
    from facteur.platforms.afnor.client import Afnor
    from facteur.platforms.afnor.company import Company
    from facteur.platforms.afnor.ladder import in_its_own_words
    from facteur.platforms.authorised import AuthorisedClient
    from facteur.platforms.oauth import BearerToken

    token = BearerToken(wiring.client(wiring.address.auth_url), "", wiring.credentials, wiring.named_in)
    said = wiring.credentials(False)
    directory = wiring.client(said.directory_url) if said.directory_url else None
    company = None
    if said.company_url and said.sandbox is not None:
        api = AuthorisedClient(wiring.client(said.company_url), token, in_its_own_words)
        company = Company(api, sandbox=said.sandbox, named_in=wiring.named_in)
    flow = wiring.client(wiring.address.base_url)
    return Afnor(flow, directory, company, token, wiring.credentials, sandbox=wiring.sandbox)


AFNOR = Provider(
    name="afnor",
    capabilities=CAPABILITIES,
    production_hosts=PRODUCTION_HOSTS,
    sandbox_hosts=SANDBOX_HOSTS,
    address_settings=None,
    secret_keys=SECRET_KEYS,
    read_secret=read_secret,
    build=_build,
)
