"""The token endpoint: client credentials in the body, or in Basic as RFC 6749 encodes them."""

from __future__ import annotations

from urllib.parse import unquote_plus

from aiohttp import web

from local.simulator.core.gate import ApiError
from local.simulator.core.oauth import credentials
from local.simulator.core.world import WORLD

PATH = "/oauth2/token"


async def token(request: web.Request) -> web.Response:
    form = {name: str(value) for name, value in (await request.post()).items()}
    if form.get("grant_type") != "client_credentials":
        code = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        raise ApiError(400, {"error": code, "error_description": "grant_type must be client_credentials"})
    given, world = credentials(request, form), request.app[WORLD]
    seconds, now = world.settings.token_seconds, world.clock.now()
    client_id, client_secret = map(unquote_plus, given)
    issued = world.accounts.issue(*given, now, seconds) or world.accounts.issue(client_id, client_secret, now, seconds)
    if issued is None:
        raise ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    return web.json_response({"access_token": issued, "expires_in": seconds, "token_type": "bearer"})
