"""What the simulator reads in a deposited file."""

from __future__ import annotations

from decimal import Decimal

import pytest

from local.invoices import Syntax, plain_pdf, render, sample_invoice, truncated, with_schema_violation
from local.simulator.documents import read
from local.simulator.invoice import Format, Invoice, Party, Unreadable
from tests.contract.simulator.client import document

SYNTAXES: list[Syntax] = ["facturx", "cii", "ubl"]
UBL_WITHOUT_PROFILE = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>'
CII_NAMESPACE = b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
CII_WITHOUT_PROFILE = b'<a:CrossIndustryInvoice xmlns:a="' + CII_NAMESPACE + b'"/>'
BOMB = b'<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_number_parties_and_total_are_read_from_every_format(syntax: Syntax) -> None:
    sample = sample_invoice(3)

    found = read(render(sample, syntax))

    assert isinstance(found, Invoice)
    assert found.format is Format(syntax.upper())
    assert (found.number, found.issue_date) == (sample.number, sample.issue_date)
    assert (found.seller.siren, found.buyer.routing_siren) == (sample.seller.siren, sample.buyer.siren)
    assert (Decimal(found.total or 0), found.currency) == (sample.total, "EUR")
    assert found.violations == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EMPTY_FILE"),
        (b"hello", "UNKNOWN_INVOICE_FORMAT"),
        (b"<order/>", "UNKNOWN_INVOICE_FORMAT"),
        (UBL_WITHOUT_PROFILE, "UNKNOWN_INVOICE_FORMAT"),
        (CII_WITHOUT_PROFILE, "UNKNOWN_INVOICE_FLAVOR"),
        (BOMB, "UNKNOWN_INVOICE_FORMAT"),
        (truncated(document()), "SYNTAX_ERROR"),
        (b"%PDF-1.7 and then nothing", "SYNTAX_ERROR"),
        (plain_pdf(sample_invoice(1)), "UNKNOWN_INVOICE_FLAVOR"),
    ],
)
def test_a_file_that_is_no_invoice_says_why(content: bytes, reason: str) -> None:
    found = read(content)

    assert isinstance(found, Unreadable)
    assert found.reason == reason


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_schema_violations_are_listed_and_can_be_left_out(syntax: Syntax) -> None:
    broken = with_schema_violation(sample_invoice(1), syntax)

    checked, unchecked = read(broken), read(broken, validate=False)

    assert isinstance(checked, Invoice)
    assert isinstance(unchecked, Invoice)
    assert "NotInTheSchema" in checked.violations[0]
    assert unchecked.violations == ()


def test_a_legal_identifier_is_no_electronic_address() -> None:
    found = read(document(buyer="222222222").replace(b'schemeID="0225">222222222', b'schemeID="0002">222222222'))

    assert isinstance(found, Invoice)
    assert found.buyer.siren == "222222222"
    assert found.buyer.routing_siren is None


def test_a_document_without_electronic_address_is_routed_by_siren() -> None:
    assert Party("Un acheteur", "222222222").routing_siren == "222222222"
    assert Party("Un acheteur", "222222222", "0225:333333333_COMPTA").routing_siren == "333333333"
