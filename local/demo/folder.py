"""The user's own invoices: a folder of XML and PDF files, read as the platform will read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path

from local.demo.cases import ANY_STATUS, Case, Ending
from local.simulator.core.documents import read
from local.simulator.core.invoice import Invoice, Unreadable

EXTENSIONS = (".pdf", ".xml")


class FolderError(Exception):
    """There is nothing to read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found: invoices to deposit, their buyers (SIREN and name), and why the other files were left out."""

    cases: tuple[Case, ...]
    buyers: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


def read_folder(folder: Path) -> Folder:
    """Read every .pdf and .xml file of the folder, in the order of their names.

    Raises:
        FolderError: there is no such folder, or no such file in it.
    """
    files = sorted(path for path in _entries(folder) if path.suffix.lower() in EXTENSIONS)
    if not files:
        raise FolderError(f"no .pdf or .xml file in {folder}")
    cases: list[Case] = []
    buyers: dict[str, str] = {}
    left_out: list[str] = []
    seen: dict[object, str] = {}
    for path in files:
        document = path.read_bytes()
        first = seen.setdefault(sha256(document).hexdigest(), path.name)
        found = read(document) if first == path.name else f"the same document as {first}"
        case = found if isinstance(found, str) else _case(path.name, document, found)
        if isinstance(case, Case):
            case = _first_of_its_number(case, seen)
        if isinstance(case, str):
            left_out.append(f"{path.name}: {case}")
            continue
        cases.append(case)
        if isinstance(found, Invoice) and found.buyer.routing_siren:
            buyers[found.buyer.routing_siren] = found.buyer.name or "Acheteur"
    return Folder(tuple(cases), tuple(buyers.items()), tuple(left_out))


def _entries(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise FolderError(f"there is no folder {folder}")
    return folder.iterdir()


def _case(name: str, document: bytes, found: Invoice | Unreadable) -> Case | str:
    """The row for a document, or what it lacks."""
    if isinstance(found, Unreadable):
        return f"{found.reason}: {found.message}"
    total = _decimal(found.total)
    if found.number is None or found.seller.siren is None or found.issue_date is None or total is None:
        needed = {
            "a number (BT-1)": found.number, "a seller's SIREN (BT-30)": found.seller.siren,
            "an issue date (BT-2)": found.issue_date, "a total (BT-112)": total,
        }  # fmt: skip
        return f"the document lacks {', '.join(name for name, value in needed.items() if value is None)}"
    return Case(
        number=found.number,
        seller_siren=found.seller.siren,
        issue_date=found.issue_date,
        total=total,
        currency=found.currency or "EUR",
        file_name=name,
        document=document,
        story=f"{found.format.value}, to {found.buyer.name or 'an unnamed buyer'}",
        ending=Ending("validated", ANY_STATUS),
    )


def _first_of_its_number(case: Case, seen: dict[object, str]) -> Case | str:
    """The row, unless the platform would take it for a duplicate: which of the two is first is a matter of chance."""
    first = seen.setdefault((case.number, case.seller_siren, case.issue_date.year), case.file_name)
    return case if first == case.file_name else f"the number {case.number} of {first}, so it would be a duplicate"


def _decimal(written: str | None) -> Decimal | None:
    try:
        return Decimal(written) if written else None
    except InvalidOperation:
        return None
