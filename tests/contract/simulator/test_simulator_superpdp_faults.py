"""SUPER PDP: every fault of the core on this wire, over a real socket."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from local.simulator.core.answers import PLAIN, bodies
from local.simulator.core.faults import CATALOGUE, TRAVELS
from local.simulator.iopole.platform import IOPOLE
from local.simulator.superpdp.platform import SUPERPDP
from tests.contract.simulator.client import document
from tests.contract.simulator.superpdp_client import Pdp, pdp_of
from tests.contract.simulator.test_simulator_faults import BROKEN, BROKEN_ERRORS

PLACES = {"deposit", "token", "invoices", "invoice", "download", "events", "send_event", "company", "session"}
OWN = '{"http_status_code": '
RIGHT = '{"id": 1, "company_id"'
ANSWERS = {
    **dict.fromkeys(("400", "400_list", "400_tools", "401", "403", "404", "409", "415", "422", "429", "429_seconds"), OWN),
    "429_date": OWN,
    **dict.fromkeys(("400_custom", "400_message"), '{"message": "invalid document"'),
    **dict.fromkeys(("302", "400_html", "403_html", "408", "413", "500", "502", "503", "504", "html"), "<html>"),
    **dict.fromkeys(("408_stored", "500_stored", "502_stored", "503_stored", "504_stored"), "<html>"),
    "empty": "", "unreadable": '{"company_id":1,', "no_id": '{"company_id":1,',
    "202": RIGHT, "slow:0.1": RIGHT, "stored_late:0.1": RIGHT,
}  # fmt: skip


def test_every_fault_is_tried_below() -> None:
    assert {name.partition(":")[0] for name in (*ANSWERS, *BROKEN)} | {"answer", "stored"} == set(CATALOGUE)


@pytest.mark.parametrize("fault", ANSWERS)
def test_an_odd_answer_comes_once_and_then_the_platform_works(pdp: Pdp, fault: str) -> None:
    pdp.simulator.script("F-1", [fault])

    answer = pdp.deposit()

    status = int(fault[:3]) if fault[:3].isdigit() else 200
    assert (answer.status_code, answer.text[: len(ANSWERS[fault])]) == (status, ANSWERS[fault])
    assert len(pdp.simulator.ledger()) == CATALOGUE[fault.partition(":")[0]].stored
    assert pdp_of(pdp.simulator).deposit(document("F-2")).status_code == 200


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_connection_leaves_the_client_without_an_answer(pdp: Pdp, fault: str) -> None:
    pdp.simulator.script("F-1", [fault])

    with pytest.raises(BROKEN_ERRORS, match=BROKEN[fault]):
        pdp.deposit(timeout=0.5 if BROKEN[fault] == "Read timed out" else 10)

    name = fault.partition(":")[0]
    stored = CATALOGUE[name].stored and name != "stored_late"
    assert len(pdp.simulator.ledger()) == stored
    assert pdp.deposit(timeout=10).status_code == (400 if stored else 200)


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("fault", ["early+stored:403:json", "slow_read:0.01+stored:403:json", "half+stored:403:json"])
def test_faults_strike_before_the_body_is_read_and_on_the_way_back(pdp: Pdp, fault: str, part: bool) -> None:
    pdp.simulator.script("key", [fault])

    def deposit() -> int:
        return (pdp.upload(document(), "key.xml") if part else pdp.deposit(key="key")).status_code

    if fault.startswith("half"):
        with pytest.raises(BROKEN_ERRORS):
            deposit()
    else:
        assert deposit() == 403
    pdp.simulator.script_endpoint("company", ["slow:0.3"])
    pdp.get("companies/me")
    assert len(pdp.simulator.ledger()) == 1


@pytest.mark.parametrize("travel", sorted(set(TRAVELS) - {"stall", "stall_head", "stall_read"}))
def test_an_answer_travels_in_every_way(pdp: Pdp, travel: str) -> None:
    pdp.simulator.script_endpoint("invoices", [f"{travel}:0.001"])

    try:
        answered = pdp.get("invoices").status_code
    except BROKEN_ERRORS:
        answered = 0

    interim = {int(travel)} if travel in {"102", "103"} else set()  # which requests takes for the answer
    assert answered in ({0, 200} if travel.startswith("half") else {200, 413} | interim)
    with pdp_of(pdp.simulator).session as session:
        assert session.get(f"{pdp.simulator.base_url}/v1.beta/invoices", headers=pdp.headers, timeout=10).ok


@pytest.mark.parametrize("kind", [*bodies(SUPERPDP, 400, ""), *PLAIN, "html"])
def test_every_kind_of_body_is_written(pdp: Pdp, kind: str) -> None:
    pdp.simulator.script_endpoint("invoices", [f"answer:400:{kind}"])

    answer = pdp.get("invoices")

    assert answer.status_code == 400
    assert bool(answer.content) == (kind != "empty")


def test_both_wires_know_the_same_bodies() -> None:
    assert set(bodies(SUPERPDP, 400, "")) == set(bodies(IOPOLE, 400, ""))


def test_an_answer_can_quote_what_was_sent(pdp: Pdp) -> None:
    pdp.simulator.script("F-1", ["answer:400:quote"])

    said = json.loads(pdp.deposit().text)["message"]

    assert pdp.headers["Authorization"] in said
    assert "CrossIndustryInvoice" in said


def test_faults_are_chosen_by_key_by_file_name_by_endpoint_by_rate_and_by_outage(pdp: Pdp) -> None:
    simulator = pdp.simulator
    simulator.script("key-1", [503])
    assert [pdp.deposit(key="key-1").status_code for _ in range(2)] == [503, 200]

    assert [pdp.upload(document("F-2"), "F-2~502.xml").status_code for _ in range(2)] == [502, 200]

    simulator.script_endpoint("deposit", [504])
    assert pdp.deposit(document("F-3")).status_code == 504

    simulator.fault_rates({"500": 1.0})
    assert pdp.deposit(document("F-3")).status_code == 500
    simulator.clear_faults()

    simulator.outage(60, "503")
    assert {pdp.deposit(document("F-3")).status_code, pdp.get("invoices").status_code} == {503}
    assert len(simulator.ledger()) == 2


def test_an_upload_that_breaks_off_stores_nothing(pdp: Pdp) -> None:
    url, body = urlsplit(pdp.simulator.base_url), document()
    head = f"POST /v1.beta/invoices HTTP/1.1\r\nHost: x\r\nAuthorization: {pdp.headers['Authorization']}\r\n"
    kind = f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as connection:
        connection.sendall((head + kind).encode() + body[:-100])

    assert pdp.deposit().status_code == 200
    assert len(pdp.simulator.ledger()) == 1


def test_the_endpoints_have_names(pdp: Pdp) -> None:
    for each in PLACES:
        pdp.simulator.script_endpoint(each, [503])
    with pytest.raises(ValueError, match="no such endpoint"):
        pdp.simulator.script_endpoint("search", [503])

    assert pdp.get("invoices").status_code == 503
    assert pdp.get("companies/me").status_code == 503


def test_calls_are_counted_as_on_any_wire(pdp: Pdp) -> None:
    pdp.deposited()
    pdp.events()

    counts = pdp.simulator.call_counts()
    assert (counts["deposit"]["count"], counts["events"]["count"]) == (1, 1)
    assert pdp.simulator.calls("deposit")[0]["number"] == "F-1"
