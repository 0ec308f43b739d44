"""Iopole's JSON in our words. Reality is lenient with its own schema, so every field may be absent or of another shape."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from facteur.lifecycle import label_of
from facteur.model import Candidate, StatusEvent

LONGEST_WORDS = 500
# status.code -> the reform's number (OpenAPI; UNACCEPTABLE seen live only)
CODES = {
    "SUBMITTED": "200", "ISSUED": "201", "RECEIVED": "202", "MADE_AVAILABLE": "203", "IN_HAND": "204", "APPROVED": "205",
    "PARTIALLY_APPROVED": "206", "DISPUTED": "207", "SUSPENDED": "208", "COMPLETED": "209", "REFUSED": "210", "PAYMENT_SENT": "211",
    "PAYMENT_RECEIVED": "212", "REJECTED": "213", "CANCELLED": "220", "UNACCEPTABLE": "501",
}  # fmt: skip
REFUSED_STATES = frozenset({"DUPLICATED", "INVALID", "WRONG_ROUTING", "CONVERSION_FAILED"})
REFUSED_CODES = frozenset({"REJECTED", "UNACCEPTABLE"})
KEPT_RAW = ("statusId", "invoiceId", "date", "destType", "status")


def error_words(body: Any) -> tuple[str | None, str | None]:
    """The platform's own code and message, from any of the shapes its errors come in; (None, None): not one of them."""
    if not isinstance(body, dict):
        return None, None
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details else details
    inner = first if isinstance(first, dict) else {}
    code = next((c for c in (body.get("code"), inner.get("code"), body.get("error")) if isinstance(c, str)), None)
    words = [
        w
        for w in (body.get("statusMessage"), body.get("message"), body.get("error_description"), inner.get("message"))
        if isinstance(w, str)
    ]
    if isinstance(first, str):
        words.append(first)
    if code is None and not words and isinstance(details, dict | list):
        words = ["no reason given"]
    return code, " – ".join(dict.fromkeys(words))[:LONGEST_WORDS] or None


def candidate(entry: dict[str, Any]) -> Candidate:
    """A search entry."""
    metadata, status, business = (_dict(entry.get(name)) for name in ("metadata", "lastStatusData", "businessData"))
    created = _time(metadata.get("createDate") or metadata.get("date"))
    refused = metadata.get("state") in REFUSED_STATES or status.get("code") in REFUSED_CODES
    return Candidate(
        str(metadata.get("invoiceId")), created, refused, _siren(_dict(business.get("seller"))), _total(business)
    )


def same_number(entry: Any, invoice_number: str) -> bool:
    """Whether a search entry is about this number; search may match loosely, and may leave out what it was asked to expand."""
    if not isinstance(entry, dict) or not _dict(entry.get("metadata")).get("invoiceId"):
        return False
    number = _dict(entry.get("businessData")).get("invoiceId")
    outbound = _dict(entry["metadata"]).get("direction", "OUTBOUND") == "OUTBOUND"
    return outbound and (number is None or str(number).strip() == invoice_number)


def status_event(entry: dict[str, Any], asked_id: str) -> StatusEvent:
    """An entry of status-history, status/notSeen, or a webhook."""
    status = entry.get("status")
    word = str(status.get("code") if isinstance(status, dict) else status)
    network = status.get("networkCode") if isinstance(status, dict) else None
    code = CODES.get(word) or (word if word.isdigit() else None) or word
    response = _first(_dict(entry.get("json")).get("responses"))
    detail = _dict(response.get("rejectionDetail")) or _first(response.get("rejectionDetails"))
    platform_id = str(entry.get("invoiceId") or asked_id)
    occurred = _time(entry.get("date")) or datetime.fromtimestamp(0, UTC)
    status_id = str(
        entry.get("statusId")
        or hashlib.sha256(f"{platform_id} {word} {entry.get('date')} {entry.get('destType')}".encode()).hexdigest()
    )
    return StatusEvent(
        status_id=status_id, platform_id=platform_id, code=code, platform_code=word, network_code=_word(network), label=label_of(code),
        occurred_at=occurred, caused_by=_sender(entry), audience=_word(entry.get("destType")), reason=_word(detail.get("reason")),
        message=_message(entry, detail), raw={name: entry.get(name) for name in KEPT_RAW} | {"rejectionDetail": _short(detail)},
    )  # fmt: skip


def _sender(entry: dict[str, Any]) -> str | None:
    sender = _dict(_dict(entry.get("json")).get("sender"))
    role = sender.get("roleCode")
    known = {"BY": "buyer", "SE": "seller", "WK": "platform", "DFH": "administration"}
    value = role.get("value") if isinstance(role, dict) else role
    return known.get(str(value), _word(value))


def _message(entry: dict[str, Any], detail: dict[str, Any]) -> str | None:
    errors = [error for error in detail.get("errors") or [] if isinstance(error, dict)]
    words = [detail.get("message"), *(" ".join(str(e[k]) for k in ("rule", "message") if e.get(k)) for e in errors[:5])]
    notes = _dict(entry.get("json")).get("notes")
    words.append(_first(notes).get("content"))
    return _word(" – ".join(dict.fromkeys(str(w) for w in words if w)))


def _short(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: _word(detail.get(name)) for name in ("reason", "message", "networkReason") if detail.get(name)}


def _siren(seller: dict[str, Any]) -> str | None:
    for value in (seller.get("siren"), str(seller.get("electronicAddress") or "").rpartition(":")[2]):
        digits = str(value or "").replace(" ", "")[:9]
        if len(digits) == 9 and digits.isdigit():
            return digits
    return None


def _total(business: dict[str, Any]) -> Decimal | None:
    amount = _dict(_dict(business.get("monetary")).get("invoiceAmount")).get("amount")
    try:
        return None if amount is None else Decimal(str(amount))
    except InvalidOperation:
        return None


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _first(value: Any) -> dict[str, Any]:
    return _dict(value[0]) if isinstance(value, list) and value else {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    return str(value)[:LONGEST_WORDS] if value not in (None, "") else None
