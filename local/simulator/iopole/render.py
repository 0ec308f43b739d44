"""How the API writes invoices and statuses: as JSON, in the shapes of Iopole's OpenAPI."""

from __future__ import annotations

from xml.sax.saxutils import escape

from local.simulator.core.clock import iso
from local.simulator.core.invoice import Invoice, Party
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, Reason, Status

CDAR = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<rsm:CrossDomainAcknowledgementAndResponse"
    ' xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"'
    ' xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100">'
    "<rsm:AcknowledgementDocument><ram:TypeCode>{phase}</ram:TypeCode><ram:ReferenceReferencedDocument>"
    "<ram:IssuerAssignedID>{number}</ram:IssuerAssignedID><ram:ProcessConditionCode>{code}</ram:ProcessConditionCode>"
    "</ram:ReferenceReferencedDocument></rsm:AcknowledgementDocument></rsm:CrossDomainAcknowledgementAndResponse>"
)
ROLES = {"BUYER": "BY", "SELLER": "SE", "PLATFORM": "WK"}


def status(deposit: Deposit, status: Status, *, sandbox: bool, nulls: bool = False) -> dict[str, object]:
    """A status object; `nulls` empties everything in `json` that real ones have been seen without."""
    code = without_none({"code": status.code, "networkCode": status.network_code})
    body = None if nulls else details(deposit, status, code, sandbox=sandbox)
    return {
        "statusId": status.id,
        "invoiceId": deposit.id,
        "date": iso(status.at),
        "destType": status.destination,
        "status": {"code": status.code, "networkCode": None} if nulls else code,
        "xml": "" if nulls else cdar(deposit, status),
        "json": body,
    }


def details(deposit: Deposit, status: Status, code: dict[str, object], *, sandbox: bool) -> dict[str, object]:
    invoice = deposit.invoice
    author = invoice and {"BUYER": invoice.buyer, "SELLER": invoice.seller}.get(status.author)
    response = {"documentReference": reference(deposit), "documentStatus": code}
    if status.reason:
        response["rejectionDetail"] = rejection(status.reason)
        response["rejectionDetails"] = [rejection(status.reason)]  # type: ignore[assignment]
    return {
        "testIndicator": sandbox,
        "businessProcessId": "REGULATED",
        "identification": {"id": status.id, "name": f"Lifecycle - {status.code}", "date": iso(status.at)},
        "notes": [{"content": status.reason.message}] if status.reason else [],
        "sender": author and {**party(author), "roleCode": ROLES[status.author]},
        "issuer": None,
        "recipients": [{**party(invoice.seller), "roleCode": "SE"}] if invoice else [],
        "responses": [response],
    }


def reference(deposit: Deposit) -> dict[str, object]:
    invoice = deposit.invoice
    if invoice is None:
        return {"issuerAssignedId": None, "receiptDate": iso(deposit.at)}
    return {
        "issuerAssignedId": invoice.number,
        "typeCode": int(invoice.type_code) if invoice.type_code and invoice.type_code.isdigit() else None,
        "issueDate": f"{invoice.issue_date}T00:00:00.000Z" if invoice.issue_date else None,
        "receiptDate": iso(deposit.at),
        "issuer": {"siren": invoice.seller.siren, "roleCode": "SE"},
    }


def rejection(reason: Reason) -> dict[str, object]:
    kind = "BUSINESS" if any(each.startswith("missing: ") for each in reason.errors) else "SCHEMA"
    errors = [{"reason": kind, "message": each, "rule": None, "location": None} for each in reason.errors]
    return {
        "reason": reason.code,
        "message": reason.message,
        "networkReason": reason.network_code,
        **({"errors": errors} if errors else {}),
    }


def party(party: Party) -> dict[str, object]:
    return {"name": party.name, "siren": party.siren, "country": party.country, "electronicAddress": party.address}


def cdar(deposit: Deposit, status: Status) -> str:
    """Enough of a CDAR to be recognised: phase, number and French code."""
    return CDAR.format(
        phase="305" if status.author == "PLATFORM" else "23",
        number=escape(deposit.number or ""),
        code=CODES.get(status.code, ""),
    )


def business_data(invoice: Invoice | None) -> dict[str, object] | None:
    """What search and GET show of the document; amounts are JSON numbers there."""
    if invoice is None:
        return None
    amount = {"amount": float(invoice.total), "currency": invoice.currency} if invoice.total else None
    return {
        "invoiceId": invoice.number,
        "invoiceDate": str(invoice.issue_date) if invoice.issue_date else None,
        "type": invoice.type_code,
        "monetary": {"invoiceCurrency": invoice.currency, "invoiceAmount": amount},
        "seller": party(invoice.seller),
        "buyer": party(invoice.buyer),
    }


def invoice(deposit: Deposit) -> dict[str, object]:
    """An element of GET /v1/invoice/{id}; it has no state."""
    found = deposit.invoice
    return {
        "streamId": deposit.id,
        "invoiceId": deposit.id,
        "date": iso(deposit.at),
        "originalFormat": {"FACTURX": "FacturX"}.get(found.format, found.format) if found else None,
        "originalFlavor": found.profile if found else None,
        "originalNetwork": "DOMESTIC_FR",
        "way": "EMITTED" if deposit.direction == "OUTBOUND" else "RECEIVED",
        "businessData": business_data(found),
    }


def files(deposit: Deposit) -> list[dict[str, object]]:
    pdf = deposit.content.startswith(b"%PDF")
    return [
        {
            "fileId": deposit.id,
            "createDate": iso(deposit.at),
            "type": "ORIGINAL",
            "mimeType": "application/pdf" if pdf else "application/xml",
            "fileName": deposit.filename,
            "originalFilename": deposit.filename,
            "sizeBytes": len(deposit.content),
            "checksum": deposit.sha256,
        }
    ]


def without_none(mapping: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in mapping.items() if value is not None}
