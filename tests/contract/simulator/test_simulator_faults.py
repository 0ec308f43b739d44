"""Every fault, over a real socket: what the client meets, and whether the deposit was stored."""

from __future__ import annotations

import socket
from collections import Counter
from urllib.parse import urlsplit

import pytest
import requests

from local.simulator.core.control import Simulator
from local.simulator.core.faults import CATALOGUE
from tests.contract.simulator.client import Client, ask_token, client_of, document

STATUS_MESSAGE = '{"statusMessage"'
ANSWERS = {
    "302": (302, "<html>"),
    "400": (400, STATUS_MESSAGE),
    "400_list": (400, STATUS_MESSAGE),
    "400_custom": (400, '{"details"'),
    "400_message": (400, '{"message": "UNKNOWN_INVOICE_FORMAT"}'),
    "400_tools": (400, STATUS_MESSAGE),
    "400_html": (400, "<html>"),
    "401": (401, STATUS_MESSAGE),
    "403": (403, STATUS_MESSAGE),
    "403_html": (403, "<html>"),
    "404": (404, STATUS_MESSAGE),
    "408": (408, "<html>"),
    "409": (409, '{"code": "DUPLICATE_RESOURCE"'),
    "413": (413, "<html>"),
    "415": (415, STATUS_MESSAGE),
    "422": (422, STATUS_MESSAGE),
    "429": (429, STATUS_MESSAGE),
    "429_seconds": (429, STATUS_MESSAGE),
    "429_date": (429, STATUS_MESSAGE),
    **{code: (int(code), "<html>") for code in ("500", "502", "503", "504")},
    **{f"{code}_stored": (code, "<html>") for code in (408, 500, 502, 503, 504)},
    "empty": (201, ""),
    "unreadable": (201, '{"type":"INVOICE","id":'),
    "html": (201, "<html>"),
    "no_id": (201, '{"type":"INVOICE"}'),
    "202": (202, '{"type": "INVOICE", "id"'),
    "slow:0.1": (201, '{"type": "INVOICE", "id"'),
    "stored_late:0.1": (201, '{"type": "INVOICE", "id"'),
}
BROKEN = {
    "reset_unread": "reset by peer",
    "reset": "reset by peer",
    "lost_answer": "reset by peer",
    "close": "without response",
    "close_stored": "without response",
    "truncated": "IncompleteRead",
    "timeout": "Read timed out",
    "timeout_stored": "Read timed out",
    "slow:5": "Read timed out",
    "stored_late:5": "Read timed out",
}
BROKEN_ERRORS = (requests.ConnectionError, requests.ReadTimeout, requests.exceptions.ChunkedEncodingError)


def stored(simulator: Simulator) -> int:
    return len(simulator.ledger())


def test_every_fault_is_tried_below() -> None:
    general = {"answer", "stored"}  # tried in test_simulator_wire.py
    assert {name.partition(":")[0] for name in (*ANSWERS, *BROKEN)} | general == set(CATALOGUE)


@pytest.mark.parametrize("fault", ANSWERS)
def test_an_odd_answer_comes_once_and_then_the_platform_works(client: Client, fault: str) -> None:
    client.simulator.script("F-1", [fault])
    status, beginning = ANSWERS[fault]

    answer = client.deposit()

    assert (answer.status_code, answer.text[: len(beginning)]) == (status, beginning)
    assert stored(client.simulator) == CATALOGUE[fault.partition(":")[0]].stored
    assert client_of(client.simulator).deposit().status_code == 201


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_connection_leaves_the_client_without_an_answer(client: Client, fault: str) -> None:
    client.simulator.script("F-1", [fault])

    with pytest.raises(BROKEN_ERRORS, match=BROKEN[fault]):
        client.deposit(timeout=0.5 if BROKEN[fault] == "Read timed out" else 10)

    name = fault.partition(":")[0]
    assert stored(client.simulator) == (CATALOGUE[name].stored and name != "stored_late")
    assert client.deposit(timeout=10).status_code == 201


def test_a_deposit_can_be_stored_after_its_client_has_given_up(client: Client) -> None:
    client.simulator.script("F-1", ["stored_late:1"])

    with pytest.raises(requests.ReadTimeout):
        client.deposit(timeout=0.05)
    before = stored(client.simulator)
    client.simulator.script_endpoint("invoice", ["slow:1.2"])
    client.get("/v1/invoice/x")

    assert (before, stored(client.simulator)) == (0, 1)


def test_faults_of_an_invoice_are_met_in_turn_and_by_nobody_else(client: Client) -> None:
    client.simulator.script("F-1", [503, 429])

    statuses = [client.deposit(document(number)).status_code for number in ("F-1", "F-2", "F-1", "F-1")]

    assert statuses == [503, 201, 429, 201]
    assert [each["number"] for each in client.simulator.ledger()] == ["F-2", "F-1"]


def test_a_fault_can_be_scripted_by_file_name(client: Client) -> None:
    client.simulator.script("the-file", ["500", "reset_unread"])

    first = client.deposit(filename="the-file.xml").status_code
    with pytest.raises(requests.ConnectionError):
        client.deposit(filename="the-file.xml")

    assert (first, stored(client.simulator)) == (500, 0)
    assert client.deposit(filename="the-file.xml").status_code == 201


def test_a_file_name_can_carry_its_own_faults(client: Client) -> None:
    name = "F-1~503~lost_answer.xml"

    first = client.deposit(filename=name).status_code
    with pytest.raises(requests.ConnectionError):
        client.deposit(filename=name)
    after_the_lost_answer = stored(client.simulator)

    assert (first, after_the_lost_answer) == (503, 1)
    assert client.deposit(filename=name).status_code == 201


def test_reset_unread_strikes_while_the_body_is_still_on_its_way(client: Client) -> None:
    client.simulator.script_endpoint("deposit", ["reset_unread"])
    head = (
        f"POST /v1/invoice HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
        f"customer-id: {client.headers['customer-id']}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.xml"\r\n\r\n'
    )
    url = urlsplit(client.simulator.base_url)

    with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as connection:
        connection.sendall(head.encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@pytest.mark.parametrize(("fault", "shape"), [("429_seconds:7", "7"), ("429_date:7", "GMT"), ("429", "none")])
def test_a_429_says_when_to_come_back_or_not(client: Client, fault: str, shape: str) -> None:
    client.simulator.script("F-1", [fault])

    header = client.deposit().headers.get("Retry-After", "none")

    assert header.endswith(shape)


def test_a_401_kills_the_token_in_the_middle_of_its_life(client: Client) -> None:
    client.simulator.script("F-1", [401])

    answers = [client.deposit().status_code, client.deposit().status_code]

    assert answers == [401, 401]
    assert client_of(client.simulator).deposit().status_code == 201
    assert stored(client.simulator) == 1


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("search", "/v1.1/invoice/search"),
        ("not_seen", "/v1/invoice/status/notSeen"),
        ("invoice", "/v1/invoice/x"),
        ("history", "/v1/invoice/x/status-history"),
        ("directory", '/v1/directory/french?q=siren:"1"'),
        ("customer_id", "/v1/config/customer/id"),
    ],
)
def test_any_endpoint_can_fail(client: Client, endpoint: str, path: str) -> None:
    client.simulator.script_endpoint(endpoint, [502, "empty", "reset"])

    answers = [client.get(path), client.get(path)]
    with pytest.raises(requests.ConnectionError):
        client.get(path)

    assert [(each.status_code, each.text[:6]) for each in answers] == [(502, "<html>"), (200, "")]
    assert client.get(path).status_code == 200


def test_the_token_endpoint_can_be_down_alone(client: Client) -> None:
    simulator = client.simulator

    simulator.outage(60, 503, endpoints=["token"])

    assert ask_token(simulator, simulator.client_id, simulator.client_secret).status_code == 503
    assert client.deposit().status_code == 201


def test_an_outage_ends_when_its_time_is_over(client: Client) -> None:
    client.simulator.outage(120, "504")
    during = [client.deposit().status_code, client.get("/v1/invoice/x").status_code]

    client.simulator.advance(121)

    assert during == [504, 504]
    assert client.deposit().status_code == 201
    assert stored(client.simulator) == 1


def test_an_outage_can_lose_every_answer(client: Client) -> None:
    client.simulator.outage(60, "lost_answer", endpoints=["deposit"])

    for number in ("F-1", "F-2"):
        with pytest.raises(requests.ConnectionError):
            client.deposit(document(number))
    client.simulator.outage(0)

    assert stored(client.simulator) == 2
    assert client.get("/v1.1/invoice/search").json()["meta"]["count"] == 2


def test_connections_can_be_refused(client: Client) -> None:
    client.simulator.refuse_connections()

    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(client.simulator.base_url, timeout=10)
    with pytest.raises(requests.ConnectionError):
        client.deposit()
    client.simulator.accept_connections()

    assert client.deposit().status_code == 201
    assert stored(client.simulator) == 1


def test_refused_connections_come_back_by_themselves(client: Client) -> None:
    simulator = client.simulator
    simulator.script_endpoint("invoice", ["slow:0.6"])

    simulator.refuse_connections(seconds=0.2)
    requests.get(f"{simulator.admin_url}/v1/invoice/x", headers=client.headers, timeout=10)

    assert client.deposit().status_code == 201


def test_a_reset_opens_the_port_again(client: Client) -> None:
    client.simulator.refuse_connections()

    client.simulator.reset()

    assert client_of(client.simulator).deposit().status_code == 201


def test_rates_are_repeatable_whatever_runs_beside(client: Client) -> None:
    def outcomes(order: list[int]) -> dict[int, int]:
        client.simulator.fault_rates({"503": 0.3, "429": 0.2}, seed=7)
        return {rank: client.deposit(b"", f"{rank}.xml").status_code for rank in order}

    first, second = outcomes(list(range(60))), outcomes(list(reversed(range(60))))

    assert first == second
    counts = Counter(first.values())
    assert 8 <= counts[503] <= 28
    assert 4 <= counts[429] <= 22
    client.simulator.fault_rates({})
    assert client.deposit().status_code == 201


@pytest.mark.parametrize("rates", [{"503": 0.7, "429": 0.5}, {"503": -0.1}, {"604": 0.1}])
def test_impossible_rates_are_refused(simulator: Simulator, rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"^400 "):
        simulator.fault_rates(rates)


def test_unknown_faults_are_refused(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="no such fault: '604'"):
        simulator.script("F-1", ["604"])
    with pytest.raises(ValueError, match="no such fault: '604'"):
        simulator.outage(1, "604")


def test_clearing_forgets_every_fault(client: Client) -> None:
    client.simulator.script("F-1", [503])
    client.simulator.fault_rates({"503": 1})
    client.simulator.outage(60)

    client.simulator.clear_faults()

    assert client.deposit().status_code == 201


def test_the_call_log_knows_the_fault_and_the_invoice(client: Client) -> None:
    client.simulator.script("F-1", ["lost_answer"])

    with pytest.raises(requests.ConnectionError):
        client.deposit()

    (call,) = client.simulator.calls("deposit")
    assert (call["fault"], call["number"], call["status"]) == ("lost_answer", "F-1", 499)


def test_the_call_log_says_under_which_switches_the_work_was_done(client: Client) -> None:
    client.simulator.script_endpoint("search", ["search_cap=3", "search_cap=3+slow:0"])

    client.search("invoiceId:F-1")
    client.search("invoiceId:F-1")

    assert [each["fault"] for each in client.simulator.calls("search")] == ["search_cap=3", "search_cap=3+slow"]
