"""The readable half of a Factur-X invoice, drawn by reportlab, and the XML put into it by factur-x."""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from facturx import generate_from_binary

from local.invoices.model import SampleInvoice

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

PAGE = (595, 842)  # A4 in points
LEFT, RIGHT, TOP = 56, 539, 780
LINE_HEIGHT = 16

# factur-x writes the present time into a PDF; a fixed time of the same length keeps every offset where it is.
PDF_TIMESTAMP = re.compile(rb"(D(?::|\\072))\d{14}")  # pypdf may write the colon as an octal escape
XMP_TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
FIXED_PDF_TIMESTAMP = rb"\g<1>20260901080000"
FIXED_XMP_TIMESTAMP = b"2026-09-01T08:00:00+00:00"


def draw_pages(invoice: SampleInvoice) -> bytes:
    """A plain one-page PDF of the invoice, its fonts embedded, without any XML in it."""
    from reportlab.pdfgen.canvas import Canvas  # XML alone needs none of it

    _register_fonts()
    buffer = BytesIO()
    # Another initial font would be named without being embedded. The stub takes its name for a number.
    canvas = Canvas(buffer, pagesize=PAGE, invariant=1, pageCompression=1, initialFontName="Vera")  # type: ignore[arg-type]
    _draw_header(canvas, invoice)
    _draw_lines(canvas, invoice)
    canvas.save()
    return buffer.getvalue()


def embed_xml(pdf: bytes, xml: bytes) -> bytes:
    """A Factur-X document: the PDF with the XML attached, and the metadata that says so."""
    document = generate_from_binary(
        pdf, xml, flavor="factur-x", level="en16931", check_xsd=False, lang="fr-FR", xmp_compression=False
    )
    return XMP_TIMESTAMP.sub(FIXED_XMP_TIMESTAMP, PDF_TIMESTAMP.sub(FIXED_PDF_TIMESTAMP, document))


@cache
def _register_fonts() -> None:
    import reportlab
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    fonts = Path(reportlab.__file__).parent / "fonts"
    for name in ("Vera", "VeraBd"):
        pdfmetrics.registerFont(TTFont(name, fonts / f"{name}.ttf"))


def _draw_header(canvas: Canvas, invoice: SampleInvoice) -> None:
    canvas.setTitle(f"Facture {invoice.number}")
    canvas.setFont("VeraBd", 18)
    canvas.drawString(LEFT, TOP, f"Facture {invoice.number}")
    canvas.setFont("Vera", 9)
    for x, heading, party in ((LEFT, "Vendeur", invoice.seller), (320, "Client", invoice.buyer)):
        address = (heading, party.name, party.street, f"{party.postcode} {party.city}")
        for rank, text in enumerate((*address, f"SIREN {party.siren} · TVA {party.vat_number}")):
            canvas.drawString(x, TOP - 40 - rank * 12, text)
    canvas.drawString(LEFT, TOP - 120, f"Date : {invoice.issue_date:%d/%m/%Y} · Échéance : {invoice.due_date:%d/%m/%Y}")


def _draw_lines(canvas: Canvas, invoice: SampleInvoice) -> None:
    y = TOP - 150
    for line in invoice.lines:
        canvas.drawString(LEFT, y, f"{line.quantity} × {line.name} à {line.unit_price} € (TVA {line.vat_percent} %)")
        canvas.drawRightString(RIGHT, y, f"{line.net} €")
        y -= LINE_HEIGHT
    canvas.line(LEFT, y + 8, RIGHT, y + 8)
    for label, amount in (("Total HT", invoice.net), ("TVA", invoice.vat), ("Total TTC", invoice.total)):
        y -= LINE_HEIGHT
        canvas.drawString(380, y, label)
        canvas.drawRightString(RIGHT, y, f"{amount} €")
