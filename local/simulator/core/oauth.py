"""What every token endpoint reads."""

from __future__ import annotations

from aiohttp import BasicAuth, web


def credentials(request: web.Request, form: dict[str, str]) -> tuple[str, str]:
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("basic "):
        basic = BasicAuth.decode(header)
        return basic.login, basic.password
    return form.get("client_id", ""), form.get("client_secret", "")
