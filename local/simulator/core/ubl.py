"""Reads UBL 2.1 invoices and credit notes."""

from __future__ import annotations

from datetime import date

from lxml import etree

from local.simulator.core import schemas
from local.simulator.core.cii import identifier
from local.simulator.core.invoice import Format, Invoice, Party, Unreadable, siren_of, text

NAMESPACES = {f"urn:oasis:names:specification:ubl:schema:xsd:{kind}-2" for kind in ("Invoice", "CreditNote")}
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def read(root: etree._Element, *, validate: bool) -> Invoice | Unreadable:
    """The invoice in a UBL document; without CustomizationID and ProfileID the platform does not recognise it."""
    if not (text(root, "cbc:CustomizationID", NAMES) and text(root, "cbc:ProfileID", NAMES)):
        return Unreadable("UNKNOWN_INVOICE_FORMAT", "UBL without CustomizationID and ProfileID")
    kind = etree.QName(root).localname
    return Invoice(
        format=Format.UBL,
        profile=kind,
        number=text(root, "cbc:ID", NAMES),
        issue_date=day(text(root, "cbc:IssueDate", NAMES)),
        type_code=text(root, f"cbc:{kind}TypeCode", NAMES),
        seller=party(root.find("cac:AccountingSupplierParty/cac:Party", NAMES)),
        buyer=party(root.find("cac:AccountingCustomerParty/cac:Party", NAMES)),
        total=text(root, "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", NAMES),
        currency=text(root, "cbc:DocumentCurrencyCode", NAMES),
        violations=schemas.violations(root, kind) if validate else (),
    )


def day(written: str | None) -> date | None:
    try:
        return date.fromisoformat((written or "")[:10])
    except ValueError:
        return None


def party(node: etree._Element | None) -> Party:
    if node is None:
        return Party()
    address = identifier(node.find("cbc:EndpointID", NAMES))
    ids = [
        identifier(each)
        for each in (
            *node.findall("cac:PartyLegalEntity/cbc:CompanyID", NAMES),
            *node.findall("cac:PartyIdentification/cbc:ID", NAMES),
        )
    ]
    sirens = [siren_of(*each) for each in (*ids, address) if each]
    registered = text(node, "cac:PartyLegalEntity/cbc:RegistrationName", NAMES)
    return Party(
        name=registered or text(node, "cac:PartyName/cbc:Name", NAMES),
        siren=next((siren for siren in sirens if siren), None),
        address=f"{address[0]}:{address[1]}" if address else None,
        country=text(node, "cac:PostalAddress/cac:Country/cbc:IdentificationCode", NAMES),
    )
