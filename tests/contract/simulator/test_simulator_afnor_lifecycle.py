"""The life cycle as lifecycle messages: what they say, what is wrong with them on request, and one that the seller sends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from facteur.errors import UnreadableStatusError
from facteur.platforms.afnor.cdar import message_in
from local.invoices import SELLER
from tests.contract.simulator.afnor_client import LIFECYCLE, AfnorClient
from tests.contract.simulator.client import SILENT_BUYER, document
from tests.lifecycle_messages import about, acknowledged, amount, message, reason


def at_its_end(afnor: AfnorClient, buyer: str = SILENT_BUYER, **info: Any) -> str:
    flow_id = afnor.deposited(document(buyer=buyer), **info)
    afnor.simulator.advance(200)
    return flow_id


@pytest.mark.parametrize(
    ("behaviour", "codes"),
    [
        ("201", ["200", "201"]), ("203", ["200", "201", "202", "203"]), ("205", ["200", "201", "202", "203", "204", "205"]),
        ("210", ["200", "201", "202", "203", "204", "210"]), ("211", ["200", "201", "202", "203", "204", "205", "211"]),
        ("213", ["200", "201", "213"]), ("404", ["200"]),
    ],
)  # fmt: skip
def test_each_status_is_a_message(afnor: AfnorClient, behaviour: str, codes: list[str]) -> None:
    at_its_end(afnor, f"{behaviour}000000")

    assert sorted(each.code or "" for each in afnor.lifecycle()) == codes


def test_a_message_names_its_invoice_and_its_author(afnor: AfnorClient) -> None:
    at_its_end(afnor, "210000000")

    found = {each.code: each for each in afnor.lifecycle()}

    refused = found["210"]
    assert (refused.invoice_number, refused.seller_siren, refused.issue_date) == (
        "F-1",
        SELLER.siren,
        date(2026, 10, 10),
    )
    assert (refused.network_code, refused.reasons[0].code) == ("50", "NON_CONFORME")
    assert refused.reasons[0].text
    (flow,) = [each for each in afnor.found(LIFECYCLE, limit=100) if each["name"].endswith("_210.xml")]
    said = message_in(afnor.original(flow["flowId"]).content)
    assert (said.issuer.role, said.issuer.siren, said.sender.role) == ("BY", "210000000", "WK")


@pytest.mark.parametrize(("zone", "hours"), [("paris", 0), ("utc", -1)])
def test_a_message_is_dated_by_the_clocks_of_paris(afnor: AfnorClient, zone: str, hours: int) -> None:
    flow_id = afnor.deposited()
    winter = datetime.now(UTC).month in {11, 12, 1, 2}
    afnor.simulator.configure(cdar_zone=zone)
    afnor.simulator.advance(1)

    (said,) = [each for each in afnor.lifecycle() if each.code == "200"]

    submitted = datetime.fromisoformat(afnor.flow(flow_id)["submittedAt"])
    assert said.occurred_at is not None
    assert abs(said.occurred_at - submitted - timedelta(hours=hours if winter else 2 * hours)) <= timedelta(seconds=2)


def test_a_payment_comes_with_its_amount(afnor: AfnorClient) -> None:
    flow_id = at_its_end(afnor)
    afnor.simulator.add_status(flow_id, "PAYMENT_RECEIVED", author="SELLER")

    (paid,) = [each for each in afnor.lifecycle() if each.code == "212"]

    (part,) = paid.collected
    assert (part.amount, part.currency, part.percent) == (Decimal(1872), "EUR", Decimal("20.00"))


def test_a_code_that_nobody_knows_is_written_as_it_is(afnor: AfnorClient) -> None:
    flow_id = at_its_end(afnor)
    afnor.simulator.add_status(flow_id, "TELEPORTED")

    assert "TELEPORTED" in [each.code for each in afnor.lifecycle()]


@pytest.mark.parametrize("twist", ["no_xml", "html", "cut", "entities", "deep", "another_document", "no_code"])
def test_a_file_that_is_no_message(afnor: AfnorClient, twist: str) -> None:
    at_its_end(afnor)
    afnor.simulator.configure(cdar_twists=[twist])

    with pytest.raises(UnreadableStatusError):
        afnor.lifecycle()


@pytest.mark.parametrize(
    ("twist", "field", "value"),
    [
        ("other_seller", "seller_siren", "999999998"), ("unknown_invoice", "invoice_number", "F-1-UNKNOWN"),
        ("other_year", "issue_year", 2025),        ("no_date", "occurred_at", None),
        ("odd_date", "date_given", "hier soir"), ("no_number", "invoice_number", None),
        ("several", "invoice_number", "F-1-FIRST"),
    ],
)  # fmt: skip
def test_a_message_about_something_else(afnor: AfnorClient, twist: str, field: str, value: object) -> None:
    at_its_end(afnor)
    afnor.simulator.script_endpoint("flow", [f"cdar_twists={twist}"])

    first, *others = [getattr(each, field) for each in afnor.lifecycle()]

    assert first == value
    assert value not in others


def test_dates_of_single_codes_are_switches_as_on_the_other_wires(afnor: AfnorClient) -> None:
    at_its_end(afnor)
    afnor.simulator.configure(status_dates=["201@text", "MADE_AVAILABLE@absent"])

    given = {each.code: each.date_given for each in afnor.lifecycle()}

    assert (given["201"], given["203"]) == ("yesterday", None)
    assert given["200"]


def sent(afnor: AfnorClient, number: str = "F-1", code: str = "212", seller: str = SELLER.siren) -> Any:
    content = message(acknowledged(about(number, code, reason(inner=amount("1872.00")), seller=seller)))
    return afnor.deposit(content, name="paid.xml", flowSyntax="CDAR", trackingId="paid-1")


def test_a_payment_that_the_seller_declares_is_a_flow_with_its_key(afnor: AfnorClient) -> None:
    at_its_end(afnor)

    answer = sent(afnor)
    afnor.simulator.advance(2)

    (flow,) = afnor.found({"trackingId": "paid-1"})
    assert (answer.status_code, flow["flowId"]) == (202, answer.json()["flowId"])
    assert (flow["flowType"], flow["flowDirection"], flow["acknowledgement"]) == (
        "CustomerInvoiceLC",
        "Out",
        {"status": "Ok"},
    )
    assert b"212" in afnor.original(flow["flowId"]).content
    assert "PAYMENT_RECEIVED" in afnor.simulator.ledger("F-1")[0]["statuses"]
    assert len(afnor.simulator.ledger()) == 1


@pytest.mark.parametrize("wrong", [{"number": "F-9"}, {"seller": "999999998"}, {"code": "205"}])
def test_a_message_that_fits_no_invoice_is_refused_at_once(afnor: AfnorClient, wrong: dict[str, str]) -> None:
    at_its_end(afnor)

    answer = sent(afnor, **wrong)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "CREATE_ERROR")


def test_a_file_that_is_no_message_is_refused_at_once(afnor: AfnorClient) -> None:
    assert afnor.deposit(b"no xml", flowSyntax="CDAR").json()["errorCode"] == "CREATE_ERROR"
    assert afnor.deposit(b"no xml", flowSyntax="FRR").status_code == 501
