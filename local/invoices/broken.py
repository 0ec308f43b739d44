"""Documents that a platform refuses, each for one reason."""

from __future__ import annotations

from local.invoices.model import SampleInvoice, Syntax
from local.invoices.pdf import draw_pages, embed_xml
from local.invoices.rendering import render

FOREIGN_ELEMENT = b"<NotInTheSchema>a schema-aware reader stumbles here</NotInTheSchema>"
HEADER_END = {"cii": b"</rsm:ExchangedDocument>", "ubl": b"</Invoice>"}


def plain_pdf(invoice: SampleInvoice) -> bytes:
    """A PDF for the eye only: no XML in it, so no platform can read it."""
    return draw_pages(invoice)


def truncated(document: bytes) -> bytes:
    """The first two thirds, as an interrupted upload leaves them: neither well-formed XML nor a whole PDF."""
    return document[: len(document) * 2 // 3]


def with_schema_violation(invoice: SampleInvoice, syntax: Syntax) -> bytes:
    """A well-formed document whose number, parties, and total can be read, with an element that the XSD forbids."""
    if syntax == "facturx":
        return embed_xml(draw_pages(invoice), with_schema_violation(invoice, "cii"))
    end = HEADER_END[syntax]
    return render(invoice, syntax).replace(end, FOREIGN_ELEMENT + end)
