"""Lifecycle messages: UN/CEFACT CrossDomainAcknowledgementAndResponse as France uses it (CDAR; MDT numbers are those of XP Z12-012).

What is missing or of another kind is None; only what is no such message at all is an error. The reform's code stands in MDT-105 and
nowhere else: MDT-88, the network's own code, is the same for 211 and 212, and platforms map it differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from facteur.errors import UnreadableStatusError
from facteur.platforms import foreign
from facteur.platforms.afnor.moments import day_in, instant_in, year_in
from facteur.platforms.foreign_xml import NotXmlError, tree_of

NAMESPACE = "urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"
ROOT = "CrossDomainAcknowledgementAndResponse"
# Of invoices and parties: they are compared with ours, and may be equal to a name that we send.
NAMES = frozenset({"ID", "GlobalID", "IssuerAssignedID"})
COLLECTED = "MEN"  # of amounts: what was received, VAT included, one for each rate
SIREN_SCHEMES = ("0002", "0009")  # SIREN, SIRET. An electronic address (0225) need not begin with its company's SIREN
SIREN_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Party:
    """Who is named: in which role (SE, BY, WK, DFH), under which name and SIREN."""

    role: str | None
    name: str | None
    siren: str | None


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A figure that a status names. `kind`: MEN, MPA, DIV …; `percent`: mostly a VAT rate; `about`: a term of the invoice, as BT-152."""

    kind: str | None
    amount: Decimal | None
    currency: str | None
    percent: Decimal | None
    day: date | None
    about: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the blocks that explain a status: why, what is asked for, what somebody wrote, and the figures."""

    code: str | None
    text: str | None
    action: str | None
    comment: str | None
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class InvoiceStatus:
    """What a message says of one invoice. `occurred_at` is None where the date cannot be read; `date_given` is what was written.

    `network_code` is MDT-88. `issue_year` is known where of the issue date no more can be read.
    """

    code: str | None
    network_code: str | None
    label: str | None
    occurred_at: datetime | None
    date_given: str | None
    invoice_number: str | None
    invoice_type: str | None
    seller_siren: str | None
    issue_date: date | None
    issue_year: int | None
    reasons: tuple[Reason, ...]

    @property
    def collected(self) -> tuple[Characteristic, ...]:
        """Of a 212: each amount that was received, with its rate. Below zero: given back."""
        return tuple(each for reason in self.reasons for each in reason.characteristics if each.kind == COLLECTED)


@dataclass(frozen=True, slots=True)
class Message:
    """A lifecycle message; `message_id` is its own (MDT-4). Who says it: `issuer`, by way of the `sender`."""

    message_id: str | None
    profile: str | None
    sender: Party
    issuer: Party
    recipients: tuple[Party, ...]
    statuses: tuple[InvoiceStatus, ...]


def message_in(content: bytes, blanked: Callable[[str], str] = str) -> Message:
    """All that a lifecycle message says, of however many invoices; its words, but for names of invoices and parties, are `blanked`.

    Raises:
        UnreadableStatusError: it is none: no XML, too deep or too large, another document, or without any status.
    """
    root = _root(content)
    for each in root.iter():
        if each.text and each.tag not in NAMES:
            each.text = blanked(each.text)
    document = _at(root, "ExchangedDocument")
    said_at = _given(document, "IssueDateTime")
    statuses = tuple(
        _status(each, _given(acknowledgement, "IssueDateTime") or said_at)
        for acknowledgement in root.iterfind("AcknowledgementDocument")
        for each in acknowledgement.iterfind("ReferenceReferencedDocument")
    )
    if not any(each.code for each in statuses):
        raise UnreadableStatusError("it names no status")
    return Message(
        message_id=foreign.identifier(_raw(document, "ID")),
        profile=_word(root, "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"),
        sender=_party(_at(document, "SenderTradeParty")),
        issuer=_party(_at(document, "IssuerTradeParty")),
        recipients=tuple(map(_party, document.iterfind("RecipientTradeParty"))),
        statuses=statuses,
    )


def _root(content: bytes) -> Element:
    try:
        namespace, root = tree_of(content)
    except NotXmlError as error:
        raise UnreadableStatusError(str(error)) from None
    if (namespace, root.tag) != (NAMESPACE, ROOT):
        raise UnreadableStatusError("it is another document")
    return root


def _status(document: Element, said_at: str | None) -> InvoiceStatus:
    issued = _given(document, "FormattedIssueDateTime")
    return InvoiceStatus(
        code=_code(document, "ProcessConditionCode"),
        network_code=_code(document, "StatusCode"),
        label=_word(document, "ProcessCondition"),
        occurred_at=instant_in(said_at),
        date_given=foreign.word(said_at, foreign.LONGEST_MOMENT),
        invoice_number=foreign.number(_raw(document, "IssuerAssignedID")),
        invoice_type=_code(document, "TypeCode"),
        seller_siren=_party(_at(document, "IssuerTradeParty")).siren,
        issue_date=day_in(issued),
        issue_year=year_in(issued),
        reasons=tuple(map(_reason, document.iterfind("SpecifiedDocumentStatus"))),
    )


def _reason(block: Element) -> Reason:
    return Reason(
        code=_code(block, "ReasonCode"),
        text=_words(block.iterfind("Reason")),
        action=_code(block, "RequestedActionCode"),
        comment=_words(block.iterfind("IncludedNote/Content")),
        characteristics=tuple(map(_characteristic, block.iterfind("SpecifiedDocumentCharacteristic"))),
    )


def _characteristic(block: Element) -> Characteristic:
    amount = _at(block, "ValueAmount")
    return Characteristic(
        kind=_code(block, "TypeCode"),
        amount=foreign.amount((amount.text or "").strip()),
        currency=foreign.code(amount.get("currencyID")),
        percent=foreign.amount((_raw(block, "ValuePercent") or "").strip()),
        day=day_in(_given(block, "ValueDateTime")),
        about=_code(block, "ID"),
    )


def _party(block: Element) -> Party:
    ids = [*block.iterfind("GlobalID"), *block.iterfind("ID")]
    named = {each.get("schemeID"): each.text or "" for each in reversed(ids)}
    sirens = (_siren(named[scheme]) for scheme in SIREN_SCHEMES if scheme in named)
    return Party(_code(block, "RoleCode"), _word(block, "Name"), next(filter(None, sirens), None))


def _siren(text: str) -> str | None:
    """The nine digits that an id begins with; platforms' test companies fail the sum over them, so it is not made."""
    digits = "".join(text.split())[:SIREN_DIGITS]
    return digits if len(digits) == SIREN_DIGITS and digits.isascii() and digits.isdigit() else None


def _given(block: Element, path: str) -> str | None:
    """A date as it is written, in whichever of the ways that the schema has."""
    place = block.find(path)
    if place is None:
        return None
    return next((each.text for each in place.iter() if (each.text or "").strip()), None)


def _at(block: Element, path: str) -> Element:
    """The element under a path; an empty one where there is none."""
    found = block.find(path)
    return Element(path) if found is None else found


def _raw(block: Element, path: str) -> str | None:
    return block.findtext(path)


def _code(block: Element, path: str) -> str | None:
    return foreign.code(_raw(block, path))


def _word(block: Element, path: str) -> str | None:
    return foreign.word(_raw(block, path))


def _words(blocks: Iterable[Element]) -> str | None:
    return foreign.joined(" – ", (each.text for each in blocks))
