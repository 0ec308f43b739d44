"""Reads UN/CEFACT Cross Industry Invoices, alone or as the XML inside a Factur-X PDF."""

from __future__ import annotations

from datetime import date, datetime

from lxml import etree

from local.simulator.core import schemas
from local.simulator.core.invoice import Format, Invoice, Party, Unreadable, siren_of, text

NAMESPACE = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
NAMES = {
    "rsm": NAMESPACE,
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
GUIDELINE = "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
AGREEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement/ram:"
SETTLEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement/ram:"
TOTAL = SETTLEMENT + "SpecifiedTradeSettlementHeaderMonetarySummation/ram:GrandTotalAmount"


def read(root: etree._Element, written_as: Format, *, validate: bool) -> Invoice | Unreadable:
    """The invoice in a CrossIndustryInvoice of a known profile."""
    guideline = text(root, GUIDELINE, NAMES)
    profile = profile_of(guideline or "")
    if profile is None:
        return Unreadable("UNKNOWN_INVOICE_FLAVOR", f"Unknown guideline {guideline!r}")
    return Invoice(
        format=written_as,
        profile=profile,
        number=text(root, "rsm:ExchangedDocument/ram:ID", NAMES),
        issue_date=day(text(root, "rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString", NAMES)),
        type_code=text(root, "rsm:ExchangedDocument/ram:TypeCode", NAMES),
        seller=party(root.find(AGREEMENT + "SellerTradeParty", NAMES)),
        buyer=party(root.find(AGREEMENT + "BuyerTradeParty", NAMES)),
        total=text(root, TOTAL, NAMES),
        currency=text(root, SETTLEMENT + "InvoiceCurrencyCode", NAMES),
        violations=schemas.violations(root, profile) if validate else (),
    )


def profile_of(guideline: str) -> str | None:
    """The profile that a guideline URN names; national flavours of EN 16931 count as EN 16931."""
    last = guideline.rsplit(":", 1)[-1].lower()
    if last in schemas.PROFILES:
        return last
    return "en16931" if guideline.startswith("urn:cen.eu:en16931:2017") else None


def day(written: str | None) -> date | None:
    try:
        return datetime.strptime((written or "")[:8], "%Y%m%d").date()  # noqa: DTZ007  a calendar day has no zone
    except ValueError:
        return None


def party(node: etree._Element | None) -> Party:
    if node is None:
        return Party()
    address = identifier(node.find("ram:URIUniversalCommunication/ram:URIID", NAMES))
    ids = [
        identifier(each)
        for each in (
            *node.findall("ram:SpecifiedLegalOrganization/ram:ID", NAMES),
            *node.findall("ram:GlobalID", NAMES),
        )
    ]
    sirens = [siren_of(*each) for each in (*ids, address) if each]
    return Party(
        name=text(node, "ram:Name", NAMES),
        siren=next((siren for siren in sirens if siren), None),
        address=f"{address[0]}:{address[1]}" if address else None,
        country=text(node, "ram:PostalTradeAddress/ram:CountryID", NAMES),
    )


def identifier(node: etree._Element | None) -> tuple[str, str] | None:
    if node is None or not (node.text or "").strip():
        return None
    return str(node.get("schemeID", "")), (node.text or "").strip()
