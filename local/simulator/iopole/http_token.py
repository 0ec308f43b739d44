"""The token endpoint, in Keycloak's words."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.gate import ApiError
from local.simulator.core.oauth import credentials
from local.simulator.core.world import WORLD

PATH = "/realms/iopole/protocol/openid-connect/token"


async def token(request: web.Request) -> web.Response:
    """Client credentials in a form (or as HTTP Basic) for a bearer token."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(415, {"error": "HTTP 415 Unsupported Media Type"})
    form = {name: str(value) for name, value in (await request.post()).items()}
    if form.get("grant_type") != "client_credentials":
        raise ApiError(400, grant_error(form.get("grant_type")))
    client_id, client_secret = credentials(request, form)
    world = request.app[WORLD]
    seconds = world.settings.token_seconds
    issued = world.accounts.issue(client_id, client_secret, world.clock.now(), seconds)
    if issued is None:
        raise ApiError(401, {"error": "invalid_client", "error_description": "Invalid client credentials"})
    return web.json_response(
        {"access_token": issued, "expires_in": seconds, "refresh_expires_in": 0, "token_type": "Bearer",
         "not-before-policy": 0, "scope": "iopole_simulator"}
    )  # fmt: skip


def grant_error(grant_type: str | None) -> dict[str, str]:
    if grant_type is None:
        return {"error": "invalid_request", "error_description": "Missing form parameter: grant_type"}
    return {"error": "unsupported_grant_type", "error_description": "Unsupported grant_type"}
