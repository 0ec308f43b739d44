"""Documents: from the row itself, from S3, or (outside Lambda) from a file."""

from __future__ import annotations

import hashlib
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote

from facteur.aws.s3 import Objects
from facteur.documents.number import number_in
from facteur.domain.document_kind import FIRST_BYTES, extension_of
from facteur.domain.submission import Invoice
from facteur.errors import (
    DocumentMissingError,
    DocumentUnavailableError,
    DocumentUnusableError,
    Problem,
    StoreRefusedError,
)
from facteur.postgres.database import Database

BLOCK_BYTES = 1 << 20
ROW_PART_BYTES = 4 << 20
LONGEST_NUMBER = 100  # letters of one that are shown
LONGEST_STEM = 100
XML_SPACE = " \t\r\n"
CONTENT_TYPES = {".pdf": "application/pdf", ".xml": "application/xml"}


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A document in memory or, if it is large, in a temporary file."""

    file_name: str
    content_type: str
    size: int
    sha256: str
    content: bytes | IO[bytes] = field(repr=False)

    def open(self) -> IO[bytes]:
        if isinstance(self.content, bytes):
            return BytesIO(self.content)
        self.content.seek(0)
        return _Borrowed(self.content)

    def close(self) -> None:
        if not isinstance(self.content, bytes):
            self.content.close()


class _Borrowed(BytesIO):
    """Reads a file that stays open for a repeat."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)


class DocumentStore:
    """The port Documents."""

    def __init__(self, database: Database, objects: Objects, *, allow_files: bool) -> None:
        self._database, self._objects, self._allow_files = database, objects, allow_files

    def far(self, invoice: Invoice) -> bool:
        return invoice.document is None and not (invoice.document_uri or "").startswith("file:")

    def fetch(self, invoice: Invoice, hold_bytes: int | None, longest_bytes: int) -> FetchedDocument | None:
        with _unreadable_store():
            size, blocks = self._open(invoice)
            if size == 0:
                raise DocumentUnusableError(Problem("document_empty", "the document is empty"))
            if size > longest_bytes:
                words = f"the document has {size:,} bytes; the platform takes {longest_bytes / 1e6:g} MB"
                raise DocumentUnusableError(Problem("document_too_large", words))
            if hold_bytes is not None and size > hold_bytes:
                return None
            document = _fetched(invoice, blocks(), size, in_memory=hold_bytes is not None)
            try:
                self._check_whole(invoice, document)
                _check_number(invoice, document)
            except BaseException:
                document.close()
                raise
            return document

    def _open(self, invoice: Invoice) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """The size, and a way to the bytes."""
        if invoice.document is not None:
            whole = invoice.document
            return len(whole), lambda: iter([whole])
        if invoice.document_bytes:
            return invoice.document_bytes, lambda: self._row_parts(invoice)
        if not invoice.document_uri:
            raise DocumentMissingError(Problem("document_missing", "the invoice has neither document_uri nor document"))
        scheme, _, address = invoice.document_uri.partition("://")
        bucket, _, key = address.partition("/")
        if scheme == "s3" and bucket and key.strip("/"):
            if opened := self._objects.open(bucket, key, BLOCK_BYTES):
                return opened
            raise self._unusable_uri()
        if scheme == "file" and not bucket and "%00" not in key and self._allow_files:
            path = Path("/", unquote(key))
            return path.stat().st_size, lambda: _file_blocks(path)
        raise self._unusable_uri()

    def _unusable_uri(self) -> DocumentUnusableError:
        expected = "s3://bucket/key" + (" or file:///path" if self._allow_files else "")
        return DocumentUnusableError(Problem("document_uri_unusable", f"document_uri must be {expected}"))

    def _row_parts(self, invoice: Invoice) -> Iterator[bytes]:
        statement = "select facteur.read_document(%(id)s, %(start)s, %(bytes)s) as part"
        for start in range(1, (invoice.document_bytes or 0) + 1, ROW_PART_BYTES):
            parameters = {"id": invoice.invoice_id, "start": start, "bytes": ROW_PART_BYTES}
            yield bytes(self._database.row(statement, parameters).part or b"")

    def _check_whole(self, invoice: Invoice, document: FetchedDocument) -> None:
        """Raises DocumentUnavailableError where a document was replaced in its row while it was read in parts."""
        if invoice.document is not None or not invoice.document_bytes:
            return
        statement = "select facteur.document_sha256(%(id)s) as sha256"
        if self._database.row(statement, {"id": invoice.invoice_id}).sha256 != document.sha256:
            raise DocumentUnavailableError(Problem("document_unavailable", "the document changed while it was read"))


@contextmanager
def _unreadable_store() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DocumentMissingError(Problem("document_missing", "nothing lies at document_uri yet")) from None
    except OSError as exc:
        raise StoreRefusedError(type(exc).__name__) from None


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _fetched(invoice: Invoice, blocks: Iterator[bytes], size: int, *, in_memory: bool) -> FetchedDocument:
    file: IO[bytes] = BytesIO() if in_memory else tempfile.TemporaryFile()  # noqa: SIM115  closed with the document
    try:
        first, sha256 = _kept(blocks, file, size)
        extension = _extension(first)
    except BaseException:
        file.close()
        raise
    content = file.getvalue() if isinstance(file, BytesIO) else file
    return FetchedDocument(_file_name(invoice, extension), CONTENT_TYPES[extension], size, sha256, content)


def _kept(blocks: Iterator[bytes], file: IO[bytes], size: int) -> tuple[bytes, str]:
    """Write a document into a file; its beginning, and its hash."""
    digest, first, written = hashlib.sha256(), b"", 0
    for block in blocks:
        first = first or block[:FIRST_BYTES]
        digest.update(block)
        written += file.write(block)
    if written != size:
        raise DocumentUnavailableError(Problem("document_unavailable", "the document changed while it was read"))
    return first, digest.hexdigest()


def _extension(first: bytes) -> str:
    if extension := extension_of(first):
        return extension
    raise DocumentUnusableError(Problem("document_neither_pdf_nor_xml", "the document is neither PDF nor XML"))


def _check_number(invoice: Invoice, document: FetchedDocument) -> None:
    """Raises DocumentUnusableError where an XML document has another number than its row: a look-up would never find it."""
    if document.content_type != CONTENT_TYPES[".xml"]:
        return
    number = number_in(document.open())
    # to the letter: search may be as strict
    if number is not None and number.strip(XML_SPACE) != invoice.invoice_number:
        words = (
            f"the document's number is {_to_the_letter(number)}, the row's is {_to_the_letter(invoice.invoice_number)}"
        )
        raise DocumentUnusableError(Problem("number_differs", words))


def _to_the_letter(number: str | None) -> str:
    """In quotes, what is not plain ASCII escaped: two numbers that look alike differ here."""
    shown = ascii((number or "").strip(XML_SPACE))
    return shown if len(shown) <= LONGEST_NUMBER else f"{shown[:LONGEST_NUMBER]}…'"


def _file_name(invoice: Invoice, extension: str) -> str:
    uri = invoice.document_uri or ""
    address = PurePosixPath(unquote(uri) if uri.startswith("file:") else uri).name
    given = invoice.file_name or address or invoice.invoice_number or "invoice"
    stem = re.sub(r"\.(pdf|xml)$", "", unicodedata.normalize("NFKD", given), flags=re.IGNORECASE)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", re.sub(r"[\u0300-\u036f]", "", stem)).strip("._")
    return (plain or "invoice")[:LONGEST_STEM] + extension
