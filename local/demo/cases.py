"""The invoices of the demo, each with the end that it has to reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from local.invoices import (
    BUYERS,
    DIFFICULT_BUYERS,
    UNKNOWN_BUYER,
    Company,
    Syntax,
    file_name,
    plain_pdf,
    render,
    sample_invoice,
    with_schema_violation,
)

SYNTAXES: tuple[Syntax, ...] = ("facturx", "ubl", "cii")
ORDINARY = 24  # two for each buyer
ANY_STATUS = "any"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an invoice has to end: what its row shows, and how often the platform has its document.

    `lifecycle_code` None means that the platform never gave the invoice a status; ANY_STATUS means that it gave one.
    """

    technical_status: str
    lifecycle_code: str | None
    deposits: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One row of invoicing.invoices, the document that it points to, and what the platform does to it."""

    number: str
    seller_siren: str
    issue_date: date
    total: Decimal
    currency: str
    file_name: str
    document: bytes
    story: str
    ending: Ending
    faults: tuple[str, ...] = ()
    finished: bool = True


def sample_cases() -> list[Case]:
    """At least thirty invoices: two for every ordinary buyer, and one for everything that can go otherwise."""
    return [*_ordinary_cases(), *_difficult_buyers(), *_bad_documents(), *_bad_connections(), _draft()]


def _ordinary_cases() -> Iterator[Case]:
    for rank in range(1, ORDINARY + 1):
        buyer = BUYERS[rank % len(BUYERS)]
        yield ordinary_case(rank, buyer)


def _difficult_buyers() -> Iterator[Case]:
    endings = {"213": Ending("rejected", "213"), "404": Ending("validated", "200")}
    for rank, (behaviour, buyer) in enumerate(DIFFICULT_BUYERS.items(), start=ORDINARY + 1):
        yield _case(rank, buyer, STORIES[behaviour], endings.get(behaviour, Ending("validated", behaviour)))


def _bad_documents() -> Iterator[Case]:
    unknown = _case(41, UNKNOWN_BUYER, "the platform does not know the buyer", Ending("rejected", "213"))
    unreadable = _case(42, BUYERS[0], "a PDF without XML: unreadable", Ending("rejected", "501"))
    invalid = _case(43, BUYERS[0], "the XML violates its schema", Ending("rejected", "213"))
    yield unknown
    yield replace(unreadable, document=plain_pdf(sample_invoice(42)), file_name="F-2026-00042.pdf")
    yield replace(invalid, document=with_schema_violation(sample_invoice(43), "ubl"), file_name="F-2026-00043.xml")


def _bad_connections() -> Iterator[Case]:
    approved = Ending("validated", "205")
    refused_at_once = Ending("rejected", None, deposits=0)
    yield _case(51, BUYERS[0], "refused at once with HTTP 400", refused_at_once, "400")
    yield _case(52, BUYERS[0], "503 first: looked up, not there, sent again", approved, "503")
    yield _case(53, BUYERS[0], "the answer is lost: looked up, found, not sent again", approved, "lost_answer")
    yield _case(54, BUYERS[0], "503 after it was stored: found, not sent again", approved, "503_stored")
    yield _case(55, BUYERS[0], "too fast (429): sent again a second later", approved, "429_seconds:1")


def _draft() -> Case:
    untouched = Ending("pending", None, deposits=0)
    return replace(_case(61, BUYERS[0], "a draft: nobody touches it", untouched), finished=False)


def ordinary_case(rank: int, buyer: Company) -> Case:
    """An invoice to one of BUYERS, which ends as that buyer decides."""
    code = buyer.siren[:3]
    return _case(rank, buyer, STORIES[code], Ending("validated", code))


def _case(rank: int, buyer: Company, story: str, ending: Ending, *faults: str) -> Case:
    syntax = SYNTAXES[rank % len(SYNTAXES)]
    invoice = sample_invoice(rank, buyer=buyer)
    return Case(
        number=invoice.number,
        seller_siren=invoice.seller.siren,
        issue_date=invoice.issue_date,
        total=invoice.total,
        currency="EUR",
        file_name=file_name(invoice, syntax),
        document=render(invoice, syntax),
        story=story,
        ending=ending,
        faults=faults,
    )


STORIES = {
    "202": "the buyer's platform has it",
    "203": "made available to the buyer",
    "204": "the buyer takes it in hand",
    "205": "the buyer approves",
    "206": "the buyer approves in part",
    "207": "the buyer disputes it",
    "208": "the buyer asks for documents",
    "210": "the buyer refuses it",
    "211": "the buyer approves and pays",
    "213": "the buyer's platform rejects it",
    "404": "no platform receives for the buyer",
}
