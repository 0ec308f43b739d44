"""SUPER PDP: what becomes of a deposit at once, and what later."""

from __future__ import annotations

import pytest
import requests

from local.invoices import Company, render, sample_invoice
from local.simulator.core.control import Simulator
from tests.contract.simulator.client import STRANGER, document
from tests.contract.simulator.superpdp_client import Pdp, pdp_of

LOADED = "Fichier déjà chargé"
KEY = "0198c0de-0000-7000-8000-00000000beef"


def test_a_deposit_is_answered_with_its_number_and_the_first_event(pdp: Pdp) -> None:
    answer = pdp.deposit(key=KEY)

    shown = answer.json()
    assert answer.status_code == 200
    assert (shown["id"], shown["external_id"], shown["direction"]) == (1, KEY, "out")
    assert [each["status_code"] for each in shown["events"]] == ["api:uploaded"]
    assert [(each["id"], each["key"]) for each in pdp.simulator.ledger("F-1")] == [("1", KEY)]


@pytest.mark.parametrize("syntax", ["facturx", "cii", "ubl"])
def test_every_syntax_is_taken_raw_and_as_a_part_and_comes_back_unchanged(pdp: Pdp, syntax: str) -> None:
    first, second = (document(number, syntax=syntax) for number in ("F-1", "F-2"))  # type: ignore[arg-type]

    raw, part = pdp.deposit(first), pdp.upload(second)

    assert [raw.json()["id"], part.json()["id"]] == [1, 2]
    assert pdp.get("invoices/1/download").content == first
    assert pdp.get("invoices/2", format="original").content == second
    assert pdp.get("invoices/1").json()["en_invoice"]["number"] == "F-1"
    assert len(pdp.get("invoices/2").json()["en_invoice"]["lines"]) == len(sample_invoice(0).lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"no document", "Neither PDF nor XML"),
        (b"<x/>", "No known invoice"),
        (b"<x", "invalid document"),
    ],
)
def test_what_cannot_be_read_is_400_at_once_and_not_stored(pdp: Pdp, content: bytes, message: str) -> None:
    answer = pdp.deposit(content)

    assert (answer.status_code, answer.json()["http_status_code"]) == (400, 400)
    assert message in answer.json()["message"]
    assert pdp.simulator.ledger() == []


@pytest.mark.parametrize(("check", "status"), [("readable", 200), ("schema", 400)])
def test_a_broken_schema_shows_later_unless_the_switch_says_at_once(pdp: Pdp, check: str, status: int) -> None:
    pdp.simulator.configure(structure_check=check)
    broken = document().replace(b"ram:GrandTotalAmount>", b"ram:TotalOfAll>")

    answer = pdp.deposit(broken)

    assert answer.status_code == status
    if status == 200:
        pdp.simulator.advance(1)
        assert pdp.codes(1) == ["api:uploaded", "fr:213"]
        assert "REJ_SEMAN" in pdp.events(invoice_id=1)[1]["data"]["reason"]


def test_the_seller_must_be_the_company_of_the_session(pdp: Pdp) -> None:
    other = render(sample_invoice(0, seller=Company("Autre", "222222222")), "cii")

    answer = pdp.deposit(other)

    assert answer.status_code == 400
    assert "ne correspond pas au vendeur" in answer.json()["message"]
    pdp.simulator.configure(company_number="")
    assert pdp.deposit(other).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(36, 200), (37, 400)])
def test_an_external_id_has_36_characters_at_most(pdp: Pdp, length: int, status: int) -> None:
    assert pdp.deposit(key="k" * length).status_code == status
    assert len(pdp.simulator.ledger()) == (status == 200)


def test_the_same_file_again_is_refused_by_its_content(pdp: Pdp) -> None:
    pdp.deposited(key="a")

    again = pdp.deposit(key="b")

    assert (again.status_code, again.json()["message"]) == (400, LOADED)
    assert [each["key"] for each in pdp.simulator.ledger()] == ["a"]


@pytest.mark.parametrize(
    ("duplicates", "status", "codes"),
    [
        ("content", 200, ["api:uploaded", "fr:213"]),
        ("number", 400, None),
        ("none", 200, ["api:uploaded", "fr:213"]),
    ],
)
def test_the_same_number_with_other_bytes(pdp: Pdp, duplicates: str, status: int, codes: list[str] | None) -> None:
    pdp.simulator.configure(duplicates=duplicates)
    pdp.deposited()

    again = pdp.deposit(document() + b"\n")

    assert again.status_code == status
    pdp.simulator.advance(1)
    assert codes is None or pdp.codes(2) == codes
    assert codes is None or "DOUBLON" in pdp.events(invoice_id=2)[-1]["data"]["reason"]


@pytest.mark.parametrize(("keeps", "status"), [(False, 200), (True, 400)])
def test_a_rejected_file_may_come_again_unless_the_switch_says_otherwise(pdp: Pdp, keeps: bool, status: int) -> None:
    pdp.simulator.configure(rejected_keeps_number=keeps)
    pdp.deposited(document(buyer=STRANGER))

    assert pdp.deposit(document(buyer=STRANGER)).status_code == status


@pytest.mark.parametrize(("twice", "status"), [("accepted", 200), ("refused", 400)])
def test_an_external_id_may_be_given_twice_unless_the_switch_says_otherwise(pdp: Pdp, twice: str, status: int) -> None:
    pdp.simulator.configure(external_id_twice=twice)
    pdp.deposited(key="k")

    assert pdp.deposit(document("F-2"), key="k").status_code == status


@pytest.mark.parametrize(
    ("rule", "status", "message"),
    [("B2B", 200, ""), ("B2C", 400, "computed B2B, given B2C"), ("B2G", 400, "must be one of")],
)
def test_a_rule_that_is_given_must_be_the_documents(pdp: Pdp, rule: str, status: int, message: str) -> None:
    answer = pdp.deposit(processing_rule=rule)

    assert answer.status_code == status
    assert message in answer.json().get("message", "")


def test_a_buyer_that_nobody_knows_makes_a_deposit_invalid_later(pdp: Pdp) -> None:
    number = pdp.deposited(document(buyer=STRANGER))
    pdp.simulator.advance(1)

    assert pdp.codes(number) == ["api:uploaded", "api:invalid"]
    assert pdp.events()[1]["data"] == {"reason": "receiver address does not exist"}


def test_the_administrations_events_come_last(pdp: Pdp) -> None:
    number = pdp.deposited()
    pdp.simulator.advance(10)

    assert pdp.codes(number) == [
        "api:uploaded", "fr:200", "fr:201", "fr:202", "fr:203", "ppf:received", "ppf:accepted",
    ]  # fmt: skip
    assert [each["status_code"] for each in pdp.get(f"invoices/{number}").json()["events"]] == pdp.codes(number)


@pytest.mark.parametrize(
    ("headers", "part"),
    [({"Content-Type": "application/json"}, None), ({"Content-Type": "text/plain"}, None), ({}, "file")],
)
def test_other_bodies_are_400(pdp: Pdp, headers: dict[str, str], part: str | None) -> None:
    url = f"{pdp.simulator.base_url}/v1.beta/invoices"

    if part:
        answer = pdp.upload(document(), part=part)
    else:
        answer = requests.post(url, data=document(), headers={**pdp.headers, **headers}, timeout=10)

    assert answer.status_code == 400
    assert pdp.simulator.ledger() == []


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [("number", 1, 2), ("counted", "1", "2"), ("previous", 1, 1), ("uuid7", None, None), ("odd", None, None)],
)
def test_ids_are_as_odd_as_wanted(pdp: Pdp, kind: str, first: object, second: object) -> None:
    pdp.simulator.configure(deposit_ids=kind)

    found = [pdp.deposit(document(number)).json()["id"] for number in ("F-1", "F-2")]

    assert first is None or found == [first, second]
    assert len({each["id"] for each in pdp.simulator.ledger()}) == 2


def test_numbers_may_be_larger_than_a_float_holds(superpdp: Simulator) -> None:
    superpdp.configure(first_id=2**53 + 1)
    pdp = pdp_of(superpdp)

    assert pdp.deposited() == 2**53 + 1
    assert pdp.ids(starting_after_id=2**53) == [2**53 + 1]


def test_what_a_person_uploads_is_listed_without_a_key(pdp: Pdp) -> None:
    pdp.simulator.upload("invoice.xml", document().decode())

    assert "external_id" not in pdp.listed()["data"][0]
    assert pdp.deposit().json()["message"] == LOADED
