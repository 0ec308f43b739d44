"""The invoices of the demo, each with the end that it has to reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from local.demo.companies import ACCOUNTS, FIRST
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
    account: str = FIRST.name


def sample_cases() -> list[Case]:
    """At least thirty invoices of one company: two for every ordinary buyer, and one for everything that can go otherwise."""
    return [*_ordinary_cases(), *_difficult_buyers(), *_bad_documents(), *_bad_connections(), _draft()]


def other_cases() -> list[Case]:
    """A few of the two companies that deposit with other platforms: whole life cycles, and what these platforms do otherwise."""
    return [*_of_superpdp(101), *_of_afnor(201)]


def _of_superpdp(first: int) -> Iterator[Case]:
    yield from _followed(first, "superpdp")
    refused = "refused with HTTP 400: its key is looked up, it is not there"
    yield _case(first + 5, BUYERS[0], refused, Ending("rejected", None, deposits=0), "400", account="superpdp")


def _of_afnor(first: int) -> Iterator[Case]:
    yield from _followed(first, "afnor")
    story = "a PDF without XML: its acknowledgement says Error"
    unreadable = _case(first + 5, BUYERS[0], story, Ending("rejected", "213"), account="afnor")
    invoice = sample_invoice(first + 5, seller=ACCOUNTS["afnor"].seller)
    yield replace(unreadable, document=plain_pdf(invoice), file_name=f"{unreadable.number}.pdf")


def _followed(first: int, account: str) -> Iterator[Case]:
    """Life cycles to four ends, and an answer that is lost."""
    buyers = [BUYERS[0], BUYERS[3], DIFFICULT_BUYERS["210"], DIFFICULT_BUYERS["213"]]
    for rank, buyer in enumerate(buyers, start=first):
        code = buyer.siren[:3]
        yield _case(
            rank, buyer, STORIES[code], Ending("rejected" if code == "213" else "validated", code), account=account
        )
    story = "the answer is lost: found by its key, not sent again"
    yield _case(first + 4, BUYERS[0], story, Ending("validated", "205"), "lost_answer", account=account)


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


def ordinary_case(rank: int, buyer: Company, account: str = FIRST.name) -> Case:
    """An invoice to one of BUYERS, which ends as that buyer decides."""
    code = buyer.siren[:3]
    return _case(rank, buyer, STORIES[code], Ending("validated", code), account=account)


def _case(rank: int, buyer: Company, story: str, ending: Ending, *faults: str, account: str = FIRST.name) -> Case:
    syntax = SYNTAXES[rank % len(SYNTAXES)]
    invoice = sample_invoice(rank, buyer=buyer, seller=ACCOUNTS[account].seller)
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
        account=account,
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
