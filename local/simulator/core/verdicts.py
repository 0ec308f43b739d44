"""The checks that a platform makes after the 201: what is wrong with a document, if anything."""

from __future__ import annotations

from local.simulator.core.companies import SILENT, UNREACHABLE, Directory
from local.simulator.core.invoice import ROUTING_SCHEME, Invoice, Party, Unreadable
from local.simulator.core.lifecycle import Fate, Reason, Verdict
from local.simulator.core.settings import Settings


def judge(document: Invoice | Unreadable, taken: bool, directory: Directory, settings: Settings) -> Fate:
    """The fate of a document; `taken` says that its number already belongs to an earlier deposit."""
    if isinstance(document, Unreadable):
        return Fate(Verdict.UNREADABLE, Reason(document.reason, document.message))
    missing = violations(document)
    if missing:
        return Fate(Verdict.VIOLATION, Reason("VALIDATION_FAILURE", "The document breaks its schema", None, missing))
    if taken:
        return Fate(Verdict.DUPLICATE, Reason("DUPLICATED_INVOICE", f"Invoice {document.number} exists already"))
    return route(document, directory, settings)


def violations(invoice: Invoice) -> tuple[str, ...]:
    """Schema violations, and the items without which the reform knows no invoice."""
    needed = {
        "BR-02 invoice number (BT-1)": invoice.number,
        "BR-03 issue date (BT-2)": invoice.issue_date,
        "BR-FR-10 seller SIREN (BT-30, scheme 0002)": invoice.seller.siren,
        "BR-14 total with VAT (BT-112)": invoice.total,
    }
    return (*invoice.violations, *(f"missing: {item}" for item, value in needed.items() if value is None))


def route(invoice: Invoice, directory: Directory, settings: Settings) -> Fate:
    if settings.known_sellers_only and directory.find(invoice.seller.siren) is None:
        return no_route(f"0225:{invoice.seller.siren}", "the seller is not in the directory")
    buyer = directory.find(invoice.buyer.routing_siren)
    if buyer is None and not (settings.open_directory and invoice.buyer.routing_siren):
        return no_route(*unroutable(invoice.buyer))
    if buyer is not None and buyer.behaviour == UNREACHABLE:
        return Fate(Verdict.UNREACHABLE, stops_at=UNREACHABLE)
    return Fate(Verdict.ACCEPTED, stops_at=buyer.behaviour if buyer else SILENT)


def unroutable(buyer: Party) -> tuple[str, str]:
    """The address that leads nowhere, and why."""
    if buyer.address and buyer.routing_siren is None:
        return buyer.address, f"only addresses of scheme {ROUTING_SCHEME} are routed"
    if buyer.routing_siren is None:
        return "none", "the buyer has neither an electronic address (BT-49) nor a SIREN (BT-47)"
    return buyer.address or f"{ROUTING_SCHEME}:{buyer.siren}", "the buyer is not in the directory"


def no_route(address: str, cause: str) -> Fate:
    message = f"No route found for given key (electronicAddress : {address}): {cause}"
    return Fate(Verdict.NO_ROUTE, Reason("ROUTING_FAILURE", message))
