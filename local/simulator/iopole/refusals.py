"""How Iopole says no, and the JSON bodies that faults ask for by name."""

from __future__ import annotations

from aiohttp import web

from local.simulator.core.accounts import Account
from local.simulator.core.answers import LONG_WORDS, ODD_WORDS, said
from local.simulator.core.gate import ApiError
from local.simulator.core.world import World

ISSUE = {"validation": "custom", "code": "INVALID", "message": "file is not acceptable", "path": ["file"]}
TOOLS = {
    "schemaValidationErrors": [],
    "schematronValidationErrors": [{"id": "BR-FR-05", "location": "/", "text": "Notes PMT, PMD, AAB"}],
    "pdfA3ValidationResult": None,
    "pdfXmpValidationResult": None,
}


def error(status: int, message: str) -> dict[str, object]:
    return {"statusMessage": message}


def refused(status: int, message: str, **more: object) -> ApiError:
    return ApiError(status, {"statusMessage": message, **more})


def bodies(status: int, quote: str) -> dict[str, object]:
    """The JSON bodies that have a name."""
    issues = {400: "Request validation issues", 422: "Unprocessable entity"}.get(status, said(status))
    return {
        "json": {"statusMessage": said(status)},
        "issue": {"statusMessage": issues, "details": ISSUE},
        "issues": {"statusMessage": issues, "details": [ISSUE]},
        "custom": {"details": {"code": "custom", "message": "Resolved to private IP", "path": ["file"]}},
        "message": {"message": "UNKNOWN_INVOICE_FORMAT"},
        "tools": {"statusMessage": "Invalid invoice", "details": TOOLS},
        "taken": {"code": "DUPLICATE_RESOURCE", "statusMessage": "Resource already exists"},
        "quote": {"statusMessage": f"Cannot accept {quote}", "details": {"message": quote}},
        "huge": {"statusMessage": LONG_WORDS},
        "odd": {"statusMessage": ODD_WORDS, "details": {"message": ODD_WORDS}},
    }


def door(world: World, account: Account, request: web.Request) -> web.Response | None:
    """The answer to a wrong customer id; the id's own endpoint needs none."""
    given, check = request.headers.get("customer-id"), world.settings.customer_id_check
    missing, foreign = not given, bool(given) and given != account.customer_id
    wrong = (missing and check in {"match", "required"}) or (foreign and check in {"match", "if_given"})
    if not wrong or request.match_info.route.name == "customer_id":
        return None
    code = world.settings.customer_id_code
    return web.json_response({"statusMessage": "customer-id is missing or not yours"}, status=code)
