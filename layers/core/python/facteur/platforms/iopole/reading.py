"""Iopole's JSON in our words. Reality is lenient with its own schema, so every field may be absent or of another shape."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from facteur.domain.doubt import Candidate
from facteur.domain.lifecycle import LABELS, REJECTING, label_of, says_duplicate
from facteur.domain.status_updates import Sighting
from facteur.domain.submission import StatusEvent
from facteur.platforms import foreign
from facteur.platforms.blanking import HIDDEN
from facteur.platforms.foreign import entries as _list
from facteur.platforms.foreign import fields as _dict
from facteur.platforms.foreign import first as _first
from facteur.platforms.foreign import identifier as _id
from facteur.platforms.foreign import joined
from facteur.platforms.foreign import moment as _time
from facteur.platforms.foreign import word as _word
from facteur.platforms.spelling import alike

LONGEST_COUNT = 10  # digits
INBOUND = frozenset({"INBOUND", "IN", "INCOMING", "RECEIVED", "RECEPTION", "ENTRANT", "ENTRANTE", "REÇUE", "RECUE"})
MOST_RULES = 5  # of those that a document broke
# status.code -> the reform's number (OpenAPI; UNACCEPTABLE seen live only)
CODES = {
    "SUBMITTED": "200", "ISSUED": "201", "RECEIVED": "202", "MADE_AVAILABLE": "203", "IN_HAND": "204", "APPROVED": "205",
    "PARTIALLY_APPROVED": "206", "DISPUTED": "207", "SUSPENDED": "208", "COMPLETED": "209", "REFUSED": "210", "PAYMENT_SENT": "211",
    "PAYMENT_RECEIVED": "212", "REJECTED": "213", "CANCELLED": "220", "UNACCEPTABLE": "501",
}  # fmt: skip
REFUSED_STATES = frozenset({"DUPLICATED", "INVALID", "WRONG_ROUTING", "CONVERSION_FAILED"})
REFUSING_STATES = REFUSED_STATES | {"NOT_DELIVERED"}  # it stands, and nobody gets it
WAITING_STATES = frozenset({"", "PENDING", "PROCESSING", "CONVERTED", "VALID"})
KEPT_RAW = ("statusId", "invoiceId", "date", "destType")
SIREN_SCHEMES = frozenset({"", "0002", "0009", "0225"})  # of addresses that begin with a SIREN; a GLN has digits, too
ROLES = {
    "BY": "buyer", "BUYER": "buyer", "SE": "seller", "SELLER": "seller", "WK": "platform", "DFH": "administration",
}  # fmt: skip


def candidate(entry: dict[str, Any]) -> Candidate:
    """A search entry."""
    metadata, status, business = (_dict(entry.get(name)) for name in ("metadata", "lastStatusData", "businessData"))
    created = _time(metadata.get("createDate") or metadata.get("date"))
    refused = _plain_word(_word(metadata.get("state"))) in REFUSED_STATES or (
        _french(_word(status.get("code")) or "", None) in REJECTING
    )
    return Candidate(
        _id(metadata.get("invoiceId")) or "", created, refused, _siren(_dict(business.get("seller"))), _total(business),
        _currency(business), number_in(entry),
    )  # fmt: skip


def sighting(entry: Any) -> Sighting | None:
    """A search entry as a sighting; None where it does not say which deposit it is about."""
    metadata, status = (_dict(_dict(entry).get(name)) for name in ("metadata", "lastStatusData"))
    platform_id = _id(metadata.get("invoiceId"))
    if platform_id is None:
        return None
    word = foreign.code(status.get("code"))
    state = _plain_word(foreign.code(metadata.get("state")))
    code = _french(word, foreign.code(status.get("networkCode"))) if word else None
    found = candidate(entry)
    return Sighting(
        platform_id, code, _time(status.get("date")), None if state in WAITING_STATES else state, found.created_at,
        found.invoice_number, found.seller_siren, found.total, found.currency, state in REFUSING_STATES, found.refused,
        inbound(entry),
    )  # fmt: skip


def _french(word: str, network: str | None) -> str:
    """The reform's number of a status, however it is spelled; else the platform's own word."""
    plain = _plain_word(word)
    return CODES.get(plain) or next((known for known in (plain, network) if known in LABELS), word)


def _plain_word(word: str | None) -> str:
    """One spelling of a word of a closed list: `Wrong-Routing` is WRONG_ROUTING."""
    return (word or "").upper().replace("-", "_").replace(" ", "_")


def number_in(entry: Any) -> str | None:
    """The number (BT-1) of the document behind a search entry."""
    return foreign.number(_dict(_dict(entry).get("businessData")).get("invoiceId"))


def id_in(entry: Any) -> str | None:
    """The platform's id of the deposit behind a search entry; None where it does not say, or not readably."""
    return _id(_dict(_dict(entry).get("metadata")).get("invoiceId"))


def about(entry: Any, invoice_number: str) -> bool:
    """Whether a search entry may be about this number: unless it says that it is another's, or that it was received.

    Search may match loosely, and may leave out what it was asked to expand. Compared is what it wrote, signs that nobody sees included:
    made visible they would be letters of another number.
    """
    number = _dict(_dict(entry).get("businessData")).get("invoiceId")
    readable = (
        isinstance(number, str | int) and not isinstance(number, bool) and number != "" and HIDDEN not in str(number)
    )
    return not inbound(entry) and (not readable or alike(str(number), invoice_number))


def inbound(entry: Any) -> bool:
    """Whether a search entry says that the invoice was received. Whatever else it says of the direction, or not, it may be ours."""
    metadata = _dict(_dict(entry).get("metadata"))
    said = [metadata.get("direction"), metadata.get("way")]
    words = [word for word in said if isinstance(word, str)]
    return any("".join(filter(str.isalpha, word)).upper() in INBOUND for word in words)


def whole_number(value: Any) -> int | None:
    """A count, also one that is written as text."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_COUNT else None


def status_event(entry: dict[str, Any], asked_id: str) -> StatusEvent:
    """An entry of status-history, status/notSeen, or a webhook."""
    details = _dict(entry.get("json")) or _dict(entry.get("jsonLifecycle"))  # the latter in older guides
    response = _first(details.get("responses"))
    status = _status(entry, response)
    word = foreign.code(status.get("code")) or "UNKNOWN"
    network = foreign.code(status.get("networkCode"))
    code = _french(word, network)
    detail = _detail(response)
    platform_id = _id(entry.get("invoiceId")) or asked_id
    given = [entry.get("date"), _dict(details.get("identification")).get("date")]
    status_id = _id(entry.get("statusId"))
    return StatusEvent(
        status_id=status_id or _digest(platform_id, word, entry.get("date"), entry.get("destType")),
        platform_id=platform_id, code=code, platform_code=word, network_code=network, label=label_of(code),
        occurred_at=next(filter(None, map(_time, given)), None), date_given=next(filter(None, map(_word, given)), None),
        caused_by=_sender(details), audience=foreign.code(entry.get("destType")),
        reason=_reason(detail), message=_message(status, details, detail),
        invoice_number=foreign.number(_dict(response.get("documentReference")).get("issuerAssignedId")),
        raw={name: _word(entry.get(name)) for name in KEPT_RAW}
        | {"statusId": status_id, "status": _short(status), "rejectionDetail": _short(detail)},
    )  # fmt: skip


def _detail(response: dict[str, Any]) -> dict[str, Any]:
    """Why it was refused: of several reasons the one that calls it a duplicate, for that may be no refusal of the invoice."""
    details = [_dict(response.get("rejectionDetail")), *map(_dict, _list(response.get("rejectionDetails"), MOST_RULES))]
    named = [each for each in details if each]
    return next((each for each in named if says_duplicate(_reason(each))), named[0] if named else {})


def _reason(detail: dict[str, Any]) -> str | None:
    """In the platform's own word, or in the reform's where that one says more."""
    own, network = foreign.code(detail.get("reason")), foreign.code(detail.get("networkReason"))
    return network if own is None or (says_duplicate(network) and not says_duplicate(own)) else own


def _status(entry: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """The status proper, wherever it stands."""
    status = entry.get("status")
    return _dict(status) or ({"code": status} if status else _dict(response.get("documentStatus")))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(" ".join(str(_word(part)) for part in parts).encode("utf-8", "replace")).hexdigest()


def _sender(details: dict[str, Any]) -> str | None:
    role = _dict(details.get("sender")).get("roleCode")
    word = foreign.code(role.get("value") or role.get("code") if isinstance(role, dict) else role)
    return ROLES.get(word or "", word)


def _message(status: dict[str, Any], details: dict[str, Any], detail: dict[str, Any]) -> str | None:
    found = map(_dict, _list(detail.get("errors"), MOST_RULES))
    words = [detail.get("message"), *(joined(" ", (error.get("rule"), error.get("message"))) for error in found)]
    return joined(" – ", [*words, _first(details.get("notes")).get("content"), status.get("message")])


def _short(detail: dict[str, Any]) -> dict[str, Any]:
    names = ("code", "networkCode", "reason", "message", "networkReason")
    return {name: _word(detail.get(name)) for name in names if detail.get(name)}


def _siren(seller: dict[str, Any]) -> str | None:
    scheme, _, address = (_word(seller.get("electronicAddress")) or "").rpartition(":")
    for value in (seller.get("siren"), address if scheme in SIREN_SCHEMES else None):
        digits = (_word(value) or "").replace(" ", "")[:9]
        if len(digits) == 9 and digits.isascii() and digits.isdigit():
            return digits
    return None


def _total(business: dict[str, Any]) -> Decimal | None:
    return foreign.amount(_dict(_dict(business.get("monetary")).get("invoiceAmount")).get("amount"))


def _currency(business: dict[str, Any]) -> str | None:
    monetary = _dict(business.get("monetary"))
    return _word(_dict(monetary.get("invoiceAmount")).get("currency") or monetary.get("invoiceCurrency"))
