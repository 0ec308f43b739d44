"""The token endpoint, in the words of OAuth 2."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.gate import ApiError
from local.simulator.core.oauth import credentials
from local.simulator.core.world import WORLD

PATH = "/oauth2/token"


async def token(request: web.Request) -> web.Response:
    """Client credentials in a form, or as HTTP Basic, for a bearer token of one company; there are no scopes."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(400, {"error": "invalid_request"})
    form = {name: str(value) for name, value in (await request.post()).items()}
    if form.get("grant_type") != "client_credentials":
        missing = "grant_type" not in form
        raise ApiError(400, {"error": "invalid_request" if missing else "unsupported_grant_type"})
    world = request.app[WORLD]
    seconds = world.settings.token_seconds
    issued = world.accounts.issue(*credentials(request, form), world.clock.now(), seconds)
    if issued is None:
        raise ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    return web.json_response({"access_token": issued, "expires_in": seconds, "scope": "", "token_type": "bearer"})
