"""An invoice's number, BT-1, as the XML says it that a PDF has embedded (Factur-X)."""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from mmap import mmap

from facteur.documents.number import MOST_BYTES, number_in
from facteur.domain.document_kind import FIRST_BYTES, extension_of
from facteur.errors import DocumentUnusableError

# An embedded file is a stream object of its own (ISO 32000-1, 7.11.4), and in PDF/A never encrypted: no table must be read to find it.
STREAM = re.compile(rb"(?<!end)stream\r?\n")
END = b"endstream"
MOST_STREAMS = 100_000
MOST_READ_BYTES = 16 << 20  # of those that begin as XML, stored and inflated


def number_in_pdf(pdf: bytes | mmap) -> str | None:
    """BT-1 of the one invoice in it; None: none can be read here, as in a PDF without XML, or several say different numbers.

    Only what is stored plainly or deflated is read. Takes time in proportion to the PDF's size, whatever it is.
    """
    numbers, read = set[str](), 0
    for streams, found in enumerate(STREAM.finditer(pdf)):
        if streams == MOST_STREAMS or read > MOST_READ_BYTES:
            return None
        first = pdf[found.end() : found.end() + FIRST_BYTES]
        plain = extension_of(first) == ".xml"
        if not plain and extension_of(_inflated(first, FIRST_BYTES)) != ".xml":
            continue
        end = pdf.find(END, found.end(), found.end() + MOST_BYTES)
        stored = pdf[found.end() : end if end > 0 else found.end() + MOST_BYTES]
        xml = stored.rstrip() if plain else _inflated(stored, MOST_BYTES)
        read += len(stored) + len(xml)
        if (number := _number(xml)) is not None:
            numbers.add(number)
    return numbers.pop() if len(numbers) == 1 else None


def _inflated(deflated: bytes, most: int) -> bytes:
    """What these bytes begin with; nothing where they are none of zlib's."""
    try:
        return zlib.decompressobj().decompress(deflated, most)
    except zlib.error:
        return b""


def _number(xml: bytes) -> str | None:
    try:
        return number_in(BytesIO(xml))
    except DocumentUnusableError:
        return None  # some other XML
