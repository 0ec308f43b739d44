"""Whose session this is, and the directory."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.companies import UNREACHABLE, Company
from local.simulator.core.gate import caller
from local.simulator.core.world import WORLD
from local.simulator.superpdp import render
from local.simulator.superpdp.refusals import refused


async def company(request: web.Request) -> web.Response:
    """GET /v1.beta/companies/me: the one company of the token; its `env` is the only sign of a sandbox, for the host is one."""
    return web.json_response(render.company(request.app[WORLD], caller(request)))


async def session(request: web.Request) -> web.Response:
    """GET /v1.beta/oauth2_sessions/me: answers also before the company is verified."""
    world, account = request.app[WORLD], caller(request)
    company_id = render.company_id(world, account.client_id)
    return web.json_response(
        {"id": company_id, "company_id": company_id, "company_verification_status": account.verification}
    )


async def directory_entries(request: web.Request) -> web.Response:
    """GET /v1.beta/directory_entries: the company's own lines."""
    world, account = request.app[WORLD], caller(request)
    line = {
        "id": render.company_id(world, account.client_id),
        "company": render.company(world, account),
        "created_at": "2026-01-05T08:00:00.000Z",
        "directory": "ppf",
        "identifier": f"0225:{account.company}",
        "status": "created",
    }
    return web.json_response({"data": [line] if account.company else []})


async def french_directory(request: web.Request) -> web.Response:
    """GET /v1.beta/french_directory/entries?number=, public: the lines of a SIREN; who has none, or no active one, cannot be reached."""
    number = request.query.get("number")
    if not number:
        raise refused(400, "number is missing")
    found = request.app[WORLD].directory.find(number)
    return web.json_response({"data": [line(found)] if found else []})


def line(of: Company) -> dict[str, object]:
    return {
        "identifier": f"0225:{of.siren}",
        "number": of.siren,
        "formal_name": of.name,
        "is_active": of.behaviour != UNREACHABLE,
    }
