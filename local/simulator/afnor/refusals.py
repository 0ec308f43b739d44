"""How an AFNOR platform says no, and the JSON bodies that faults ask for by name."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.accounts import Account
from local.simulator.core.answers import LONG_WORDS, ODD_WORDS, said
from local.simulator.core.gate import ApiError
from local.simulator.core.world import World

CODES = {
    400: "PARAMS_ERROR", 401: "MISSING_TOKEN", 403: "FORBIDDEN_ACCESS", 404: "MISSING_RESOURCE", 406: "NOT_ACCEPTABLE",
    409: "CONFLICT", 413: "FILE_SIZE_EXCEEDED", 415: "UNSUPPORTED_MEDIA_TYPE", 422: "UNPROCESSABLE_ENTITY", 429: "TOO_MANY_REQUESTS",
    501: "NOT_IMPLEMENTED", 503: "RESOURCE_ERROR",
}  # fmt: skip
RULE = "BR-FR-05: notes PMT, PMD, AAB"


def error(status: int, message: str) -> dict[str, object]:
    return {"errorCode": CODES.get(status, "INTERNAL_ERROR"), "errorMessage": message}


def refused(status: int, message: str, code: str = "") -> ApiError:
    return ApiError(status, {**error(status, message), **({"errorCode": code} if code else {})})


def params_error(message: str) -> ApiError:
    return refused(400, message)


def bodies(status: int, quote: str) -> dict[str, object]:
    """The JSON bodies that have a name."""
    usual = error(status, said(status))
    return {
        "json": usual,
        "issue": {**usual, "details": "file is not acceptable"},
        "issues": {**usual, "details": [{"item": "file", "reasonCode": "FlowTypeError"}]},
        "custom": {"errorCode": "CREATE_ERROR"},
        "message": {"errorMessage": "invalid flow"},
        "tools": {**usual, "errorMessage": RULE, "type": "about:blank", "instance": "/v1/flows"},
        "taken": {"errorCode": "AlreadyExistingFlow", "errorMessage": "The flow has already been sent and received"},
        "quote": {**usual, "errorMessage": f"Cannot accept {quote}", "details": quote},
        "huge": {**usual, "errorMessage": LONG_WORDS},
        "odd": {**usual, "errorMessage": ODD_WORDS, "details": ODD_WORDS},
    }


def door(world: World, account: Account, request: web.Request) -> web.Response | None:
    """The answer to an organisation that the account does not serve: its own is its customer id."""
    given, check = request.headers.get("Organization-Id"), world.settings.organization_check
    missing, foreign = not given, bool(given) and given != account.customer_id
    if check == "off" or not (foreign or (missing and check == "required")):
        return None
    return web.json_response(error(403, "Organization-Id is missing or not yours"), status=403)
