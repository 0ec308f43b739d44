"""Search, the directory, the customer id, and the webhooks that there are."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from local.simulator.core.companies import UNREACHABLE, Company
from local.simulator.core.gate import caller
from local.simulator.core.world import WORLD, World
from local.simulator.iopole import paging, query, search
from local.simulator.iopole.query import QueryError
from local.simulator.iopole.refusals import refused

LARGEST_OFFSET, LARGEST_LIMIT, USUAL_LIMIT = 1000, 200, 50


async def invoices(request: web.Request) -> web.Response:
    """GET /v1.1/invoice/search"""
    world = request.app[WORLD]
    offset, limit = page(request)
    try:
        found = search.find(world, caller(request).client_id, request.query.get("q", ""))
    except QueryError as error:
        raise refused(400, f"Unable to parse correctly query search: {error}") from error
    expand = set(request.query.get("expand", "").split(","))
    shown = [search.result(each, expand, world) for each in paging.page(found, offset, limit, world.settings)]
    return answer(world, shown, offset, limit, found)


def page(request: web.Request) -> tuple[int, int]:
    try:
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", USUAL_LIMIT))
    except ValueError as error:
        raise refused(400, "Request validation issues") from error
    if not (0 <= offset <= LARGEST_OFFSET and 1 <= limit <= LARGEST_LIMIT):
        raise refused(400, "Request validation issues", details={"message": "offset 0…1000, limit 1…200"})
    return offset, limit


def answer(world: World, shown: Sequence[object], offset: int, limit: int, found: Sequence[object]) -> web.Response:
    return web.json_response({"data": shown, "meta": paging.meta(found, shown, offset, limit, world.settings)})


async def directory(request: web.Request) -> web.Response:
    """GET /v1/directory/french by siren or name; who is not returned is not reachable."""
    world = request.app[WORLD]
    offset, limit = page(request)
    try:
        node = query.parse(request.query.get("q", ""))
        found = [each for each in candidates(world, node) if node.matches(entry(each))]
    except (QueryError, KeyError) as error:
        raise refused(400, f"Unable to parse correctly query search: {error}") from error
    return answer(world, [unit(each) for each in found[offset : offset + limit]], offset, limit, found)


def candidates(world: World, node: query.Node) -> list[Company]:
    """Companies by convention are too many to list, so they are found by their full SIREN only."""
    siren = query.required(node, "siren")
    if siren is None:
        return list(world.directory.registered.values())
    company = world.directory.find(siren)
    return [company] if company else []


def entry(company: Company) -> query.Record:
    return {"siren": company.siren, "name": company.name, "type": "LEGAL_UNIT", "siret": f"{company.siren}00011"}


def unit(company: Company) -> dict[str, object]:
    network = {
        "directoryId": f"DIR-{company.siren}",
        "networkIdentifier": "DOMESTIC_FR",
        "directoryAddress": f"0225:{company.siren}",
        "validFrom": "2026-01-01T00:00:00.000Z",
        "validTo": None,
    }
    registered = [] if company.behaviour == UNREACHABLE else [network]
    return {
        "businessEntityId": f"BE-{company.siren}",
        "name": company.name,
        "country": "FR",
        "type": "LEGAL_UNIT",
        "identifierScheme": "0002",
        "identifierValue": company.siren,
        "countryIdentifier": {"siren": company.siren, "siret": f"{company.siren}00011"},
        "identifiers": [
            {"type": "ELECTRONIC_ADDRESS", "scheme": "0225", "value": company.siren, "networkRegistered": registered}
        ],
    }


async def customer_id(request: web.Request) -> web.Response:
    """Specified as a JSON string, answered as the bare UUID in text/html."""
    return web.Response(text=caller(request).customer_id, content_type="text/html")


async def webhooks(request: web.Request) -> web.Response:
    """GET /v1/config/webhook: in PUSH mode the one that a sandbox account is born with; its secret is masked."""
    account = caller(request)
    endpoint = {"callbackUrl": "https://labs.iopole.io/v1/receipt/invoice"}
    default = {
        "id": f"WH-{account.customer_id}",
        "label": "default",
        "status": "ACTIVE",
        "adapterCode": "sandboxAdapter",
        "filterStreamDirection": None,
        "interopData": {
            "endpoints": {
                "invoice": endpoint,
                "status": endpoint,
                "authentication": {"hmac": {"secretKey": "abcde****"}},
            }
        },
    }
    return web.json_response([default] if account.mode == "PUSH" else [])
