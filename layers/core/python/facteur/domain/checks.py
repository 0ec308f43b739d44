"""What must hold of an invoice before it is sent: of its row, of its document, and of what was sent of it before. Pure functions.

The only place that says so. What a platform refuses by itself, and says why, is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from facteur.domain.document_kind import extension_of
from facteur.domain.submission import Invoice
from facteur.errors import DocumentUnusableError, Problem

SIREN = re.compile(r"[0-9]{9}")  # ASCII: a platform reads no other digits
XML_SPACE = " \t\r\n"
LONGEST_NUMBER = 100  # letters of one that are shown
SHOWN_TWICE = Problem("shown_twice", "facteur.invoice_source shows this invoice more than once")


def is_siren(text: str | None) -> bool:
    return bool(SIREN.fullmatch(text or ""))


def lacking(invoice_number: str | None, seller_siren: str | None) -> list[str]:
    """What a row lacks to be identified by: a deposit whose answer is lost is looked up by these, so none is made without them."""
    return [
        *([] if invoice_number else ["invoice_number"]),
        *([] if is_siren(seller_siren) else ["seller_siren (nine digits)"]),
    ]


def check_row(invoice: Invoice) -> None:
    """Raises DocumentUnusableError where it could not be looked up."""
    if names := lacking(invoice.invoice_number, invoice.seller_siren):
        raise _unusable("not_identifiable", f"the invoice has no {names[0]}: it could not be looked up")


def place_of(document_uri: str, *, files: bool) -> tuple[str, str, str] | None:
    """`s3` with bucket and key, or `file` (where `files` are read) without a bucket, its key still quoted; None: neither."""
    scheme, _, address = document_uri.partition("://")
    bucket, _, key = address.partition("/")
    if scheme == "s3" and bucket and key.strip("/"):
        return scheme, bucket, key
    return (scheme, "", key) if scheme == "file" and files and not bucket and "%00" not in key else None


def check_size(size: int, longest_bytes: int) -> None:
    """Raises DocumentUnusableError for no bytes at all, and for more than the platform takes."""
    if size == 0:
        raise _unusable("document_empty", "the document is empty")
    if size > longest_bytes:
        words = f"the document has {size:,} bytes; the platform takes {longest_bytes / 1e6:g} MB"
        raise _unusable("document_too_large", words)


def checked_extension(first: bytes) -> str:
    """`.xml` or `.pdf`, by a document's beginning. Raises DocumentUnusableError where it is neither."""
    if extension := extension_of(first):
        return extension
    raise _unusable("document_neither_pdf_nor_xml", "the document is neither PDF nor XML")


def check_number(in_document: str | None, in_row: str | None) -> None:
    """To the letter, for a search may be as strict: of another number than its row's a look-up would never find it.

    Raises:
        DocumentUnusableError: they differ. None in the document: it does not say.
    """
    if in_document is not None and in_document.strip(XML_SPACE) != in_row:
        words = f"the document's number is {_to_the_letter(in_document)}, the row's is {_to_the_letter(in_row)}"
        raise _unusable("number_differs", words)


def check_unchanged(sha256: str, doubtful_sha256: Collection[str]) -> None:
    """Raises DocumentUnusableError where other bytes were sent before, and nobody knows yet what became of them."""
    if doubtful_sha256 and sha256 not in doubtful_sha256:
        words = "the document is not the one of an earlier attempt whose outcome is unknown"
        raise _unusable("document_changed", words)


def _to_the_letter(number: str | None) -> str:
    """In quotes, what is not plain ASCII escaped: two numbers that look alike differ here."""
    shown = ascii((number or "").strip(XML_SPACE))
    return shown if len(shown) <= LONGEST_NUMBER else f"{shown[:LONGEST_NUMBER]}…'"


def _unusable(code: str, words: str) -> DocumentUnusableError:
    return DocumentUnusableError(Problem(code, words))
