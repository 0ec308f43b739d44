"""The company in a run: its invoices, how it corrects them, and the sessions that hold its rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facteur.errors import DatabaseUnavailableError
from facteur.postgres.database import Database
from local.invoices import BUYERS, SELLER, SampleInvoice, company, file_name, plain_pdf, render, sample_invoice
from local.invoices.model import Syntax
from local.invoices.padding import pad_to
from local.simulator.core.control import Simulator
from local.torture.schedule import KINDS, UNROUTABLE, Order

STALE_ID = "stale-"  # begins what an ORM saves that never was a deposit
SELLERS = (SELLER, company("Imprimerie Lune", "130", 7), company("Atelier Vauban", "130", 8))
INSERT = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
values (%(number)s, %(siren)s, %(issued)s, %(total)s, 'EUR', %(uri)s, %(status)s) returning id
"""
CORRECT = """
update invoicing.invoices set document_uri = %(uri)s, invoice_number = %(number)s, technical_status = 'pending' where id = %(id)s
"""
SHOWN = "select id, technical_status from invoicing.invoices where id = any (%(ids)s)"
STALE = """
update invoicing.invoices set technical_status = 'pending', submission_id = null, last_technical_update = null where id = any (%(ids)s)
"""
SET_STATUS = "update invoicing.invoices set status = %(status)s where id = any (%(ids)s)"
SYNTAX: Syntax = "cii"
OF_ANOTHER = ("twin", "rival", "namesake")  # they take the number of the one before
BY_HAND = "by-hand.xml"  # the name of what a person uploads
RIVAL = 500  # from one rank to that of another document for its number


@dataclass(slots=True)
class Entry:
    """An invoice of the run: its row, and every document that was ever its own."""

    id: int
    rank: int
    order: Order
    documents: set[str] = field(default_factory=set)
    corrections: int = 0
    corrected: bool = False
    lacking: bool = False  # its correction was saved without a document
    newest: str = ""  # the SHA-256 of the corrected document
    sent_before: int = 0  # deposits of these bytes when it was corrected: the buyer's entry may be what was corrected
    resubmitted: bool = False  # somebody set it back to pending
    decided: bool = False  # a person said how it ends
    meddled: bool = False  # its row shows a deposit that somebody wrote there
    by_hand: bool = False  # somebody uploaded its document at the platform
    known: bool = False  # its buyer was entered in the directory meanwhile
    refused_late: bool = False  # the platform took it, and refused it afterwards


def seller_of(order: Order) -> int:
    """Which of the company's sellers issues an invoice."""
    return (order.seller + (order.kind == "namesake")) % len(SELLERS)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where documents lie that are not in a folder."""

    s3: Any
    name: str

    def put(self, key: str, content: bytes) -> str:
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)
        return f"s3://{self.name}/{key}"


class Company:
    """Writes invoices as an application would; knows nothing of Facteur but the three columns."""

    def __init__(self, database: Database, simulators: Mapping[str, Simulator], folder: Path, bucket: Bucket) -> None:
        """`simulators`: of each account."""
        self._database, self._simulators, self._folder, self._bucket = database, simulators, folder, bucket
        self.entries: dict[int, Entry] = {}
        self.strangers: Sequence[str] = ()
        self.second_client: str | None = None
        self.refused: set[int] = set()
        self.unwritable: set[int] = set()  # whose statuses Postgres never takes
        self.unsaved: list[tuple[list[int], str]] = []
        self._laid: dict[tuple[Path, bool], tuple[str, str]] = {}  # documents: where each lies, and its hash

    def begin(self, strangers: Sequence[str] = (), second_client: str | None = None) -> None:
        self.strangers, self.second_client = strangers, second_client
        self.entries.clear()
        self.refused.clear()
        self.unwritable.clear()
        self.unsaved.clear()

    def write(self, orders: Sequence[Order], database: Database | None = None, status: str = "final") -> list[int]:
        """Insert invoices, in one transaction; their ids. Their faults are laid out first."""
        ids = []
        first = len(self.entries)
        for rank, order in enumerate(orders, first):
            rank = rank - 1 if order.kind in OF_ANOTHER and rank else rank
            invoice = self._invoice(rank, KINDS[order.kind].buyer, order)
            if faults := order.faults + KINDS[order.kind].faults:
                self._simulator(order.account).script(invoice.number, list(faults))
            uri, sha256 = self._document(invoice, order)
            number = invoice.number if KINDS[order.kind].numbered else None
            values = {
                "number": number, "siren": invoice.seller.siren, "issued": invoice.issue_date, "total": invoice.total,
                "uri": uri, "status": status,
            }  # fmt: skip
            entry = Entry((database or self._database).row(INSERT, values).id, rank, order, {sha256})
            self.entries[entry.id] = entry
            ids.append(entry.id)
            foreign = [self._stranger(kind, invoice, order) for kind in self.strangers]
            self._simulator(order.account).add_foreign_invoices(foreign)
        return ids

    def _stranger(self, kind: str, invoice: SampleInvoice, order: Order) -> dict[str, Any]:
        """What somebody else deposited with the same client under an invoice's number, or received."""
        client = self._simulator(order.account).client_id
        if order.account == "second" and self.second_client:
            client = self.second_client
        same = {
            "number": invoice.number,
            "seller": invoice.seller.siren,
            "account": client,
            "issue_date": str(invoice.issue_date),
        }
        other: dict[str, dict[str, Any]] = {
            "seller": {"seller": "999999998", "total": str(invoice.total)},
            "year": {"issue_date": "2025-10-10", "age_seconds": 31_536_000.0, "total": str(invoice.total + 1)},
            "inbound": {"direction": "INBOUND", "total": str(invoice.total)},
            "amount": {"total": str(invoice.total + 1)},
        }
        return {**same, "age_seconds": 0.0, "statuses": ["MADE_AVAILABLE"], **other[kind]}

    def correct(self) -> bool:
        """Correct what shows a refusal and is to be corrected. A locked row is left for later."""
        self._save()
        waiting = [
            e.id for e in self.entries.values() if e.order.correct and not e.lacking and e.id not in self.refused
        ]
        shown = self._database.rows(SHOWN, {"ids": waiting}) if waiting else []
        found = [self.entries[r.id] for r in shown if self._shows_refusal(self.entries[r.id], r.technical_status)]
        return any([self._correct(each) for each in found])

    def supply(self) -> bool:
        """Lay the documents of corrections that were saved without; whether there were any."""
        found = [each for each in self.entries.values() if each.lacking]
        for each in found:
            each.lacking = not self._correct(each)
        return bool(found)

    def _shows_refusal(self, entry: Entry, status: str) -> bool:
        """Once each; and once more where another deposit of the old document was refused before the new one was sent."""
        if not entry.corrected:
            return status in {"rejected", "error"}
        if entry.corrections > 1:
            return False
        number = self._invoice(entry.rank, None, entry.order).number
        return status == "rejected" and self._deposits(number, entry.newest) <= entry.sent_before

    def _simulator(self, account: str) -> Simulator:
        return self._simulators[account]

    def _ledger(self, number: str) -> list[dict[str, Any]]:
        return [each for simulator in self._everywhere() for each in simulator.ledger(number)]

    def _deposits(self, number: str, sha256: str) -> int:
        return sum(each["sha256"] == sha256 for each in self._ledger(number))

    def _enter(self, siren: str) -> None:
        """A buyer is in the directory from now on, which all platforms share."""
        for simulator in self._everywhere():
            simulator.add_company(siren, behaviour="205")

    def _everywhere(self) -> list[Simulator]:
        return list({each.admin_url: each for each in self._simulators.values()}.values())

    def save_stale(self, ids: Sequence[int]) -> None:
        """What an ORM does that read rows before Facteur wrote to them."""
        self._execute(STALE, ids)
        for each in ids:
            self.entries[each].resubmitted = True

    def save_id(self, ids: Sequence[int], deposit_id: str | None) -> None:
        """What an ORM does that read a row before its deposit was shown, and saves that one column."""
        self._execute(
            "update invoicing.invoices set submission_id = %(deposit)s where id = any (%(ids)s)", ids, deposit_id
        )
        for each in ids:
            self.entries[each].meddled = True

    def touch(self, ids: Sequence[int]) -> None:
        self._execute("update invoicing.invoices set total = total where id = any (%(ids)s)", ids)

    def upload(self, entry: Entry, *, known: bool) -> None:
        """Somebody uploads a row's very document at the platform; `known`: its buyer is entered in the directory afterwards."""
        invoice = self._invoice(entry.rank, KINDS[entry.order.kind].buyer, entry.order)
        self._simulator(entry.order.account).upload(BY_HAND, _content(invoice, entry.order).decode())
        entry.by_hand = True
        if known and KINDS[entry.order.kind].buyer == UNROUTABLE:
            self._enter(invoice.buyer.siren)
            entry.known = True

    def set_status(self, ids: Sequence[int], status: str) -> None:
        """Now or, where a row is locked, as soon as that works."""
        self.unsaved.append((list(ids), status))
        self._save()

    def _save(self) -> None:
        try:
            while self.unsaved:
                self._database.rows(SET_STATUS, dict(zip(("ids", "status"), self.unsaved[0], strict=True)))
                del self.unsaved[0]
        except DatabaseUnavailableError:
            return

    def owners(self) -> dict[str, list[Entry]]:
        """Whose a document is, by its hash; twins share theirs."""
        found = defaultdict(list)
        for entry in self.entries.values():
            for sha256 in entry.documents:
                found[sha256].append(entry)
        return found

    def _execute(self, statement: str, ids: Sequence[int], deposit_id: str | None = None) -> None:
        try:
            self._database.rows(statement, {"ids": list(ids), "deposit": deposit_id})
        except DatabaseUnavailableError:
            return  # a row is locked; an application would say so to its user

    def _correct(self, entry: Entry) -> bool:
        invoice = self._invoice(entry.rank, None, entry.order)
        if entry.order.same_document:
            self._enter(self._invoice(entry.rank, UNROUTABLE, entry.order).buyer.siren)
            invoice = self._invoice(entry.rank, KINDS[entry.order.kind].buyer, entry.order)
        if entry.order.lacks and not entry.lacking and not entry.corrected:
            entry.lacking = entry.resubmitted = self._saved(invoice, entry, None)
            return entry.lacking
        self._simulator(entry.order.account).script(invoice.number, list(entry.order.later))
        uri, sha256 = self._document(invoice, entry.order)
        sent_before = self._deposits(invoice.number, sha256)
        if not self._saved(invoice, entry, uri):
            return False
        entry.documents.add(sha256)
        entry.newest, entry.sent_before = sha256, sent_before
        entry.corrected = entry.resubmitted = True
        entry.corrections += 1
        return True

    def _saved(self, invoice: SampleInvoice, entry: Entry, uri: str | None) -> bool:
        try:
            self._database.rows(CORRECT, {"uri": uri, "number": invoice.number, "id": entry.id})
        except DatabaseUnavailableError:
            return False
        return True

    def _invoice(self, rank: int, behaviour: str | None, order: Order) -> SampleInvoice:
        buyer: Any = company("Client Secret & Cie", behaviour, rank) if behaviour else BUYERS[rank % len(BUYERS)]
        seller = SELLERS[seller_of(order)]
        if order.kind == "rival":
            return replace(sample_invoice(rank + RIVAL, buyer=buyer, seller=seller), number=sample_invoice(rank).number)
        return sample_invoice(rank, buyer=buyer, seller=seller)

    def _document(self, invoice: SampleInvoice, order: Order) -> tuple[str, str]:
        kind = order.kind if order.kind in {"rival", "scanned"} else "plain"
        variant = f"{kind}-{invoice.seller.siren}-{invoice.buyer.siren}-{order.size}"
        path = (
            self._folder
            / order.account
            / variant
            / file_name(invoice, "facturx" if order.kind == "scanned" else SYNTAX)
        )
        if (path, order.in_bucket) not in self._laid:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _content(invoice, order)
            path.write_bytes(content)
            key = f"documents/{path.relative_to(self._folder)}"
            uri = self._bucket.put(key, content) if order.in_bucket else path.as_uri()
            self._laid[path, order.in_bucket] = uri, hashlib.sha256(content).hexdigest()
        return self._laid[path, order.in_bucket]


def _content(invoice: SampleInvoice, order: Order) -> bytes:
    content = plain_pdf(invoice) if order.kind == "scanned" else render(invoice, SYNTAX)
    return pad_to(content, order.size) if order.size else content
