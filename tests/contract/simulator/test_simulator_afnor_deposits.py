"""Depositing as a flow: what is taken, what is refused at once, and what the acknowledgement says later."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
import requests

from local.invoices import plain_pdf, sample_invoice, with_schema_violation
from tests.contract.simulator.afnor_client import FLOWS, TOKEN_PATH, AfnorClient, afnor_client_of
from tests.contract.simulator.client import STRANGER, document

UUID = "0198c0de-0000-7000-8000-0000000000aa"


def test_a_deposit_answers_202_with_what_was_said_of_it(afnor: AfnorClient) -> None:
    answer = afnor.deposit(trackingId=UUID, flowProfile="CIUS")

    body = answer.json()
    assert answer.status_code == 202
    assert (body["trackingId"], body["name"], body["flowSyntax"], body["flowProfile"]) == (
        UUID,
        "F-1.xml",
        "CII",
        "CIUS",
    )
    assert body["sha256"] == sha256(document()).hexdigest()
    assert body["submittedAt"].endswith("Z")
    assert "." not in body["submittedAt"]
    assert [each["id"] for each in afnor.simulator.ledger("F-1")] == [body["flowId"]]


def test_an_acknowledgement_is_pending_and_then_ok(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()
    fresh = afnor.flow(flow_id)

    afnor.simulator.advance(2)

    flow = afnor.flow(flow_id)
    assert (fresh["acknowledgement"], fresh["updatedAt"]) == ({"status": "Pending"}, fresh["submittedAt"])
    assert (flow["acknowledgement"], flow["flowType"], flow["flowDirection"]) == (
        {"status": "Ok"},
        "CustomerInvoice",
        "Out",
    )
    assert flow["updatedAt"] >= fresh["updatedAt"]
    assert (flow["processingRule"], flow["processingRuleSource"]) == ("B2B", "Computed")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<?xml version='1.0'?><broken", "InvalidSchema"), (b"plain words", "FlowTypeError"), (b"<other/>", "FlowTypeError"),
        (plain_pdf(sample_invoice(0)), "FlowTypeError"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_invoice_is_an_error_and_has_no_lifecycle(
    afnor: AfnorClient, content: bytes, reason: str
) -> None:
    flow_id = afnor.deposited(content)
    afnor.simulator.advance(2)

    (detail,) = afnor.flow(flow_id)["acknowledgement"]["details"]

    assert (afnor.ack(flow_id), detail["reasonCode"], detail["level"]) == ("Error", reason, "Error")
    assert afnor.lifecycle() == []


@pytest.mark.parametrize(("how", "ack", "codes"), [("lifecycle", "Ok", ["213"]), ("ack", "Error", [])])
def test_a_document_that_breaks_its_schema(afnor: AfnorClient, how: str, ack: str, codes: list[str]) -> None:
    afnor.simulator.configure(violations=how)

    flow_id = afnor.deposited(with_schema_violation(sample_invoice(0), "cii"))
    afnor.simulator.advance(2)

    assert (afnor.ack(flow_id), [each.code for each in afnor.lifecycle()]) == (ack, codes)


def test_a_buyer_that_nobody_knows_is_a_matter_of_the_invoice(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited(document(buyer=STRANGER))
    afnor.simulator.advance(2)

    (status,) = afnor.lifecycle()

    assert (afnor.ack(flow_id), status.code, status.reasons[0].code) == ("Ok", "213", "ADR_ERR")


@pytest.mark.parametrize(
    ("how", "ack", "reasons"), [("ack", "Error", []), ("lifecycle", "Ok", ["DOUBLON"]), ("both", "Error", ["DOUBLON"])]
)
def test_the_same_invoice_again(afnor: AfnorClient, how: str, ack: str, reasons: list[str]) -> None:
    afnor.simulator.configure(duplicate_shown=how)
    first = afnor.deposited()

    second = afnor.deposited(trackingId="key-2")
    afnor.simulator.advance(2)

    assert (afnor.ack(first), afnor.ack(second)) == ("Ok", ack)
    rejected = [each for each in afnor.lifecycle() if each.code == "213"]
    assert [each.reasons[0].code for each in rejected] == reasons
    assert {each.invoice_number for each in rejected} <= {"F-1"}  # it names the first as well as the second


@pytest.mark.parametrize(
    ("how", "code", "acks"), [("accepted", 202, ["Ok", "Ok"]), ("ack", 202, ["Ok", "Error"]), ("422", 422, ["Ok"])]
)
def test_a_tracking_id_again_for_another_invoice(afnor: AfnorClient, how: str, code: int, acks: list[str]) -> None:
    afnor.simulator.configure(tracking_repeated=how)
    afnor.deposited()

    again = afnor.deposit(document("F-2"))
    afnor.simulator.advance(2)

    assert again.status_code == code
    assert [each["acknowledgement"]["status"] for each in afnor.found({"trackingId": "key-1"})] == acks


@pytest.mark.parametrize(("how", "code", "stored"), [("ack", 202, 1), ("400", 400, 0)])
def test_a_checksum_that_is_not_the_files(afnor: AfnorClient, how: str, code: int, stored: int) -> None:
    afnor.simulator.configure(checksum_mismatch=how)

    answer = afnor.deposit(sha256="0" * 64)
    afnor.simulator.advance(2)

    assert (answer.status_code, len(afnor.simulator.ledger("F-1"))) == (code, stored)
    shown = [each["acknowledgement"]["details"][0]["reasonCode"] for each in afnor.found({"ackStatus": "Error"})]
    assert shown == ["ChecksumMismatch"] * stored


def test_the_right_checksum_is_no_matter(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited(sha256=sha256(document()).hexdigest())
    afnor.simulator.advance(2)

    assert afnor.ack(flow_id) == "Ok"


@pytest.mark.parametrize(
    ("version", "length", "code"), [("1.2", 36, 202), ("1.2", 37, 400), ("1.3", 64, 202), ("1.3", 65, 400)]
)
def test_how_long_a_tracking_id_may_be(afnor: AfnorClient, version: str, length: int, code: int) -> None:
    afnor.simulator.configure(afnor_version=version)

    assert afnor.deposit(trackingId="k" * length).status_code == code


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"name": None}, "MISSING_REQUIRED_FIELD"), ({"flowSyntax": None}, "MISSING_REQUIRED_FIELD"),
        ({"flowSyntax": "PDF"}, "PARAMS_ERROR"),
        ({"name": "x" * 256}, "PARAMS_ERROR"), ({"sha256": "ABC"}, "PARAMS_ERROR"), ({"flowProfile": "Undefined"}, "PARAMS_ERROR"),
        ({"processingRule": "b2b"}, "PARAMS_ERROR"), ({"trackingId": 7}, "PARAMS_ERROR"),
    ],
)  # fmt: skip
def test_a_flow_info_that_the_norm_does_not_allow_is_refused(
    afnor: AfnorClient, info: dict[str, Any], code: str
) -> None:
    answer = afnor.deposit(**info)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert afnor.simulator.ledger() == []


def test_a_processing_rule_is_taken_or_not_implemented(afnor: AfnorClient) -> None:
    taken = afnor.flow(afnor.deposited(processingRule="B2B"))

    afnor.simulator.configure(processing_rule="501")
    refused = afnor.deposit(document("F-2"), processingRule="B2B")

    assert (taken["processingRule"], taken["processingRuleSource"]) == ("B2B", "Input")
    assert (refused.status_code, len(afnor.simulator.ledger())) == (501, 1)


@pytest.mark.parametrize("order", [("flowInfo", "file"), ("file", "flowInfo")])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_the_order_and_the_kind_of_the_parts_do_not_matter(
    afnor: AfnorClient, order: tuple[str, str], kind: str
) -> None:
    info = json.dumps({"name": "F-1.xml", "flowSyntax": "CII"})
    parts: dict[str, Any] = {"flowInfo": (None, info, kind), "file": ("F-1.xml", document())}

    answer = afnor.post("/flows", files=[(name, parts[name]) for name in order])

    assert answer.status_code == 202


@pytest.mark.parametrize(
    "parts",
    [{"file": ("F-1.xml", b"<a/>")}, {"flowInfo": (None, "{}")}, {"flowInfo": (None, "{"), "file": ("a", b"b")}],
)
def test_a_part_that_is_missing_or_broken_stores_nothing(afnor: AfnorClient, parts: dict[str, Any]) -> None:
    assert afnor.post("/flows", files=parts).status_code == 400
    assert afnor.simulator.ledger() == []


@pytest.mark.parametrize("basic", [True, False])
def test_a_token_is_given_to_who_has_the_secret(afnor: AfnorClient, basic: bool) -> None:
    simulator = afnor.simulator
    form = {"grant_type": "client_credentials"} | (
        {} if basic else {"client_id": simulator.client_id, "client_secret": simulator.client_secret}
    )
    auth = (simulator.client_id.replace("@", "%40"), simulator.client_secret) if basic else None

    answer = requests.post(simulator.base_url + TOKEN_PATH, data=form, auth=auth, timeout=10)
    wrong = requests.post(simulator.base_url + TOKEN_PATH, data={**form, "client_secret": "no"}, timeout=10)

    assert answer.json()["token_type"] == "bearer"
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def test_without_a_token_nothing_but_the_health_is_shown(afnor: AfnorClient) -> None:
    url = afnor.simulator.base_url + FLOWS

    assert requests.get(f"{url}/healthcheck", timeout=10).status_code == 200
    answer = requests.post(f"{url}/flows/search", json={"where": {"trackingId": "a"}}, timeout=10)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "MISSING_TOKEN")


@pytest.mark.parametrize(
    ("check", "given", "code"),
    [("if_given", None, 200), ("if_given", "other", 403), ("required", None, 403), ("off", "other", 200), ("required", "right", 200)],
)  # fmt: skip
def test_an_organisation_that_is_not_the_accounts(afnor: AfnorClient, check: str, given: str | None, code: int) -> None:
    afnor.simulator.configure(organization_check=check)
    named = afnor.simulator.customer_id if given == "right" else given
    if named:
        afnor.headers["Organization-Id"] = named

    assert afnor.post("/flows/search", json={"where": {"trackingId": "a"}}).status_code == code


def test_another_account_sees_nothing_of_it(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()
    afnor.simulator.add_account("other", "secret", "c-2")

    other = afnor_client_of(afnor.simulator, client_id="other", client_secret="secret")

    assert other.get(f"/flows/{flow_id}").status_code == 404
    assert other.found({"trackingId": "key-1"}) == []
    other.session.close()


@pytest.mark.parametrize(
    ("fault", "stored", "code"),
    [("503", 0, 503), ("stored:502", 1, 502), ("no_id", 1, 202), ("422", 0, 422), ("429_seconds", 0, 429), ("unreadable", 1, 202)],
)  # fmt: skip
def test_faults_are_those_of_the_other_wires(afnor: AfnorClient, fault: str, stored: int, code: int) -> None:
    afnor.simulator.script("F-1", [fault])

    answer = afnor.deposit()

    assert (answer.status_code, len(afnor.simulator.ledger("F-1"))) == (code, stored)
    assert b"flowId" not in answer.content or fault == "unreadable"
    assert afnor.deposit(document("F-2"), name="F-2.xml").status_code == 202


def test_a_lost_answer_leaves_a_flow_that_its_key_finds(afnor: AfnorClient) -> None:
    afnor.simulator.script("F-1", ["lost_answer"])

    with pytest.raises(requests.ConnectionError):
        afnor.deposit()

    (flow,) = afnor.found({"trackingId": "key-1"})
    assert [flow["flowId"]] == [each["id"] for each in afnor.simulator.ledger("F-1")]


@pytest.mark.parametrize(("acks", "shown"), [("pending", "Pending"), ("duplicate", "Error")])
def test_an_acknowledgement_that_does_not_say_what_became_of_it(afnor: AfnorClient, acks: str, shown: str) -> None:
    afnor.simulator.script("F-1", [f"acks={acks}"])

    flow_id = afnor.deposited()
    afnor.simulator.advance(5)

    assert afnor.ack(flow_id) == shown
    assert "203" in [each.code for each in afnor.lifecycle()]


def test_the_version_may_change_while_it_runs(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()
    older = afnor.flow(flow_id)

    afnor.simulator.configure(afnor_version="1.3")

    assert "flowProfile" not in older
    assert afnor.flow(flow_id)["flowProfile"] == "Undefined"
