"""How SUPER PDP says no, and the JSON bodies that faults ask for by name."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.accounts import Account
from local.simulator.core.answers import LONG_WORDS, ODD_WORDS, said
from local.simulator.core.gate import ApiError
from local.simulator.core.world import World

LOADED_ALREADY = "Fichier déjà chargé"
SESSION = "session"  # the endpoint that answers before the company is verified


def error(status: int, message: str) -> dict[str, object]:
    return {"http_status_code": status, "message": message}


def refused(status: int, message: str) -> ApiError:
    return ApiError(status, error(status, message))


def bodies(status: int, quote: str) -> dict[str, object]:
    """The JSON bodies that have a name; `code` is optional in the vendor's file, and so it is here."""
    rule = "[BR-FR-05] notes PMT, PMD and AAB are missing"
    return {
        "json": error(status, said(status)),
        "issue": error(status, "invalid document") | {"code": 1001},
        "issues": error(status, f"2 errors: {rule}; {rule}"),
        "custom": {"message": "invalid document", "code": 1001},
        "message": {"message": "invalid document"},
        "tools": error(status, rule),
        "taken": error(status, LOADED_ALREADY),
        "quote": error(status, f"cannot accept {quote}"),
        "huge": error(status, LONG_WORDS),
        "odd": error(status, ODD_WORDS),
    }


def door(world: World, account: Account, request: web.Request) -> web.Response | None:
    """Until a company is verified it may only ask whether it is."""
    if account.verification == "verified" or request.match_info.route.name == SESSION:
        return None
    return web.json_response(error(403, "company not verified"), status=403)
