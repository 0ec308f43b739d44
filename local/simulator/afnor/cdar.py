"""Writes lifecycle messages (CDAR, D22B): what a platform sends of a status in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from lxml.etree import Element, _Element, tostring

from local.simulator.core.invoice import Invoice, Party
from local.simulator.core.lifecycle import CODES, Status

UNCEFACT = "urn:un:unece:uncefact:data:standard:"
NAMES = {
    "rsm": UNCEFACT + "CrossDomainAcknowledgementAndResponse:100",
    "ram": UNCEFACT + "ReusableAggregateBusinessInformationEntity:100",
    "udt": UNCEFACT + "UnqualifiedDataType:100",
    "qdt": UNCEFACT + "QualifiedDataType:100",
}
PARIS = ZoneInfo("Europe/Paris")
PROFILE = "urn.cpro.gouv.fr:1p0:CDV:invoice"
TRANSMISSION, PROCESSING = "305", "23"
OF_TRANSMISSION = {"200", "201", "202", "203", "213", "501"}
# The French code -> the network's, and what it is called.
NETWORK = {
    "200": "10", "201": "51", "202": "43", "203": "48", "204": "45", "205": "1", "206": "49", "207": "46", "208": "39", "209": "37",
    "210": "50", "211": "47", "212": "47", "213": "8",
}  # fmt: skip
LABELS = {
    "200": "Déposée", "201": "Émise", "202": "Reçue", "203": "Mise à disposition", "204": "Prise en charge", "205": "Approuvée",
    "206": "Approuvée partiellement", "207": "En litige", "208": "Suspendue", "209": "Complétée", "210": "Refusée",
    "211": "Paiement transmis", "212": "Encaissée", "213": "Rejetée", "220": "Annulée", "501": "Irrecevable",
}  # fmt: skip
ROLES = {"BUYER": "BY", "SELLER": "SE", "PLATFORM": "WK"}
# Reasons of the ledger that have no word of the reform's beside them.
REASONS = {"DUPLICATED_INVOICE": "DOUBLON", "ROUTING_FAILURE": "ADR_ERR", "VALIDATION_FAILURE": "REJ_SEMAN"}
USUAL_RATE = "20.00"
ITS_OWN = ""  # in place of a date: that of the status


@dataclass(frozen=True, slots=True)
class Subject:
    """Which invoice a message is about. What is None is left out; `issued` is written as it stands."""

    number: str | None
    seller: str | None
    issued: str | None
    type_code: str | None
    received_at: float


def subject_of(invoice: Invoice | None, received_at: float) -> Subject:
    if invoice is None:
        return Subject(None, None, None, None, received_at)
    return Subject(invoice.number, invoice.seller.siren, day(invoice.issue_date), invoice.type_code, received_at)


def written(
    status: Status,
    code: str,
    invoice: Invoice | None,
    subjects: Sequence[Subject],
    zone: str,
    said_at: str | None = ITS_OWN,
) -> bytes:
    """The message, with this code; of each subject it says the same. `said_at` None: no date."""
    own = stamp(status.at, zone)
    at = own if said_at == ITS_OWN else said_at
    named = subjects[0].number or "-"
    root = node(
        "rsm:CrossDomainAcknowledgementAndResponse",
        node(
            "rsm:ExchangedDocumentContext",
            node("ram:BusinessProcessSpecifiedDocumentContextParameter", node("ram:ID", "REGULATED")),
            node("ram:GuidelineSpecifiedDocumentContextParameter", node("ram:ID", PROFILE)),
        ),
        node(
            "rsm:ExchangedDocument",
            node("ram:ID", f"{named}_{code}_{own}"),
            node("ram:Name", f"CDV-{code}"),
            moment("ram:IssueDateTime", at),
            node("ram:SenderTradeParty", node("ram:RoleCode", "WK")),
            party("ram:IssuerTradeParty", issuer(status, invoice), ROLES[status.author]),
            party("ram:RecipientTradeParty", invoice.seller if invoice else Party(), "SE", addressed=True),
        ),
        node(
            "rsm:AcknowledgementDocument",
            node("ram:MultipleReferencesIndicator", node("udt:Indicator", str(len(subjects) > 1).lower())),
            node("ram:TypeCode", TRANSMISSION if code in OF_TRANSMISSION else PROCESSING),
            moment("ram:IssueDateTime", at),
            *(document(each, status, code, invoice, zone) for each in subjects),
        ),
    )
    return tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def document(subject: Subject, status: Status, code: str, invoice: Invoice | None, zone: str) -> _Element:
    """What is said of one invoice."""
    issued, seller = subject.issued, subject.seller
    return node(
        "ram:ReferenceReferencedDocument",
        filled("ram:IssuerAssignedID", subject.number),
        filled("ram:StatusCode", NETWORK.get(code)),
        filled("ram:TypeCode", subject.type_code),
        moment("ram:ReceiptDateTime", stamp(subject.received_at, zone)),
        node("ram:FormattedIssueDateTime", node("qdt:DateTimeString", issued, format="102")) if issued else None,
        filled("ram:ProcessConditionCode", code),
        filled("ram:ProcessCondition", LABELS.get(code, code)),
        node("ram:IssuerTradeParty", node("ram:GlobalID", seller, schemeID="0002")) if seller else None,
        explained(status, code, invoice),
    )


def explained(status: Status, code: str, invoice: Invoice | None) -> _Element | None:
    """The block with the reason, or with the amount of a payment; None where there is neither."""
    reason, payment = status.reason, paid(status, code, invoice)
    if reason is None and payment is None:
        return None
    said = (reason.network_code or REASONS.get(reason.code, reason.code)) if reason else None
    notes = "; ".join(reason.errors) if reason else ""
    return node(
        "ram:SpecifiedDocumentStatus",
        filled("ram:ReasonCode", said),
        filled("ram:Reason", reason.message if reason else None),
        node("ram:SequenceNumeric", "1"),
        node("ram:IncludedNote", node("ram:Content", notes)) if notes else None,
        payment,
    )


def paid(status: Status, code: str, invoice: Invoice | None) -> _Element | None:
    if code not in {"211", "212"} or invoice is None or invoice.total is None:
        return None
    on = day(datetime.fromtimestamp(status.at, PARIS).date())
    return node(
        "ram:SpecifiedDocumentCharacteristic",
        node("ram:TypeCode", "MPA" if code == "211" else "MEN"),
        node("ram:ValueAmount", invoice.total, currencyID=invoice.currency or "EUR"),
        node("ram:ValueDateTime", node("udt:DateTimeString", on, format="102")),
        node("ram:ValuePercent", USUAL_RATE) if code == "212" else None,
    )


def issuer(status: Status, invoice: Invoice | None) -> Party:
    if invoice is None or status.author == "PLATFORM":
        return Party()
    return invoice.buyer if status.author == "BUYER" else invoice.seller


def party(tag: str, who: Party, role: str, *, addressed: bool = False) -> _Element:
    scheme, _, address = (who.address or "").partition(":")
    reached_at = node("ram:URIID", address, schemeID=scheme) if addressed and address else None
    return node(
        tag,
        node("ram:GlobalID", who.siren, schemeID="0002") if who.siren else None,
        filled("ram:Name", who.name),
        node("ram:RoleCode", role),
        node("ram:URIUniversalCommunication", reached_at) if reached_at is not None else None,
    )


def code_of(status: Status) -> str:
    """The French number; a code that has none stands as it is."""
    return CODES.get(status.code, status.code)


def moment(tag: str, text: str | None) -> _Element | None:
    return None if text is None else node(tag, node("udt:DateTimeString", text, format="204"))


def stamp(at: float, zone: str) -> str:
    return f"{datetime.fromtimestamp(at, PARIS if zone == 'paris' else UTC):%Y%m%d%H%M%S}"


def day(on: date | None) -> str | None:
    return f"{on:%Y%m%d}" if on else None


def filled(tag: str, text: str | None) -> _Element | None:
    return node(tag, text) if text else None


def node(tag: str, *inner: _Element | str | None, **attributes: str) -> _Element:
    """An element of a name like ram:ID; what is None within is left out."""
    prefix, _, name = tag.partition(":")
    made = Element(f"{{{NAMES[prefix]}}}{name}", attributes, NAMES)
    for each in inner:
        if isinstance(each, str):
            made.text = each
        elif each is not None:
            made.append(each)
    return made
