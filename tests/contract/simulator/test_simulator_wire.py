"""How answers travel: interim ones, drips, halves, silences, answers of other requests; and any status with any body."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import requests

from local.simulator.core.answers import PLAIN, bodies
from local.simulator.core.faults import TRAVELS, is_fault
from local.simulator.iopole.platform import IOPOLE
from tests.contract.simulator.client import Client, client_of, document
from tests.contract.simulator.talk import Talk, talking

END = b"}"  # of the 201's body, which is JSON


def met(client: Client, fault: str, seconds: float = 10.0) -> Talk:
    """What a deposit of F-1 meets, up to the end of a whole answer."""
    client.simulator.script("F-1", [fault])
    with talking(client) as talk:
        talk.deposit()
        talk.until(END, seconds)
        return talk


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("103", [103, 201]),
        ("102:0.05", [102, 201]),
        ("100+102+103", [100, 102, 103, 201]),
        ("103:0:25", [103] * 25 + [201]),
        ("102+stored:403:html", [102, 403]),
        ("103+lost_answer", [103]),
    ],
)
def test_interim_answers_come_before_the_final_one(client: Client, fault: str, statuses: list[int]) -> None:
    client.simulator.script("F-1", [fault])

    with talking(client) as talk:
        talk.deposit()
        try:
            talk.until(b"</html>" if "html" in fault else END)
        except ConnectionResetError:
            assert "lost" in fault

    assert talk.statuses == statuses
    assert len(client.simulator.ledger()) == 1


@pytest.mark.parametrize(
    "fault", ["103:0.4", "stall:0.4", "stall_head:0.4", "slow:0.4", "drip_body:0.01", "drip_head:0.004"]
)
def test_the_rest_of_an_answer_comes_later(client: Client, fault: str) -> None:
    talk = met(client, fault)

    assert talk.times[-1] - talk.times[0] >= (0.3 if fault != "slow:0.4" else 0)
    assert talk.statuses[-1] == 201
    assert len(client.simulator.ledger()) == 1
    assert json.loads(talk.received.rpartition(b"\r\n\r\n")[2])["type"] == "INVOICE"


@pytest.mark.parametrize(
    ("fault", "seen", "unseen"),
    [
        ("half", b"\r\n\r\n", END),
        ("half_head", b"HTTP/1.1 201", b"\r\n\r\n"),
        ("stall", b"\r\n\r\n", END),
        ("stall_head", b"HTTP/1.1 201", b"\r\n\r\n"),
        ("drip:9", b"H", b"HT"),
        ("drip_body:9", b"\r\n\r\n{", b"\r\n\r\n{\""),
    ],
)  # fmt: skip
def test_an_answer_may_never_become_whole(client: Client, fault: str, seen: bytes, unseen: bytes) -> None:
    talk = met(client, fault, seconds=0.4)

    assert seen in talk.received
    assert unseen not in talk.received
    assert len(client.simulator.ledger()) == 1


def test_a_search_can_drip_too(client: Client) -> None:
    client.simulator.script_endpoint("search", ["drip:0.002"])

    with talking(client) as talk:
        talk.get("/v1.1/invoice/search")
        talk.until(b"}}")

    assert len(talk.times) > 20
    assert talk.statuses == [200]


def test_an_extra_answer_is_read_by_the_next_request(client: Client) -> None:
    """What a client without care does: it takes the first one's id for the second one's."""
    client.simulator.script("F-1", ["extra:0.3"])

    ids = [client.deposit(document(number)).json()["id"] for number in ("F-1", "F-2")]

    assert ids[0] == ids[1]


def test_an_extra_answer_can_come_late(client: Client) -> None:
    client.simulator.script("F-1", ["extra:0.3"])

    with talking(client) as talk:
        talk.deposit()
        first = talk.until(END)
        talk.forget()
        second = talk.until(END)

    assert first == second
    assert len(client.simulator.ledger()) == 1


def test_the_previous_answer_can_come_again(client: Client) -> None:
    client.simulator.script("F-2", ["previous"])

    ids = [client.deposit(document(number)).json()["id"] for number in ("F-1", "F-2", "F-3")]

    assert ids[0] == ids[1] != ids[2]
    assert len(client.simulator.ledger()) == 3


@pytest.mark.parametrize(("fault", "status", "stored"), [("early", 413, 0), ("early+stored:503:html", 503, 1)])
def test_an_answer_can_come_before_the_body_was_read(client: Client, fault: str, status: int, stored: int) -> None:
    client.simulator.script_endpoint("deposit", [fault])
    body = Talk.multipart(document())

    with talking(client) as talk:
        talk.send(talk.deposit_head(len(body)) + body[:200])
        talk.until(b"</html>")
        before = len(client.simulator.ledger())
        talk.send(body[200:])
        talk.forget()
        talk.get("/v1/config/customer/id")
        talk.until(client.simulator.customer_id.encode())

    assert (before, len(client.simulator.ledger())) == (0, stored)


def test_an_early_answer_to_a_body_that_never_ends_stores_nothing(client: Client) -> None:
    client.simulator.script_endpoint("deposit", ["early+stored:403:json"])
    body = Talk.multipart(document())

    with talking(client) as talk:
        talk.send(talk.deposit_head(len(body)) + body[:-30])
        talk.until(END)

    assert talk.statuses == [403]
    assert client.simulator.ledger() == []


@pytest.mark.parametrize("fault", ["slow_read:0.03", "stall_read:0.7"])
def test_a_large_body_can_be_read_slowly(client: Client, fault: str) -> None:
    client.simulator.script("large", [fault])
    began = time.monotonic()

    answer = client.deposit(document() + b"<!--" + b"x" * 150_000 + b"-->", "large.xml", timeout=60)

    assert time.monotonic() - began > 0.2
    assert answer.status_code == 201
    assert [each["number"] for each in client.simulator.ledger()] == ["F-1"]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "beginning"),
    [
        ("answer:403:html", 403, "text/html", "<html>"),
        ("answer:429:text", 429, "text/plain", "no healthy upstream"),
        ("answer:404:empty", 404, "text/plain", ""),
        ("answer:404:{}", 404, "application/json", "{}"),
        ('answer:404:{"message": "no Route matched: 1+1"}', 404, "application/json", '{"message": "no Route'),
        ("answer:401", 401, "application/json", '{"statusMessage": "Token'),
        ("answer:503", 503, "text/html", "<html>"),
        ("answer:400:latin1", 400, "application/json", '{"statusMessage": "Numéro'),
        ("answer:418:json", 418, "application/json", '{"statusMessage": "'),
        ("answer:599:text", 599, "text/plain", "no healthy"),
        ("answer:201:id", 201, "application/json", '{"type": "INVOICE", "id": "0198c0de'),
    ],
)
@pytest.mark.parametrize("stored", [True, False])
def test_any_status_comes_with_any_body(
    client: Client, fault: str, status: int, kind: str, beginning: str, stored: bool
) -> None:
    client.simulator.script("F-1", [fault.replace("answer", "stored") if stored else fault])

    answer = client.deposit()

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.text.startswith(beginning)
    assert len(client.simulator.ledger()) == stored


@pytest.mark.parametrize("kind", [*bodies(IOPOLE, 400, ""), *PLAIN, "html"])
def test_every_kind_of_body_is_written(client: Client, kind: str) -> None:
    client.simulator.script_endpoint("search", [f"answer:400:{kind}"])

    answer = client.get("/v1.1/invoice/search")

    assert answer.status_code == 400
    assert bool(answer.content) == (kind != "empty")


def test_an_answer_can_quote_what_was_sent(client: Client) -> None:
    client.simulator.script("F-1", ["answer:400:quote", "stored:403:quote"])
    client.simulator.script_endpoint("token", ["answer:401:quote"])

    said = [client.deposit().text, client.deposit().text]

    for each in said:
        assert client.headers["Authorization"] in each
        assert client.headers["customer-id"] in each
        assert "CrossIndustryInvoice" in each
    with pytest.raises(KeyError):
        client_of(client.simulator)
    assert len(client.simulator.ledger()) == 1


def test_a_token_endpoint_can_quote_the_secret(client: Client) -> None:
    client.simulator.script_endpoint("token", ["answer:401:quote"])
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "of-the-test"}

    answer = requests.post(f"{client.simulator.base_url}/realms/iopole/protocol/openid-connect/token", form, timeout=10)

    assert "of-the-test" in answer.text


def test_a_fault_can_be_a_switch_of_one_request(client: Client) -> None:
    client.simulator.script_endpoint("search", ["search_count=page+search_order=oldest"])
    for _ in range(3):
        client.deposited(b"")

    counts = [client.get("/v1.1/invoice/search", limit=2).json()["meta"]["count"] for _ in range(2)]

    assert counts == [2, 3]


def test_everything_can_be_written_into_a_file_name(client: Client) -> None:
    with talking(client) as talk:
        talk.deposit(filename="F-1~103~stored:403:html.xml")
        talk.until(END)
        talk.deposit(filename="F-1~103~stored:403:html.xml")
        talk.until(b"</html>")

    assert talk.statuses == [103, 201, 403]


def test_odd_ways_to_travel_come_by_rate_and_in_outages(client: Client) -> None:
    client.simulator.fault_rates({"102": 1.0})
    client.simulator.outage(60, "103", endpoints=["search"])

    with talking(client) as talk:
        talk.deposit()
        talk.until(END)
        talk.get("/v1.1/invoice/search")
        talk.until(b"}}")

    assert talk.statuses == [102, 201, 103, 200]


@pytest.mark.parametrize(
    "written", ["answer", "stored", "answer:html", "drip:x", "answer:4031", "search_lag=many", "nowhere=1", "half+604"]
)
def test_what_is_no_fault_is_refused(client: Client, written: str) -> None:
    assert not is_fault(written)
    with pytest.raises(ValueError, match=r"^400 "):
        client.simulator.script("F-1", [written])


def test_every_way_to_travel_is_tried_above() -> None:
    text = Path(__file__).read_text()

    assert [name for name in TRAVELS if not re.search(rf'"{name}\b', text)] == []
