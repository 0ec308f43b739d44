"""The company's invoices, as the view facteur.invoice_source shows them."""

from __future__ import annotations

from facteur.domain.submission import Invoice
from facteur.postgres.database import Row

INLINE_BYTES = 5_000_000  # a larger document stays in its row until it is read in parts


def as_invoice(row: Row) -> Invoice:
    """A row of type facteur.invoice."""
    return Invoice(
        invoice_id=row.invoice_id, ready=bool(row.ready), account=row.account, document_uri=row.document_uri,
        document=None if row.document is None else bytes(row.document), document_bytes=row.document_bytes, file_name=row.file_name,
        invoice_number=row.invoice_number, seller_siren=row.seller_siren, issue_date=row.issue_date, total=row.total, currency=row.currency,
    )  # fmt: skip
