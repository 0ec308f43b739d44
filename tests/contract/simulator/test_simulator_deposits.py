"""Depositing, reading back, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from uuid import UUID

import pytest
import requests

from local.invoices import pad_to, plain_pdf, sample_invoice, truncated, with_schema_violation
from tests.contract.simulator.client import SILENT_BUYER, STRANGER, Client, document

MEGABYTE = 1024 * 1024


def test_a_deposit_answers_201_with_a_time_ordered_id(client: Client) -> None:
    first, second = client.deposit(), client.deposit(document("F-2"))

    assert (first.status_code, first.json()["type"]) == (201, "INVOICE")
    assert UUID(first.json()["id"]).version == 7
    assert first.json()["id"][:8] <= second.json()["id"][:8]


def test_the_ledger_says_what_was_deposited(client: Client) -> None:
    content = document(buyer=SILENT_BUYER)

    deposit_id = client.deposited(content, "mine.xml")

    (entry,) = client.simulator.ledger("F-1")
    assert (entry["id"], entry["number"], entry["filename"]) == (deposit_id, "F-1", "mine.xml")
    assert entry["sha256"] == sha256(content).hexdigest()
    assert (entry["seller"], entry["buyer"]) == (sample_invoice(0).seller.siren, SILENT_BUYER)
    assert (entry["account"], entry["state"], entry["statuses"]) == (client.simulator.client_id, "PENDING", [])


def test_a_deposit_is_read_back_as_an_array_of_one(client: Client) -> None:
    deposit_id = client.deposited(document(syntax="facturx"), "F-1.pdf")

    (found,) = client.get(f"/v1/invoice/{deposit_id}").json()

    assert (found["invoiceId"], found["originalFormat"], found["way"]) == (deposit_id, "FacturX", "EMITTED")
    assert found["businessData"]["invoiceId"] == "F-1"
    assert found["businessData"]["monetary"]["invoiceAmount"] == {"amount": 1872.0, "currency": "EUR"}
    assert "state" not in found
    assert client.get("/v1/invoice/unknown").json() == []


def test_the_original_bytes_come_back_with_their_checksum(client: Client) -> None:
    content = document(syntax="facturx")
    deposit_id = client.deposited(content, "F-1.pdf")

    (file,) = client.get(f"/v1/invoice/{deposit_id}/files").json()

    assert client.get(f"/v1/invoice/{deposit_id}/download").content == content
    assert (file["checksum"], file["sizeBytes"]) == (sha256(content).hexdigest(), len(content))
    assert file["mimeType"] == "application/pdf"


@pytest.mark.parametrize(
    ("content", "verdict", "state", "code", "reason"),
    [
        (b"", "unreadable", "INVALID", "UNACCEPTABLE", "EMPTY_FILE"),
        (truncated(document()), "unreadable", "INVALID", "UNACCEPTABLE", "SYNTAX_ERROR"),
        (plain_pdf(sample_invoice(0)), "unreadable", "INVALID", "UNACCEPTABLE", "UNKNOWN_INVOICE_FLAVOR"),
        (with_schema_violation(sample_invoice(0), "ubl"), "violation", "INVALID", "REJECTED", "VALIDATION_FAILURE"),
        (document(buyer=STRANGER), "no route", "WRONG_ROUTING", "REJECTED", "ROUTING_FAILURE"),
    ],
)
def test_a_bad_document_is_deposited_and_refused_later(
    client: Client, content: bytes, verdict: str, state: str, code: str, reason: str
) -> None:
    deposit_id = client.deposited(content)
    assert client.history(deposit_id) == []

    client.simulator.advance(1)

    (status,) = client.history(deposit_id)
    assert status["status"]["code"] == code
    assert status["json"]["responses"][0]["rejectionDetail"]["reason"] == reason
    (entry,) = client.simulator.ledger()
    assert (entry["verdict"], entry["state"]) == (verdict, state)


def test_a_document_without_seller_siren_breaks_a_french_rule(client: Client) -> None:
    seller = sample_invoice(0).seller.siren.encode()
    content = document().replace(b'schemeID="0002">' + seller, b'schemeID="0088">' + seller)
    deposit_id = client.deposited(content.replace(b'schemeID="0225">' + seller, b'schemeID="EM">' + seller))

    client.simulator.advance(1)

    (status,) = client.history(deposit_id)
    (error,) = status["json"]["responses"][0]["rejectionDetail"]["errors"]
    assert "BR-FR-10" in error["message"]


def test_schema_checks_can_be_switched_off(client: Client) -> None:
    client.simulator.configure(validate_schema=False)

    client.deposited(with_schema_violation(sample_invoice(0), "cii"))

    assert client.simulator.ledger()[0]["verdict"] == "accepted"


def test_a_repeated_number_is_a_duplicate_and_leaves_the_first_alone(client: Client) -> None:
    first, second = client.deposited(), client.deposited(document(rank=5))

    client.simulator.advance(1)

    assert first != second
    assert client.codes(first)[-1] == "MADE_AVAILABLE"
    (status,) = client.history(second)
    assert status["json"]["responses"][0]["rejectionDetail"]["reason"] == "DUPLICATED_INVOICE"
    assert [each["state"] for each in client.simulator.ledger()] == ["DELIVERED", "DUPLICATED"]


def test_the_same_number_in_another_year_is_another_invoice(client: Client) -> None:
    client.deposited(document(day=date(2026, 12, 31)))
    client.deposited(document(day=date(2027, 1, 1)))

    assert [each["verdict"] for each in client.simulator.ledger()] == ["accepted", "accepted"]


@pytest.mark.parametrize(("keeps", "verdict"), [(False, "accepted"), (True, "duplicate")])
def test_a_rejected_invoice_frees_its_number_unless_the_switch_says_otherwise(
    client: Client, keeps: bool, verdict: str
) -> None:
    client.simulator.configure(rejected_keeps_number=keeps)
    client.deposited(document(buyer=STRANGER))

    client.deposited(document())

    assert client.simulator.ledger()[-1]["verdict"] == verdict


def test_an_open_directory_and_a_closed_one(client: Client) -> None:
    client.simulator.configure(open_directory=True)
    client.deposited(document("F-1", buyer=STRANGER))
    client.simulator.configure(known_sellers_only=True)
    client.deposited(document("F-2"))
    client.simulator.add_company(sample_invoice(0).seller.siren)
    client.deposited(document("F-3"))

    assert [each["verdict"] for each in client.simulator.ledger()] == ["accepted", "no route", "accepted"]


@pytest.mark.parametrize("filename", ["invoice.txt", "invoice", "invoice.xml.zip"])
def test_a_file_name_must_end_as_specified(client: Client, filename: str) -> None:
    answer = client.deposit(filename=filename)

    assert answer.status_code == 400
    assert answer.json()["statusMessage"] == "Request validation issues"
    assert client.simulator.ledger() == []


def test_a_body_that_is_no_upload_is_refused(client: Client) -> None:
    url = f"{client.simulator.base_url}/v1/invoice"

    as_json = client.session.post(url, headers=client.headers, json={}, timeout=10)
    as_other_part = client.session.post(url, headers=client.headers, files={"document": ("a.xml", b"<a/>")}, timeout=10)

    two_parts = client.session.post(
        url, headers=client.headers, files=[("file", ("a.xml", b"<a/>")), ("more", ("b.xml", b"<b/>"))], timeout=10
    )

    assert [as_json.status_code, as_other_part.status_code, two_parts.status_code] == [400, 400, 400]
    assert client.simulator.ledger() == []


def test_fifty_megabytes_are_taken_and_more_are_not(client: Client) -> None:
    largest = pad_to(document(), 50 * MEGABYTE)

    assert client.deposit(largest, timeout=60).status_code == 201
    assert client.deposit(largest + b" ", timeout=60).status_code == 413
    assert len(client.simulator.ledger()) == 1


def test_an_upload_without_its_last_boundary_deposits_nothing(client: Client) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.xml"\r\n\r\n' + document()
    headers = {**client.headers, "Content-Type": "multipart/form-data; boundary=x"}

    answer = client.session.post(f"{client.simulator.base_url}/v1/invoice", headers=headers, data=body, timeout=10)

    assert (answer.status_code, client.simulator.ledger()) == (400, [])


def test_an_upload_that_breaks_off_deposits_nothing(client: Client) -> None:
    def half() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.xml"\r\n\r\n<a>'
        raise ConnectionAbortedError

    headers = {**client.headers, "Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises((requests.ConnectionError, ConnectionAbortedError)):
        client.session.post(f"{client.simulator.base_url}/v1/invoice", headers=headers, data=half(), timeout=10)

    assert client.simulator.ledger() == []
