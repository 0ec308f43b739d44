"""AFNOR XP Z12-013: its routes, and what the core must know of it."""

from __future__ import annotations

from aiohttp import web

from local.simulator.afnor import http_deposit, http_directory, http_flows, http_token, refusals
from local.simulator.core.gate import DEPOSIT, TOKEN
from local.simulator.core.platform import Platform
from local.simulator.core.settings import Settings

FLOWS, DIRECTORY = "/flow-service/v1", "/directory-service/v1"
HEALTH = ("healthcheck", "directory_healthcheck")
ROUTES = [
    web.post(http_token.PATH, http_token.token, name=TOKEN),
    web.post(f"{FLOWS}/flows", http_deposit.deposit, name=DEPOSIT),
    web.post(f"{FLOWS}/flows/search", http_flows.flows, name="search"),
    web.get(f"{FLOWS}/flows/{{id}}", http_flows.flow, name="flow"),
    web.get(f"{FLOWS}/healthcheck", http_flows.healthcheck, name=HEALTH[0]),
    web.get(f"{DIRECTORY}/siren/code-insee:{{siren}}", http_directory.siren, name="siren"),
    web.post(f"{DIRECTORY}/directory-line/search", http_directory.lines, name="directory"),
    web.get(f"{DIRECTORY}/healthcheck", http_flows.healthcheck, name=HEALTH[1]),
]


def facts(settings: Settings) -> dict[str, str]:
    """What a client may need besides addresses and credentials: its Organization-Id."""
    return {"customer_id": settings.customer_id}


AFNOR = Platform(
    name="afnor",
    title="AFNOR",
    api="a platform with the API of AFNOR XP Z12-013",
    routes=ROUTES,
    token_path=http_token.PATH,
    open_to_all=frozenset({TOKEN, *HEALTH}),
    door=refusals.door,
    error=refusals.error,
    bodies=refusals.bodies,
    receipt={"flowId": "0198c0de-0000-7000-8000-00000000beef", "name": "F-1.xml", "flowSyntax": "CII"},
    receipt_id="flowId",
    settings=Settings(search_count="none"),
    facts=facts,
)
