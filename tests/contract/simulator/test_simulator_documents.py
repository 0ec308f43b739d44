"""What the simulator reads in a deposited file."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from local.invoices import Syntax, plain_pdf, render, sample_invoice, truncated, with_schema_violation
from local.simulator.core.companies import usual_companies
from local.simulator.core.documents import read
from local.simulator.core.invoice import Format, Invoice, Party, Unreadable
from local.simulator.core.lifecycle import Verdict
from local.simulator.core.settings import Settings
from local.simulator.core.verdicts import judge
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_a_document_may_be_written_in_wide_characters(encoding: str, syntax: Syntax) -> None:
    text = document(syntax=syntax).decode().replace("UTF-8", encoding[:6])
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")

    found = read(mark + text.encode(encoding))

    assert isinstance(found, Invoice)
    assert (found.number, found.violations) == ("F-1", ())


@pytest.mark.parametrize("inside", ["F-<!-- not the end -->1", "<?page 2?>F-1", "<![CDATA[F-]]>1", "F-1<!---->"])
def test_a_comment_does_not_cut_a_number(inside: str) -> None:
    found = read(document().replace(b">F-1<", f">{inside}<".encode()))

    assert isinstance(found, Invoice)
    assert found.number == "F-1"


@pytest.mark.parametrize(("megabytes", "padding"), [(12, b"<ram:Content>%s</ram:Content>"), (12, b"<!--%s-->")])
def test_a_long_text_is_no_syntax_error(megabytes: int, padding: bytes) -> None:
    note = b"<ram:IncludedNote>" + padding % (b"x" * (megabytes << 20)) + b"</ram:IncludedNote>"
    content = document().replace(b"</ram:IssueDateTime>", b"</ram:IssueDateTime>" + note)
    assert len(content) > megabytes << 20

    found = read(content, validate=False)

    assert isinstance(found, Invoice)
    assert found.number == "F-1"


@pytest.mark.parametrize(
    ("buyer", "address", "cause"),
    [
        (Party("Un acheteur", "999999999", "0225:999999999"), "0225:999999999", "not in the directory"),
        (Party("Un acheteur", "999999999"), "0225:999999999", "not in the directory"),
        (Party("Un acheteur", "222222222", "0002:222222222"), "0002:222222222", "scheme 0225"),
        (Party("Un acheteur"), ": none)", "neither an electronic address (BT-49) nor a SIREN"),
    ],
)
def test_each_cause_of_no_route_is_said(buyer: Party, address: str, cause: str) -> None:
    invoice = read(document())
    assert isinstance(invoice, Invoice)

    fate = judge(replace(invoice, buyer=buyer), False, usual_companies(), Settings())

    assert fate.verdict is Verdict.NO_ROUTE
    assert fate.reason is not None
    assert address in fate.reason.message
    assert cause in fate.reason.message
    assert "None" not in fate.reason.message
