"""BT-1 of a Factur-X document, whoever wrote the PDF; and PDFs that are anything else."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from facteur.documents.pdf import MOST_READ_BYTES, MOST_STREAMS, number_in_pdf
from local.invoices import plain_pdf, render, sample_invoice

INVOICE = sample_invoice(3)
FACTURX = render(INVOICE, "facturx")
CII = render(INVOICE, "cii")
OTHER = render(sample_invoice(4), "cii")


def pdf_of(*streams: bytes, newline: bytes = b"\r\n") -> bytes:
    objects = (b"%d 0 obj\n<<>>\nstream%s%s\nendstream\nendobj\n" % (n, newline, s) for n, s in enumerate(streams, 1))
    return b"%PDF-1.7\n" + b"".join(objects)


def rewritten(pdf: bytes, *, compressed: bool) -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(BytesIO(pdf))), BytesIO()
    for page in writer.pages if compressed else ():
        page.compress_content_streams()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "pdf",
    [
        FACTURX,
        rewritten(FACTURX, compressed=True),
        rewritten(FACTURX, compressed=False),
        pdf_of(CII),
        pdf_of(zlib.compress(CII), newline=b"\n"),
        pdf_of(zlib.compress(CII, 1), zlib.compress(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")),
        pdf_of(CII.decode().replace("UTF-8", "UTF-16").encode("utf-16")),
        pdf_of(CII, CII),
    ],
    ids=["ours", "rewritten", "as it was", "plain", "deflated", "beside XMP", "UTF-16", "twice the same"],
)
def test_the_number_is_read(pdf: bytes) -> None:
    assert (number_in_pdf(pdf) or "").strip() == INVOICE.number


@pytest.mark.parametrize(
    "pdf",
    [
        plain_pdf(INVOICE),
        pdf_of(CII, OTHER),
        pdf_of(CII[:200]),
        pdf_of(zlib.compress(CII)[:60]),
        pdf_of(b"<order><ID>F-1</ID></order>"),
        pdf_of(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
        b"%PDF-1.4",
    ],
    ids=["no XML", "two invoices", "cut", "cut when deflated", "another XML", "entities", "nothing"],
)
def test_where_no_single_number_can_be_read_none_is(pdf: bytes) -> None:
    assert number_in_pdf(pdf) is None


@pytest.mark.parametrize(
    "streams",
    [[b""] * (MOST_STREAMS + 1), [zlib.compress(b"<a>" + b"x" * 900_000)] * (MOST_READ_BYTES // 900_000 + 2)],
    ids=["streams", "bytes"],
)
def test_what_is_too_much_to_read_says_no_number(streams: list[bytes]) -> None:
    assert number_in_pdf(pdf_of(CII, *streams)) is None
    assert number_in_pdf(pdf_of(CII, *streams[:3])) is not None


@given(st.lists(st.one_of(st.binary(), st.binary().map(zlib.compress), st.sampled_from([CII, b"<a>", b"endstream"]))))
def test_nothing_is_raised_for_any_bytes(streams: Iterable[bytes]) -> None:
    pdf = pdf_of(*streams)
    assert number_in_pdf(pdf) == number_in_pdf(pdf)
