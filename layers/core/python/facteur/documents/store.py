"""Documents: from the row itself, from S3, or (outside Lambda) from a file."""

from __future__ import annotations

import hashlib
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote

from facteur.aws.s3 import Objects
from facteur.documents.number import number_in
from facteur.documents.pdf import number_in_pdf
from facteur.domain.checks import check_number, check_size, checked_extension, place_of
from facteur.domain.document_kind import FIRST_BYTES
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
LONGEST_STEM = 100
CONTENT_TYPES = {".pdf": "application/pdf", ".xml": "application/xml"}


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A document in memory or, if it is large, in a temporary file. `number`: BT-1; None: it cannot be read in it.

    `seller_siren`: its row's.
    """

    file_name: str
    content_type: str
    size: int
    sha256: str
    content: bytes | IO[bytes] = field(repr=False)
    number: str | None = None
    seller_siren: str | None = None

    @property
    def number_read(self) -> bool:
        return self.number is not None

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
            check_size(size, longest_bytes)
            if hold_bytes is not None and size > hold_bytes:
                return None
            document = _fetched(invoice, blocks(), size, in_memory=hold_bytes is not None)
            try:
                self._check_whole(invoice, document)
                document = replace(document, number=_number(document))
                check_number(document.number, invoice.invoice_number)
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
        scheme, bucket, key = place_of(invoice.document_uri, files=self._allow_files) or ("", "", "")
        if scheme == "file":
            path = Path("/", unquote(key))
            return path.stat().st_size, lambda: _file_blocks(path)
        if scheme == "s3" and (opened := self._objects.open(bucket, key, BLOCK_BYTES)):
            return opened
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
        extension = checked_extension(first)
    except BaseException:
        file.close()
        raise
    content = file.getvalue() if isinstance(file, BytesIO) else file
    return FetchedDocument(
        _file_name(invoice, extension),
        CONTENT_TYPES[extension],
        size,
        sha256,
        content,
        seller_siren=invoice.seller_siren,
    )


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


def _number(document: FetchedDocument) -> str | None:
    if document.content_type == CONTENT_TYPES[".xml"]:
        return number_in(document.open())
    if isinstance(document.content, bytes):
        return number_in_pdf(document.content)
    document.content.flush()
    with mmap(document.content.fileno(), 0, access=ACCESS_READ) as pdf:
        return number_in_pdf(pdf)


def _file_name(invoice: Invoice, extension: str) -> str:
    uri = invoice.document_uri or ""
    address = PurePosixPath(unquote(uri) if uri.startswith("file:") else uri).name
    given = invoice.file_name or address or invoice.invoice_number or "invoice"
    stem = re.sub(r"\.(pdf|xml)$", "", unicodedata.normalize("NFKD", given), flags=re.IGNORECASE)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", re.sub(r"[\u0300-\u036f]", "", stem)).strip("._")
    return (plain or "invoice")[:LONGEST_STEM] + extension
