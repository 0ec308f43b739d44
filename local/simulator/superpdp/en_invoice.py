"""`en_invoice`: what the API shows of a document's content, as far as anybody reads it here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from lxml import etree

from local.simulator.core import cii, documents, ubl
from local.simulator.core.invoice import Invoice, Party, text
from local.simulator.core.ledger import Deposit
from local.simulator.superpdp.render import number

Node = etree._Element


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the items of a document stand in one syntax."""

    names: dict[str, str]
    guideline: str
    process: str
    totals: dict[str, str]
    taxes: str
    tax: dict[str, str]
    lines: str
    line: dict[str, str]
    unit: tuple[str, str]


CII = Paths(
    cii.NAMES,
    cii.GUIDELINE,
    "rsm:ExchangedDocumentContext/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID",
    {
        "sum_invoice_lines_amount": "ram:LineTotalAmount",
        "total_without_vat": "ram:TaxBasisTotalAmount",
        "total_with_vat": "ram:GrandTotalAmount",
        "amount_due_for_payment": "ram:DuePayableAmount",
    },
    cii.SETTLEMENT + "ApplicableTradeTax",
    {
        "vat_category_taxable_amount": "ram:BasisAmount",
        "vat_category_tax_amount": "ram:CalculatedAmount",
        "vat_category_code": "ram:CategoryCode",
        "vat_category_rate": "ram:RateApplicablePercent",
    },
    "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem",
    {
        "identifier": "ram:AssociatedDocumentLineDocument/ram:LineID",
        "name": "ram:SpecifiedTradeProduct/ram:Name",
        "price": "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
        "quantity": "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
        "category": "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/ram:CategoryCode",
        "rate": "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/ram:RateApplicablePercent",
        "net": "ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
    },
    ("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", "unitCode"),
)
UBL = Paths(
    ubl.NAMES,
    "cbc:CustomizationID",
    "cbc:ProfileID",
    {
        "sum_invoice_lines_amount": "cbc:LineExtensionAmount",
        "total_without_vat": "cbc:TaxExclusiveAmount",
        "total_with_vat": "cbc:TaxInclusiveAmount",
        "amount_due_for_payment": "cbc:PayableAmount",
    },
    "cac:TaxTotal/cac:TaxSubtotal",
    {
        "vat_category_taxable_amount": "cbc:TaxableAmount",
        "vat_category_tax_amount": "cbc:TaxAmount",
        "vat_category_code": "cac:TaxCategory/cbc:ID",
        "vat_category_rate": "cac:TaxCategory/cbc:Percent",
    },
    "cac:InvoiceLine",
    {
        "identifier": "cbc:ID",
        "name": "cac:Item/cbc:Name",
        "price": "cac:Price/cbc:PriceAmount",
        "quantity": "cbc:InvoicedQuantity",
        "category": "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
        "rate": "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
        "net": "cbc:LineExtensionAmount",
    },
    ("cbc:InvoicedQuantity", "unitCode"),
)
CII_TOTALS = cii.SETTLEMENT + "SpecifiedTradeSettlementHeaderMonetarySummation"


def of(deposit: Deposit, parts: Collection[str]) -> dict[str, object] | None:
    """A deposit's content; seller, buyer and lines only where they are asked for, and None where nothing could be read."""
    invoice = deposit.invoice
    if invoice is None:
        return None
    root = documents.root(deposit.content)
    paths = UBL if root is not None and etree.QName(root).namespace in ubl.NAMESPACES else CII
    read = reader(root, paths)
    shown: dict[str, object] = {
        "number": invoice.number,
        "issue_date": str(invoice.issue_date),
        "type_code": number(invoice.type_code or ""),
        "currency_code": invoice.currency,
        "process_control": {
            "specification_identifier": read(paths.guideline) or invoice.profile,
            "business_process_type": read(paths.process) or "",
        },
        "totals": totals(root, paths, invoice),
        "vat_break_down": [values(each, paths.tax, paths) for each in all_of(root, paths.taxes, paths)],
    }
    more: dict[str, Callable[[], object]] = {
        "seller": lambda: party(invoice.seller),
        "buyer": lambda: party(invoice.buyer),
        "lines": lambda: [line(each, paths) for each in all_of(root, paths.lines, paths)],
    }
    return {**shown, **{name: made() for name, made in more.items() if name in parts}}


def reader(root: Node | None, paths: Paths) -> Callable[[str], str | None]:
    return lambda path: text(root, path, paths.names) if root is not None else None


def all_of(root: Node | None, path: str, paths: Paths) -> list[Node]:
    return root.findall(path, paths.names) if root is not None else []


def values(node: Node, wanted: dict[str, str], paths: Paths) -> dict[str, str]:
    found = {name: text(node, path, paths.names) for name, path in wanted.items()}
    return {name: value for name, value in found.items() if value is not None}


def totals(root: Node | None, paths: Paths, invoice: Invoice) -> dict[str, str]:
    """The document's sums; of an invoice that was invented, whose document says nothing, only the total is known."""
    above = "cac:LegalMonetaryTotal" if paths is UBL else CII_TOTALS
    found = all_of(root, above, paths)
    return values(found[0], paths.totals, paths) if found else dict.fromkeys(paths.totals, invoice.total or "0.00")


def party(of: Party) -> dict[str, object]:
    scheme, _, value = (of.address or "").partition(":")
    legal = {"legal_registration_identifier": {"scheme": "0002", "value": of.siren}} if of.siren else {}
    return {
        "name": of.name or "",
        "electronic_address": {"scheme": scheme, "value": value},
        "postal_address": {"country_code": of.country or "FR"},
        **legal,
    }


def line(node: Node, paths: Paths) -> dict[str, object]:
    found = values(node, paths.line, paths)
    unit = node.find(paths.unit[0], paths.names)
    return {
        "identifier": found.get("identifier", ""),
        "invoiced_quantity": found.get("quantity", ""),
        "invoiced_quantity_code": str(unit.get(paths.unit[1], "")) if unit is not None else "",
        "net_amount": found.get("net", ""),
        "price_details": {"item_net_price": found.get("price", "")},
        "vat_information": {
            "invoiced_item_vat_category_code": found.get("category", ""),
            "invoiced_item_vat_rate": found.get("rate", ""),
        },
        "item_information": {"name": found.get("name", "")},
    }
