"""SUPER PDP's JSON in our words. Every field may be absent or of another shape than its OpenAPI says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from facteur.domain.checks import is_siren
from facteur.domain.decide_status import current_of
from facteur.domain.doubt import Candidate
from facteur.domain.lifecycle import REJECTING, label_of, says_duplicate
from facteur.domain.status_updates import Sighting
from facteur.domain.submission import StatusEvent
from facteur.platforms import foreign
from facteur.platforms.foreign import entries, fields
from facteur.platforms.spelling import alike, may_be_key

FRENCH = "fr:"
REFUSING = frozenset(
    {"api:invalid", "api:rejected"}
)  # before it was sent, or by the other platform: the invoice was not issued
REJECTED = "213"
CODE_IN_FRONT = re.compile(r"([A-Z][A-Z0-9_]{2,40})(?=\s*(?::|$))")
SIREN_DIGITS = 9
WITH_SIREN = frozenset({"fr_siren", "sandbox"})  # how a company is counted
LONGEST_ID = 20  # digits
KEPT_RAW = ("id", "invoice_id", "status_code", "status_text", "created_at")


def siren_in(company: dict[str, Any]) -> str | None:
    """The SIREN of a company, as invoices name it in BT-30; None where it is counted in another way, in Belgium say."""
    number = foreign.code(company.get("number"))
    return number if foreign.code(company.get("number_scheme")) in WITH_SIREN and is_siren(number) else None


def whole_number(value: Any) -> int | None:
    """An id, also one that is written as text; None where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < LONGEST_ID:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None


def id_in(entry: Any) -> str | None:
    """The id of the deposit behind an entry of the list; None where it does not say."""
    found = whole_number(fields(entry).get("id"))
    return None if found is None else str(found)


def inbound(entry: Any) -> bool:
    """Whether an entry says that the invoice was received. Whatever else it says of the direction, or not, it may be ours."""
    said = fields(entry).get("direction")
    return isinstance(said, str) and said.strip().lower() == "in"


def key_in(entry: Any) -> str | None:
    """The key that it was deposited with, to the letter; None where it shows none."""
    return foreign.identifier(fields(entry).get("external_id"))


def about(entry: Any, numbers: Iterable[str], keys: Iterable[str]) -> bool:
    """Whether an entry may be one that is looked for: by its key, or its number, or because it shows neither."""
    if inbound(entry):
        return False
    key, number = key_in(entry), _number(entry)
    if key is not None and any(may_be_key(key, each) for each in keys):
        return True
    if number is not None:
        return any(alike(number, each) for each in numbers)
    return key is None


def candidate(entry: Any) -> Candidate:
    found, invoice = fields(entry), fields(fields(entry).get("en_invoice"))
    totals = fields(invoice.get("totals"))
    return Candidate(
        id_in(entry) or "", foreign.moment(found.get("created_at")), is_refused(entry), _siren(fields(invoice.get("seller"))),
        foreign.amount(totals.get("total_with_vat", totals.get("total_amount_with_vat"))), foreign.word(invoice.get("currency_code")),
        _number(entry), key_in(entry),
    )  # fmt: skip


def sighting(entry: Any) -> Sighting:
    """An entry of the list that says which deposit it is, with where its events leave it."""
    found = candidate(entry)
    said = current_of([status_event(fields(each)) for each in entries(fields(entry).get("events"))])
    return Sighting(
        found.platform_id, said.code if said else None, said.occurred_at if said else None, None, found.created_at, found.invoice_number,
        found.seller_siren, found.total, found.currency, refused=found.refused, own_key=found.own_key,
    )  # fmt: skip


def is_refused(entry: Any) -> bool:
    """Whether any of its events refuses it."""
    words = [foreign.code(fields(each).get("status_code")) for each in entries(fields(entry).get("events"))]
    return any(_code(word) in REJECTING for word in words if word)


def status_event(entry: dict[str, Any], asked_id: str = "") -> StatusEvent:
    """One event, of the feed or of one invoice. `asked_id`: whose events were asked for, where it does not say."""
    word = foreign.code(entry.get("status_code")) or "UNKNOWN"
    code = _code(word)
    invoice_id, event_id = whole_number(entry.get("invoice_id")), whole_number(entry.get("id"))
    said = foreign.word(entry.get("created_at"))
    return StatusEvent(
        status_id=str(event_id) if event_id is not None else f"{word} {said}",
        platform_id=asked_id if invoice_id is None else str(invoice_id), code=code, platform_code=word, network_code=None,
        label=label_of(code), occurred_at=foreign.moment(entry.get("created_at")), date_given=said,
        caused_by=None, audience=None, reason=_reason(entry), message=_message(entry, label_of(code)),
        raw={name: foreign.word(entry.get(name)) for name in KEPT_RAW} | {"reasons": _reasons(entry)},
    )  # fmt: skip


def _code(word: str) -> str:
    if word in REFUSING:
        return REJECTED
    return word[len(FRENCH) :] if word.startswith(FRENCH) and len(word) > len(FRENCH) else word


def _reasons(entry: dict[str, Any]) -> list[str]:
    """The reform's codes (MDT-113), one a detail."""
    found = [foreign.code(fields(each).get("reason")) for each in entries(entry.get("details"), 5)]
    return [each for each in found if each]


def _reason(entry: dict[str, Any]) -> str | None:
    """Of several the one that calls it a duplicate, for that may be no refusal of the invoice.

    A refusal has its code in front of its text: `DOUBLON: …`.
    """
    said = CODE_IN_FRONT.match(foreign.word(fields(entry.get("data")).get("reason")) or "")
    named: Sequence[str] = [*_reasons(entry), *([said[1]] if said else [])]
    return next((each for each in named if says_duplicate(each)), named[0] if named else None)


def _message(entry: dict[str, Any], label: str) -> str | None:
    """Its words, without what stands beside them: the code in front of a refusal, and a text that is the status's own name."""
    words = foreign.word(fields(entry.get("data")).get("reason"))
    code = CODE_IN_FRONT.match(words or "")
    if words and code and code[1] == _reason(entry):
        words = words[code.end() :].lstrip(" :") or None
    text = foreign.word(entry.get("status_text"))
    return foreign.joined(" – ", (words, None if text == label else text))


def _number(entry: Any) -> str | None:
    return foreign.number(fields(fields(entry).get("en_invoice")).get("number"))


def _siren(seller: dict[str, Any]) -> str | None:
    """Of the legal registration (BT-30), which is a SIREN in France."""
    digits = (foreign.word(fields(seller.get("legal_registration_identifier")).get("value")) or "").replace(" ", "")
    whole = len(digits) == SIREN_DIGITS and digits.isascii() and digits.isdigit()
    return digits if whole else None
