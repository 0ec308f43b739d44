"""Iopole's JSON in our words. Reality is lenient with its own schema, so every field may be absent or of another shape."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from facteur.lifecycle import LABELS, label_of
from facteur.model import Candidate, StatusEvent
from facteur.news import Sighting

LONGEST_WORDS = 500
MOST_RULES = 5  # of those that a document broke
SPOKEN = ("statusMessage", "message", "error_description", "errorMessage", "title", "detail")  # the last two: RFC 9457
# status.code -> the reform's number (OpenAPI; UNACCEPTABLE seen live only)
CODES = {
    "SUBMITTED": "200", "ISSUED": "201", "RECEIVED": "202", "MADE_AVAILABLE": "203", "IN_HAND": "204", "APPROVED": "205",
    "PARTIALLY_APPROVED": "206", "DISPUTED": "207", "SUSPENDED": "208", "COMPLETED": "209", "REFUSED": "210", "PAYMENT_SENT": "211",
    "PAYMENT_RECEIVED": "212", "REJECTED": "213", "CANCELLED": "220", "UNACCEPTABLE": "501",
}  # fmt: skip
REFUSED_STATES = frozenset({"DUPLICATED", "INVALID", "WRONG_ROUTING", "CONVERSION_FAILED"})
REFUSED_CODES = frozenset({"REJECTED", "UNACCEPTABLE"})
KEPT_RAW = ("statusId", "invoiceId", "date", "destType")
ROLES = {
    "BY": "buyer", "BUYER": "buyer", "SE": "seller", "SELLER": "seller", "WK": "platform", "DFH": "administration",
}  # fmt: skip


def error_words(body: Any) -> tuple[str | None, str | None]:
    """The code and message in an error, from any of the shapes that errors come in; (None, None): it names no error."""
    if not isinstance(body, dict):
        return None, None
    details, error = body.get("details"), body.get("error")
    first = details[0] if isinstance(details, list) and details else details
    inner, nested = _dict(first), _dict(error)
    codes = (body.get("code"), inner.get("code"), nested.get("code"), error)
    code = next((each for each in codes if each and isinstance(each, str)), None)
    spoken = [body.get(name) for name in SPOKEN] + [
        nested.get("message"),
        inner.get("message"),
        first,
        *_schematron(inner),
    ]
    spoken += [each.get("message") if isinstance(each, dict) else each for each in _list(body.get("errors"))]
    words = [word for each in spoken for word in (each if isinstance(each, list) else [each]) if isinstance(word, str)]
    if code is None and not any(words) and isinstance(details, dict | list):
        words = ["no reason given"]
    return _word(code), _word(" – ".join(dict.fromkeys(filter(None, words))))


def _schematron(details: dict[str, Any]) -> list[str]:
    """The broken rules that /v1/tools names."""
    errors = details.get("schematronValidationErrors")
    found = [_dict(error) for error in errors[:MOST_RULES]] if isinstance(errors, list) else []
    return [" ".join(str(error[key]) for key in ("id", "text") if error.get(key)) for error in found]


def candidate(entry: dict[str, Any]) -> Candidate:
    """A search entry."""
    metadata, status, business = (_dict(entry.get(name)) for name in ("metadata", "lastStatusData", "businessData"))
    created = _time(metadata.get("createDate") or metadata.get("date"))
    refused = str(metadata.get("state")) in REFUSED_STATES or str(status.get("code")) in REFUSED_CODES
    return Candidate(
        str(metadata.get("invoiceId")), created, refused, _siren(_dict(business.get("seller"))), _total(business)
    )


def sighting(entry: Any) -> Sighting | None:
    """A search entry as news; None where it does not say which deposit it is about."""
    metadata, status = (_dict(_dict(entry).get(name)) for name in ("metadata", "lastStatusData"))
    if not metadata.get("invoiceId"):
        return None
    word, created = _word(status.get("code")), _time(metadata.get("createDate") or metadata.get("date"))
    code = CODES.get(word, word) if word else None
    return Sighting(str(metadata["invoiceId"]), code, _time(status.get("date")), _word(metadata.get("state")), created)


def number_in(entry: dict[str, Any]) -> str | None:
    """The number (BT-1) of the document behind a search entry."""
    return _word(_dict(entry.get("businessData")).get("invoiceId"))


def same_number(entry: Any, invoice_number: str) -> bool:
    """Whether a search entry is about this number; search may match loosely, and may leave out what it was asked to expand."""
    if not isinstance(entry, dict) or not _dict(entry.get("metadata")).get("invoiceId"):
        return False
    number = _dict(entry.get("businessData")).get("invoiceId")
    outbound = (entry["metadata"].get("direction") or "OUTBOUND") == "OUTBOUND"
    return outbound and (not number or _plain(number) == _plain(invoice_number))


def nameless(entry: Any, invoice_number: str) -> bool:
    """Whether an entry, of this number for all it says, does not tell which deposit it is about."""
    number = _dict(_dict(entry).get("businessData")).get("invoiceId")
    named = _dict(_dict(entry).get("metadata")).get("invoiceId")
    return not named and (not number or _plain(number) == _plain(invoice_number))


def _plain(number: Any) -> str:
    """Case and spaces do not make another invoice: rather look at one deposit too many than send a second."""
    return "".join(str(number).split()).casefold()


def status_event(entry: dict[str, Any], asked_id: str) -> StatusEvent:
    """An entry of status-history, status/notSeen, or a webhook."""
    details = _dict(entry.get("json")) or _dict(entry.get("jsonLifecycle"))  # the latter in older guides
    response = _first(details.get("responses"))
    status = _status(entry, response)
    word = _word(status.get("code")) or "UNKNOWN"
    network = _word(status.get("networkCode"))
    code = CODES.get(word) or (network if network in LABELS else word)
    detail = _dict(response.get("rejectionDetail")) or _first(response.get("rejectionDetails"))
    platform_id = str(entry.get("invoiceId") or asked_id)
    occurred = _time(entry.get("date")) or _time(_dict(details.get("identification")).get("date"))
    status_id = _word(entry.get("statusId")) or _digest(platform_id, word, entry.get("date"), entry.get("destType"))
    return StatusEvent(
        status_id=status_id, platform_id=platform_id, code=code, platform_code=word, network_code=network, label=label_of(code),
        occurred_at=occurred or datetime.fromtimestamp(0, UTC), caused_by=_sender(details), audience=_word(entry.get("destType")),
        reason=_word(detail.get("reason")), message=_message(status, details, detail),
        raw={name: _word(entry.get(name)) for name in KEPT_RAW} | {"status": _short(status), "rejectionDetail": _short(detail)},
    )  # fmt: skip


def _status(entry: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """The status proper, wherever it stands."""
    status = entry.get("status")
    return _dict(status) or ({"code": status} if status else _dict(response.get("documentStatus")))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()


def _sender(details: dict[str, Any]) -> str | None:
    role = _dict(details.get("sender")).get("roleCode")
    word = _word(role.get("value") or role.get("code") if isinstance(role, dict) else role)
    return ROLES.get(word or "", word)


def _message(status: dict[str, Any], details: dict[str, Any], detail: dict[str, Any]) -> str | None:
    errors = detail.get("errors")
    found = [_dict(error) for error in errors[:MOST_RULES]] if isinstance(errors, list) else []
    words = [detail.get("message"), *(" ".join(str(e[k]) for k in ("rule", "message") if e.get(k)) for e in found)]
    words += [_first(details.get("notes")).get("content"), status.get("message")]
    return _word(" – ".join(dict.fromkeys(str(w) for w in words if w)))


def _short(detail: dict[str, Any]) -> dict[str, Any]:
    names = ("code", "networkCode", "reason", "message", "networkReason")
    return {name: _word(detail.get(name)) for name in names if detail.get(name)}


def _siren(seller: dict[str, Any]) -> str | None:
    for value in (seller.get("siren"), str(seller.get("electronicAddress") or "").rpartition(":")[2]):
        digits = str(value or "").replace(" ", "")[:9]
        if len(digits) == 9 and digits.isdigit():
            return digits
    return None


def _total(business: dict[str, Any]) -> Decimal | None:
    amount = _dict(_dict(business.get("monetary")).get("invoiceAmount")).get("amount")
    try:
        total = None if amount is None else Decimal(str(amount))
    except InvalidOperation:
        return None
    return total if total is not None and total.is_finite() else None


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _first(value: Any) -> dict[str, Any]:
    return _dict(value[0]) if isinstance(value, list) and value else {}


def _list(value: Any) -> list[Any]:
    return value[:MOST_RULES] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    """Printable text of a bearable length, on one line."""
    if value in (None, "", [], {}):
        return None
    text = str(value)[:LONGEST_WORDS].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in text).strip() or None
