"""Sample French e-invoices, good and bad, for the demo, the tests, and anybody who integrates a platform.

invoice = sample_invoice(7)
document = render(invoice, "facturx")      # or "cii", "ubl"; the same input gives the same bytes
big = pad_to(document, 5_000_000)          # still the same invoice, and still valid
"""

from local.invoices.broken import plain_pdf, truncated, with_schema_violation
from local.invoices.model import Company, Line, SampleInvoice, Syntax
from local.invoices.padding import pad_to
from local.invoices.rendering import file_name, render
from local.invoices.samples import BUYERS, DIFFICULT_BUYERS, SELLER, UNKNOWN_BUYER, company, sample_invoice

__all__ = [
    "BUYERS",
    "DIFFICULT_BUYERS",
    "SELLER",
    "UNKNOWN_BUYER",
    "Company",
    "Line",
    "SampleInvoice",
    "Syntax",
    "company",
    "file_name",
    "pad_to",
    "plain_pdf",
    "render",
    "sample_invoice",
    "truncated",
    "with_schema_violation",
]
