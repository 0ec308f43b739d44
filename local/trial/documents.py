"""The documents of a company's invoices, put where its mapping says that they lie before anything looks for them there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg2.extras import NamedTupleCursor

from local.aws import Aws
from local.invoices import BUYERS, Company, Line, SampleInvoice, render
from local.simulator.control import Simulator
from local.simulator.documents import read
from local.simulator.invoice import Invoice
from local.trial.journal import connect

LARGEST_BYTES = 100_000_000
READY = "select invoice_id::text as id from facteur.invoice_source where ready"
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

Say = Callable[[str], None]


@dataclass(slots=True)
class Documents:
    """Brings each ready invoice's document into the emulator's S3: the user's own file of that name, or one made from the row.

    Args:
        url: of the company's database.
        folder: with the user's own files; None where there is none, and then documents are made from the rows.
        greet: told the SIREN and name of each buyer, for the platform to know it; None: strangers stay unknown.
        say: told in a line what could not be brought.
    """

    url: str = field(repr=False)
    folder: Path | None
    greet: Callable[[str, str], None] | None
    say: Say
    brought: set[str] = field(default_factory=set)
    made: int = 0
    _files: dict[str, Path] = field(default_factory=dict)
    _complained: set[str] = field(default_factory=set)
    _looked: bool = False

    def bring(self, aws: Aws) -> None:
        """Bring what is ready and was not there yet; the first time, all that is."""
        connection = connect(self.url)
        try:
            connection.autocommit = True
            cursor: Any
            with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
                ids = self._due(cursor)
                for at in range(0, len(ids), AT_A_TIME):
                    cursor.execute(READ, {"ids": ids[at : at + AT_A_TIME], "largest": LARGEST_BYTES})
                    for row in cursor.fetchall():
                        self._bring(aws, row)
                cursor.execute(GO_ON, {"ids": [each for each in ids if each in self.brought]})
        finally:
            connection.close()
        self._looked = True

    def forget(self) -> None:
        """The bucket is empty again."""
        self.brought.clear()
        self._looked = False

    def _due(self, cursor: Any) -> Sequence[str]:
        cursor.execute(EVERYTHING)
        if not self._looked or cursor.fetchone().noted:
            cursor.execute(READY)
            return [row.id for row in cursor.fetchall() if row.id not in self.brought]
        cursor.execute(NOTED)
        noted = list(cursor.fetchone().ids)
        cursor.execute(PENDING)
        return noted + [row.id for row in cursor.fetchall() if row.id not in self.brought and row.id not in noted]

    def _bring(self, aws: Aws, row: Any) -> None:
        if row.document is not None:
            self._greet(bytes(row.document))
            self.brought.add(row.invoice_id)
            return
        place = urlsplit(row.document_uri or "")
        if place.scheme != "s3":
            return  # `facteur show` says what is wrong with it
        document = self._own_file(row, place.path) if self.folder else self._made(row)
        if document is None:
            return
        s3 = aws.session.client("s3", endpoint_url=aws.endpoint_url)
        s3.put_object(Bucket=place.netloc, Key=place.path.removeprefix("/"), Body=document)
        self._greet(document)
        self.brought.add(row.invoice_id)

    def _own_file(self, row: Any, path: str) -> bytes | None:
        if self.folder is None:
            return None
        name = path.rpartition("/")[2]
        self._files = self._files if name in self._files else {p.name: p for p in self.folder.rglob("*") if p.is_file()}
        if name in self._files:
            return self._files[name].read_bytes()
        self._complain(row, f"waits for its document: there is no file {name} in {self.folder} yet")
        return None

    def _made(self, row: Any) -> bytes | None:
        lacking = [name for name in ("invoice_number", "seller_siren") if getattr(row, name) is None]
        if lacking:
            self._complain(row, f"gets no document: its row does not say {', '.join(lacking)}")
            return None
        try:
            document = render(made_from(row), "ubl")
        except ValueError as error:
            self._complain(row, f"gets no document: {error}")
            return None
        self.made += 1
        return document

    def _greet(self, document: bytes) -> None:
        if self.greet is None:
            return
        found = read(document, validate=False)
        if isinstance(found, Invoice) and found.buyer.routing_siren:
            self.greet(found.buyer.routing_siren, found.buyer.name or "Acheteur")

    def _complain(self, row: Any, why: str) -> None:
        if row.invoice_id not in self._complained:
            self._complained.add(row.invoice_id)
            self.say(f"✖ {row.invoice_number or 'row ' + row.invoice_id} {why}")


def made_from(row: Any) -> SampleInvoice:
    """An invoice with the row's number, seller, date and total, to one of the simulator's buyers.

    Raises:
        ValueError: it cannot be an invoice, for instance because its number is too long.
    """
    issued = row.issue_date or datetime.now(UTC).date()
    buyer = BUYERS[sum(row.invoice_id.encode()) % len(BUYERS)]
    return SampleInvoice(
        number=row.invoice_number,
        seller=Company("Vendeur", row.seller_siren),
        buyer=buyer,
        issue_date=issued,
        due_date=issued + timedelta(days=30),
        lines=tuple(_lines(Decimal("120.00") if row.total is None else row.total.quantize(Decimal("0.01")))),
    )


def _lines(total: Decimal) -> Sequence[Line]:
    """Lines whose sum with VAT is the total, to the cent: what 20 % cannot hit, a line at 5.5 % of a few cents does."""
    sign = -1 if total < 0 else 1
    for small in range(20):
        rest = abs(total) - Decimal(small) / 100
        net = (rest / Decimal("1.2")).quantize(Decimal("0.01"))
        lines = [Line("D'après la ligne de la table", Decimal(sign), net)]
        if small:
            lines.append(Line("Arrondi", Decimal(sign), Decimal(small) / 100, Decimal("5.5")))
        if _sum(lines) == total:
            return lines
    raise ValueError(f"no lines make its total of {total}")


def _sum(lines: Sequence[Line]) -> Decimal:
    day = date(2026, 9, 1)
    return SampleInvoice("N", SOMEBODY, SOMEBODY, day, day, tuple(lines)).total


SOMEBODY = BUYERS[0]


def greeter(platform: Simulator) -> Callable[[str, str], None]:
    """Makes each buyer known to the simulator once; all of them approve (205)."""
    known: set[str] = set()

    def greet(siren: str, name: str) -> None:
        if siren not in known:
            known.add(siren)
            platform.add_company(siren, name, behaviour="205")

    return greet
