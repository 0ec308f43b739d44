"""The directory service: companies by SIREN, and the lines that say who receives where."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local.simulator.afnor.refusals import params_error, refused
from local.simulator.core.companies import UNREACHABLE, Company
from local.simulator.core.world import WORLD, World

USUAL_LIMIT = 50


async def siren(request: web.Request) -> web.Response:
    """GET /v1/siren/code-insee:{siren}"""
    company = request.app[WORLD].directory.find(request.match_info["siren"])
    if company is None:
        raise refused(404, "Requested resource is Not Found")
    return web.json_response(unit(company))


async def lines(request: web.Request) -> web.Response:
    """POST /v1/directory-line/search: by SIREN, SIRET or address. 206 where more is there than was asked for."""
    world = request.app[WORLD]
    try:
        body = await request.json()
        filters, limit, ignore = dict(body["filters"]), int(body.get("limit", USUAL_LIMIT)), int(body.get("ignore", 0))
    except (ValueError, KeyError, TypeError):
        raise params_error("filters are missing or not valid") from None
    found = [line(each) for each in candidates(world, filters)]
    if not found:
        code = world.settings.directory_empty
        if code == 204:
            return web.Response(status=204)
        if code != 200:
            raise refused(code, "Requested resource is Not Found")
    page = found[ignore : ignore + limit]
    answer = {"search": body, "totalNumberOfResults": len(found), "results": page}
    return web.json_response(answer, status=206 if len(page) < len(found) else 200)


def candidates(world: World, filters: dict[str, Any]) -> list[Company]:
    """Whom the filters name: each of them begins with a SIREN, companies by convention are too many to list."""
    values = [each.get("value") for each in filters.values() if isinstance(each, dict)]
    sirens = {str(value)[:9] for value in values if value}
    if not values:
        return list(world.directory.registered.values())
    found = [world.directory.find(each) for each in sirens]
    return [each for each in found if each is not None] if len(sirens) == 1 else []


def unit(company: Company) -> dict[str, object]:
    return {
        "siren": company.siren,
        "businessName": company.name,
        "entityType": "PrivateVatRegistered",
        "administrativeStatus": "A",
    }


def line(company: Company) -> dict[str, object]:
    return {
        "addressingIdentifier": company.siren,
        "platformType": "WK",
        "directoryLineStatus": "Disabled" if company.behaviour == UNREACHABLE else "Enabled",
        "siren": company.siren,
        "legalUnit": unit(company),
    }
