"""An invoice as CII, UBL, or Factur-X, at the EN 16931 level and with what the French reform adds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from facturx.generate_xml import generate_cii_xml, generate_ubl_xml

from local.invoices.model import Company, SampleInvoice, Syntax, vat_on
from local.invoices.pdf import draw_pages, embed_xml

# BR-FR-05: what French law wants every invoice between companies to say about late payment and discount.
LEGAL_NOTES = (
    ("PMT", "L'indemnité forfaitaire légale pour frais de recouvrement est de 40 €."),
    ("PMD", "À défaut de règlement à la date d'échéance, une pénalité de 10 % du net à payer sera appliquée."),
    ("AAB", "Aucun escompte pour paiement anticipé."),
)
COMMERCIAL_INVOICE = "380"
CREDIT_TRANSFER = "30"
IBAN = "FR7630006000011234567890189"


def render(invoice: SampleInvoice, syntax: Syntax) -> bytes:
    """The finished document; the same invoice gives the same bytes, on every day and in every process."""
    if syntax == "ubl":
        return _generated(generate_ubl_xml, invoice)
    xml = _generated(generate_cii_xml, invoice)
    return xml if syntax == "cii" else embed_xml(draw_pages(invoice), xml)


def file_name(invoice: SampleInvoice, syntax: Syntax) -> str:
    """A name that the platform accepts: the invoice's number, and the extension that its syntax asks for."""
    return f"{invoice.number}.{'pdf' if syntax == 'facturx' else 'xml'}"


def _generated(generate: Any, invoice: SampleInvoice) -> bytes:
    # The library's Schematron check would post the invoice to a server of its author's, so it stays off.
    xml: bytes = generate(_terms(invoice), level="en16931", check_xsd=False, check_schematron=False)
    return xml


def _terms(invoice: SampleInvoice) -> dict[str, Any]:
    """The invoice in EN 16931's business terms, as factur-x names them."""
    return {
        "BT-1": invoice.number,
        "BT-2": invoice.issue_date,
        "BT-3": COMMERCIAL_INVOICE,
        "BT-5": "EUR",
        "BT-9": invoice.due_date,
        "BT-23": invoice.process,
        "BT-72": invoice.issue_date,
        "BT-81": CREDIT_TRANSFER,
        "BT-84": IBAN,
        "BG-1": [{"BT-21": code, "BT-22": text} for code, text in LEGAL_NOTES],
        "BG-4": _party(invoice.seller),
        "BG-7": _party(invoice.buyer),
        "BG-23": [_vat_terms(percent, net) for percent, net in invoice.net_by_vat_percent.items()],
        "BG-25": _line_terms(invoice),
        "BT-106": str(invoice.net),
        "BT-109": str(invoice.net),
        "BT-110": str(invoice.vat),
        "BT-112": str(invoice.total),
        "BT-115": str(invoice.total),
    }


def _party(company: Company) -> dict[str, str]:
    return {
        "name": company.name,
        "legal_identifier": company.siren,
        "legal_identifier_schemeid": "0002",
        "einvoicing_addr": company.siren,
        "einvoicing_addr_schemeid": "0225",
        "vat_identifier": company.vat_number,
        "addr_l1": company.street,
        "postcode": company.postcode,
        "city": company.city,
        "country_code": "FR",
    }


def _vat_terms(percent: Decimal, net: Decimal) -> dict[str, str]:
    return {"BT-116": str(net), "BT-117": str(vat_on(net, percent)), "BT-118": "S", "BT-119": str(percent)}


def _line_terms(invoice: SampleInvoice) -> list[dict[str, str]]:
    return [
        {
            "BT-126": str(rank),
            "BT-129": str(line.quantity),
            "BT-130": line.unit,
            "BT-131": str(line.net),
            "BT-146": str(line.unit_price),
            "BT-151": "S",
            "BT-152": str(line.vat_percent),
            "BT-153": line.name,
        }
        for rank, line in enumerate(invoice.lines, start=1)
    ]
