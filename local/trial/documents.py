"""The documents of a company's invoices, put where its mapping says that they lie before anything looks for them there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ConnectionError as NoStoreError
from botocore.exceptions import HTTPClientError
from psycopg2 import DataError, IntegrityError, InternalError
from psycopg2.extras import NamedTupleCursor

from local.simulator.core.control import Simulator
from local.simulator.core.documents import read
from local.simulator.core.invoice import Invoice
from local.trial.journal import connect
from local.trial.made import DocumentError, made_from
from local.trial.store import AddressRefusedError, Store

LARGEST_BYTES = 100_000_000
READY = "select invoice_id::text as id from facteur.invoice_source where ready"
SHOWN = "select invoice_id::text as id from facteur.invoice_source"
NOTED = "select coalesce(array_agg(distinct noted), '{}') as ids from facteur.changes, unnest(invoice_ids) noted"
# A note may be taken by the relay before it is seen here.
PENDING = "select invoice_id as id from facteur.submissions where state = 'pending'"
GO_ON = """
update facteur.submissions set due_at = facteur.now()
where state = 'pending' and queued_at is null and last_error_code = 'document_missing' and invoice_id = any (%(ids)s)
"""
EVERYTHING = "select exists (select from facteur.changes where invoice_ids = '{}') as noted"
READ = "select * from facteur.read_invoices(%(ids)s, %(largest)s) where ready"
AT_A_TIME = 500
RAISED = (DataError, IntegrityError, InternalError)  # by the company's view, on a row

Say = Callable[[str], None]


@dataclass(slots=True)
class Documents:
    """Brings each ready invoice's document into the emulator's S3: the user's own file of that name, or one made from the row.

    A row whose document cannot be brought is said once, keeps nobody else waiting, and is tried again each time.

    Args:
        url: of the company's database.
        folder: with the user's own files, if there is one.
        make: one from the row where the folder has none.
        greet: called with the SIREN and name of each buyer, for the platform to know it; None: strangers stay unknown.
        say: called with a line of what could not be brought.
    """

    url: str = field(repr=False)
    folder: Path | None
    make: bool
    greet: Callable[[str, str], None] | None
    say: Say
    brought: set[str] = field(default_factory=set)
    made: int = 0
    _files: dict[str, Path] = field(default_factory=dict)
    _complained: set[str] = field(default_factory=set)
    _examined: bool = False

    def bring(self, store: Store) -> None:
        """Bring what is ready and was not there yet; the first time, all that is."""
        connection = connect(self.url)
        try:
            connection.autocommit = True
            cursor: Any
            with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
                ids = self._due(cursor)
                for at in range(0, len(ids), AT_A_TIME):
                    for row in self._read(cursor, ids[at : at + AT_A_TIME]):
                        self._try(store, row)
                cursor.execute(GO_ON, {"ids": [each for each in ids if each in self.brought]})
        finally:
            connection.close()
        self._examined = True

    def forget(self) -> None:
        """The bucket is empty again."""
        self.brought.clear()
        self._examined = False

    def _due(self, cursor: Any) -> Sequence[str]:
        cursor.execute(EVERYTHING)
        if not self._examined or cursor.fetchone().noted:
            return [each for each in self._all(cursor) if each not in self.brought]
        cursor.execute(NOTED)
        noted = list(cursor.fetchone().ids)
        cursor.execute(PENDING)
        return noted + [row.id for row in cursor.fetchall() if row.id not in self.brought and row.id not in noted]

    def _all(self, cursor: Any) -> Sequence[str]:
        """What is ready; where the view raises on a row, whatever it shows."""
        try:
            cursor.execute(READY)
        except RAISED:
            cursor.execute(SHOWN)
        return [row.id for row in cursor.fetchall()]

    def _read(self, cursor: Any, ids: Sequence[str]) -> Sequence[Any]:
        """The rows of these that are ready. One on which the view raises is looked for by halves, and left out."""
        if not ids:
            return []
        try:
            cursor.execute(READ, {"ids": list(ids), "largest": LARGEST_BYTES})
        except RAISED as error:
            if len(ids) == 1:
                self._complain(ids[0], None, f"gets no document: the view raises on it: {str(error).splitlines()[0]}")
                return []
            half = len(ids) // 2
            return [*self._read(cursor, ids[:half]), *self._read(cursor, ids[half:])]
        found: Sequence[Any] = cursor.fetchall()
        return found

    def _try(self, store: Store, row: Any) -> None:
        try:
            self._bring(store, row)
        except (NoStoreError, HTTPClientError):  # that is no row's fault
            raise
        except Exception as error:  # noqa: BLE001 - whatever one row or file is like, it is said, and the others go on
            words = (
                str(error)
                if isinstance(error, DocumentError | AddressRefusedError)
                else f"{type(error).__name__}: {error}"
            )
            self._complain(row.invoice_id, row.invoice_number, " ".join(words.split()))

    def _bring(self, store: Store, row: Any) -> None:
        document = None if row.document is None else bytes(row.document)
        if document is None:
            bucket, key = _place(row.document_uri)
            document = self._document(row, key)
            store.put(bucket, key, document)
        self.brought.add(row.invoice_id)
        self._greet(document)

    def _document(self, row: Any, key: str) -> bytes:
        own = self._own_file(key.replace("\\", "/").rpartition("/")[2])
        if own is None and not self.make:
            raise DocumentError(
                f"waits for its document: there is no file {key.rpartition('/')[2]} in {self.folder} yet"
            )
        if own is not None:
            return own
        document = made_from(row)
        self.made += 1
        return document

    def _own_file(self, name: str) -> bytes | None:
        if self.folder is None:
            return None
        self._files = self._files if name in self._files else {p.name: p for p in self.folder.rglob("*") if p.is_file()}
        return self._files[name].read_bytes() if name in self._files else None

    def _greet(self, document: bytes) -> None:
        if self.greet is None:
            return
        found = read(document, validate=False)
        if isinstance(found, Invoice) and found.buyer.routing_siren:
            self.greet(found.buyer.routing_siren, found.buyer.name or "Acheteur")

    def _complain(self, invoice_id: str, number: str | None, why: str) -> None:
        if invoice_id not in self._complained:
            self._complained.add(invoice_id)
            self.say(f"✖ {number or 'row ' + invoice_id} {why}")


def _place(address: str | None) -> tuple[str, str]:
    """Bucket and key, as facteur.documents.store reads them: nothing in a key is a query or a fragment."""
    scheme, _, rest = (address or "").partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key.strip("/"):
        raise DocumentError(f"gets no document: {address or 'nothing'} is no address in S3, such as s3://bucket/key")
    return bucket, key


def greeter(platform: Simulator) -> Callable[[str, str], None]:
    """Makes each buyer known to the simulator once; all of them approve (205)."""
    known: set[str] = set()

    def greet(siren: str, name: str) -> None:
        if siren not in known:
            known.add(siren)
            platform.add_company(siren, name, behaviour="205")

    return greet
