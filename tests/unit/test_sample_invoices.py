"""The sample invoices are what they claim to be: readable, valid, French, and the same on every run."""

from __future__ import annotations

import io
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf, xml_check_xsd
from facturx.parse_xml import parse_ubl_cii_xml
from lxml import etree
from pypdf import PdfReader
from stdnum.fr import siren, tva

from local.invoices import (
    BUYERS,
    DIFFICULT_BUYERS,
    SELLER,
    UNKNOWN_BUYER,
    Line,
    SampleInvoice,
    Syntax,
    file_name,
    pad_to,
    plain_pdf,
    render,
    sample_invoice,
    truncated,
    with_schema_violation,
)

SYNTAXES: tuple[Syntax, ...] = ("facturx", "cii", "ubl")
FLAVORS = {"facturx": "factur-x", "cii": "factur-x", "ubl": "ubl-2.1-invoice"}
every_syntax = pytest.mark.parametrize("syntax", SYNTAXES)


def xml_of(document: bytes) -> bytes:
    if not document.startswith(b"%PDF"):
        return document
    embedded: bytes = get_facturx_xml_from_pdf(document, check_xsd=False)[1]
    return embedded


def terms_of(document: bytes) -> dict[str, Any]:
    terms: dict[str, Any] = parse_ubl_cii_xml(xml_of(document), check_xsd=False)
    return terms


@every_syntax
@pytest.mark.parametrize("rank", [0, 1, 5])
def test_a_sample_is_valid_against_the_schema_of_its_syntax(rank: int, syntax: Syntax) -> None:
    document = render(sample_invoice(rank), syntax)

    assert xml_check_xsd(xml_of(document), flavor=FLAVORS[syntax])


@every_syntax
def test_a_sample_says_what_the_invoice_says(syntax: Syntax) -> None:
    invoice = sample_invoice(5)

    terms = terms_of(render(invoice, syntax))

    assert terms["BT-1"] == invoice.number
    assert terms["BT-2"] == invoice.issue_date
    assert Decimal(terms["BT-112"]) == invoice.total
    assert Decimal(terms["BT-110"]) == invoice.vat
    assert len(terms["BG-25"]) == len(invoice.lines)


@every_syntax
def test_a_sample_carries_what_the_french_reform_asks_for(syntax: Syntax) -> None:
    invoice = sample_invoice(2)

    terms = terms_of(render(invoice, syntax))

    assert [note["BT-21"] for note in terms["BG-1"]] == ["PMT", "PMD", "AAB"]
    assert terms["BT-23"] == "S1"
    for party, company in ((terms["BG-4"], invoice.seller), (terms["BG-7"], invoice.buyer)):
        assert (party["legal_identifier"], party["legal_identifier_schemeid"]) == (company.siren, "0002")
        assert (party["einvoicing_addr"], party["einvoicing_addr_schemeid"]) == (company.siren, "0225")
        assert party["vat_identifier"] == company.vat_number


def test_the_readable_pages_show_number_total_and_accents() -> None:
    invoice = sample_invoice(7)

    pages = PdfReader(io.BytesIO(render(invoice, "facturx"))).pages

    text = pages[0].extract_text()
    assert f"Facture {invoice.number}" in text
    assert f"{invoice.total} €" in text
    assert "Chaise de bureau « Élan »" in text


def test_another_process_renders_the_same_bytes() -> None:
    imports = "import sys; from local.invoices import *\n"
    program = imports + f"for syntax in {SYNTAXES}: sys.stdout.buffer.write(render(sample_invoice(9), syntax))"

    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout

    assert elsewhere == b"".join(render(sample_invoice(9), syntax) for syntax in SYNTAXES)


def test_samples_differ_in_number_and_buyer_and_total() -> None:
    invoices = [sample_invoice(rank) for rank in range(60)]

    assert len({invoice.number for invoice in invoices}) == 60
    assert {invoice.buyer for invoice in invoices} == set(BUYERS)
    assert len({invoice.total for invoice in invoices}) > 50


@pytest.mark.parametrize(
    "party", [SELLER, UNKNOWN_BUYER, *BUYERS, *DIFFICULT_BUYERS.values()], ids=lambda party: party.name
)
def test_companies_have_sirens_and_vat_numbers_that_add_up(party: Any) -> None:
    assert siren.is_valid(party.siren)
    assert tva.is_valid(party.vat_number)


@pytest.mark.parametrize("behaviour", DIFFICULT_BUYERS)
def test_a_difficult_buyer_wears_its_behaviour_in_its_siren(behaviour: str) -> None:
    assert DIFFICULT_BUYERS[behaviour].siren.startswith(behaviour)


def test_vat_is_rounded_once_for_each_rate() -> None:
    lines = (Line("a", Decimal(1), Decimal("0.02")), Line("b", Decimal(1), Decimal("0.02")))
    base = sample_invoice(0)

    invoice = SampleInvoice("F-1", base.seller, base.buyer, base.issue_date, base.due_date, lines)

    assert invoice.vat == Decimal("0.01")
    assert invoice.total == Decimal("0.05")


@pytest.mark.parametrize("prefix", ["", "A-PREFIX-THAT-IS-LONG-"])
def test_a_number_that_the_reform_forbids_is_refused(prefix: str) -> None:
    base = sample_invoice(0)

    with pytest.raises(ValueError, match="1 to 20 characters"):
        SampleInvoice(prefix, base.seller, base.buyer, base.issue_date, base.due_date, base.lines)


def test_the_file_name_has_the_extension_that_the_platform_expects() -> None:
    assert file_name(sample_invoice(3), "facturx") == "F-2026-00003.pdf"
    assert file_name(sample_invoice(3), "ubl") == "F-2026-00003.xml"


@every_syntax
def test_a_schema_violation_leaves_everything_readable_but_fails_the_schema(syntax: Syntax) -> None:
    document = with_schema_violation(sample_invoice(4), syntax)

    assert terms_of(document)["BT-1"] == sample_invoice(4).number
    with pytest.raises(Exception, match="NotInTheSchema"):
        xml_check_xsd(xml_of(document), flavor=FLAVORS[syntax])


def test_a_plain_pdf_has_no_invoice_in_it() -> None:
    document = plain_pdf(sample_invoice(4))

    assert len(PdfReader(io.BytesIO(document)).pages) == 1
    assert PdfReader(io.BytesIO(document)).attachments == {}


def test_truncated_xml_is_not_well_formed() -> None:
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(truncated(render(sample_invoice(4), "ubl")))


@every_syntax
@pytest.mark.parametrize("size_bytes", [200_000, 1_000_003, 5_000_000])
def test_a_padded_document_is_that_long_and_still_the_same_valid_invoice(syntax: Syntax, size_bytes: int) -> None:
    document = render(sample_invoice(6), syntax)

    padded = pad_to(document, size_bytes)

    assert len(padded) == size_bytes
    assert terms_of(padded) == terms_of(document)
    assert xml_check_xsd(xml_of(padded), flavor=FLAVORS[syntax])


def test_every_size_beyond_the_smallest_padding_can_be_met() -> None:
    xml, pdf = (render(sample_invoice(6), syntax) for syntax in ("cii", "facturx"))

    assert all(len(pad_to(xml, len(xml) + extra)) == len(xml) + extra for extra in (0, 7, 8, 1_000_001, 2_000_006))
    assert all(len(pad_to(pdf, len(pdf) + extra)) == len(pdf) + extra for extra in (0, *range(400, 1400)))


def test_a_document_cannot_be_padded_to_less_than_it_is() -> None:
    document = render(sample_invoice(6), "cii")

    with pytest.raises(ValueError, match="cannot be padded"):
        pad_to(document, len(document) - 1)
