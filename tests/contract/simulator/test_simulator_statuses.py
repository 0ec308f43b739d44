"""The life cycle on its clock, histories, unseen statuses, and statuses that we send."""

from __future__ import annotations

import pytest

from local.invoices import BUYERS, DIFFICULT_BUYERS
from local.simulator.core.control import Simulator
from tests.contract.simulator.client import Client, client_of, document

GOOD = ["SUBMITTED", "SUBMITTED", "ISSUED", "RECEIVED", "MADE_AVAILABLE"]
SIREN = {
    **{each.siren[:3]: each.siren for each in BUYERS},
    **{key: each.siren for key, each in DIFFICULT_BUYERS.items()},
}


def test_a_good_document_shows_its_statuses_one_by_one(client: Client) -> None:
    client.simulator.configure(speed=0.001)
    deposit_id = client.deposited()

    seen = [client.codes(deposit_id)]
    for seconds in (450, 70, 50, 50):
        client.simulator.advance(seconds)
        seen.append(client.codes(deposit_id))

    assert seen == [[], GOOD[:2], GOOD[:3], GOOD[:4], GOOD]


def test_speed_divides_every_delay(simulator: Simulator) -> None:
    simulator.configure(speed=100)
    client = client_of(simulator)
    deposit_id = client.deposited(document(buyer=SIREN["205"]))

    simulator.advance(0.7)

    assert client.codes(deposit_id)[-1] == "APPROVED"


def test_a_deposit_is_reported_to_ppf_and_operator(client: Client) -> None:
    deposit_id = client.deposited()

    client.simulator.advance(1)

    submitted = [each for each in client.history(deposit_id) if each["status"]["code"] == "SUBMITTED"]
    assert {each["destType"] for each in submitted} == {"PPF", "OPERATOR"}
    assert len({each["statusId"] for each in submitted}) == 2
    assert all("networkCode" not in each["status"] for each in submitted)


@pytest.mark.parametrize(
    ("behaviour", "codes", "state"),
    [
        ("202", GOOD[:4], "DELIVERED"),
        ("203", GOOD, "DELIVERED"),
        ("204", [*GOOD, "IN_HAND"], "DELIVERED"),
        ("205", [*GOOD, "IN_HAND", "APPROVED"], "DELIVERED"),
        ("206", [*GOOD, "IN_HAND", "PARTIALLY_APPROVED"], "DELIVERED"),
        ("207", [*GOOD, "IN_HAND", "DISPUTED"], "DELIVERED"),
        ("208", [*GOOD, "IN_HAND", "SUSPENDED"], "DELIVERED"),
        ("210", [*GOOD, "IN_HAND", "REFUSED"], "DELIVERED"),
        ("211", [*GOOD, "IN_HAND", "APPROVED", "PAYMENT_SENT"], "DELIVERED"),
        ("213", [*GOOD[:3], "REJECTED"], "NOT_DELIVERED"),
        ("404", GOOD[:2], "NOT_TRANSMITTED"),
    ],
)
def test_a_buyer_behaves_as_its_siren_says(client: Client, behaviour: str, codes: list[str], state: str) -> None:
    deposit_id = client.deposited(document(buyer=SIREN[behaviour]))

    client.simulator.advance(100)

    assert client.codes(deposit_id) == codes
    assert client.simulator.ledger()[0]["state"] == state


def test_a_registered_company_behaves_as_registered(client: Client) -> None:
    client.simulator.add_company("333333333", behaviour="210")
    deposit_id = client.deposited(document(buyer="333333333"))

    client.simulator.advance(100)

    refusal = client.history(deposit_id)[-1]
    assert refusal["status"] == {"code": "REFUSED", "networkCode": "210"}
    assert refusal["json"]["sender"]["roleCode"] == "BY"
    assert refusal["json"]["responses"][0]["rejectionDetail"]["networkReason"] == "NON_CONFORME"
    with pytest.raises(ValueError, match="no such behaviour"):
        client.simulator.add_company("333333333", behaviour="sleeps")


def test_a_status_has_the_shape_of_the_live_ones(client: Client) -> None:
    deposit_id = client.deposited()
    client.simulator.advance(1)

    status = client.history(deposit_id)[-1]

    assert status["invoiceId"] == deposit_id
    assert status["date"].endswith("Z")
    assert len(status["date"]) == len("2026-10-12T08:15:30.412Z")
    assert status["json"]["issuer"] is None
    reference = status["json"]["responses"][0]["documentReference"]
    assert (reference["issuerAssignedId"], reference["typeCode"]) == ("F-1", 380)
    assert "CrossDomainAcknowledgementAndResponse" in status["xml"]


def test_the_history_quota_is_low_and_blocks(client: Client) -> None:
    client.simulator.configure(history_quota=2)
    path = f"/v1/invoice/{client.deposited()}/status-history"

    answers = [client.get(path).status_code for _ in range(4)]
    client.simulator.advance(50)
    blocked = client.get(path).status_code
    client.simulator.advance(11)

    assert answers == [200, 200, 429, 429]
    assert blocked == 429
    assert client.get(path).status_code == 200


def test_unknown_and_young_histories_can_be_404(client: Client) -> None:
    young = client.deposited()
    paths = [f"/v1/invoice/{each}/status-history" for each in (young, "unknown")]
    assert [client.get(path).json() for path in paths] == [[], []]

    client.simulator.configure(history_young=404, history_unknown=404)

    assert [client.get(path).status_code for path in paths] == [404, 404]


@pytest.mark.parametrize(
    ("twist", "codes"),
    [("reversed", GOOD[::-1]), ("duplicated", [*GOOD, *GOOD]), ("nulls", GOOD)],
)
def test_a_history_can_be_twisted_for_one_invoice(client: Client, twist: str, codes: list[str]) -> None:
    twisted, plain = client.deposited(), client.deposited(document("F-2"))
    client.simulator.twist("F-1", [twist])

    client.simulator.advance(1)

    assert client.codes(twisted) == codes
    assert client.codes(plain) == GOOD


def test_nulls_leave_a_status_with_next_to_nothing(client: Client) -> None:
    client.simulator.configure(history_twists=["nulls"])
    deposit_id = client.deposited()

    client.simulator.advance(1)

    assert {str(each["json"]) for each in client.history(deposit_id)} == {"None"}
    assert {str(each["status"]["networkCode"]) for each in client.history(deposit_id)} == {"None"}


def test_a_shuffled_history_is_the_same_every_time(client: Client) -> None:
    client.simulator.configure(history_twists=["shuffled"], seed=3)
    deposit_id = client.deposited(document(buyer=SIREN["211"]))
    client.simulator.advance(100)

    first, second = client.codes(deposit_id), client.codes(deposit_id)

    assert first == second
    assert sorted(first) == sorted([*GOOD, "IN_HAND", "APPROVED", "PAYMENT_SENT"])


def test_a_life_cycle_can_contradict_itself_and_speak_unknown_codes(client: Client) -> None:
    client.simulator.configure(lifecycle_twists=["contradictory", "unknown_codes"])
    deposit_id = client.deposited(document(buyer=SIREN["205"]))

    client.simulator.advance(100)

    last = client.history(deposit_id)[-3:]
    assert {each["status"]["code"] for each in last} == {"APPROVED", "REFUSED", "TELEPORTED"}
    assert len({each["date"] for each in last}) == 1
    assert len({each["statusId"] for each in last}) == 3


def test_a_history_can_be_wrapped(client: Client) -> None:
    client.simulator.configure(history_shape="data")

    assert client.get(f"/v1/invoice/{client.deposited()}/status-history").json() == {"data": []}


def test_a_status_can_be_injected(client: Client) -> None:
    deposit_id = client.deposited()

    status_id = client.simulator.add_status(deposit_id, "CANCELLED", reason="OTHER", message="replaced")

    (status,) = client.history(deposit_id)
    assert (status["statusId"], status["status"]["code"]) == (status_id, "CANCELLED")
    assert status["json"]["responses"][0]["rejectionDetail"]["reason"] == "OTHER"


def not_seen(client: Client) -> list[dict[str, object]]:
    return list(client.get("/v1/invoice/status/notSeen").json())


def mark_seen(client: Client, status_id: str) -> int:
    return client.send("PUT", f"/v1/invoice/status/{status_id}/markAsSeen").status_code


@pytest.mark.parametrize("key", ["newstatus", "newStatus"])
def test_unseen_statuses_come_grouped_by_invoice_until_marked(client: Client, key: str) -> None:
    client.simulator.configure(not_seen_shape=key)
    first, second = client.deposited(), client.deposited(document("F-2"))
    assert not_seen(client) == []
    client.simulator.advance(1)

    groups = {str(each["invoiceId"]): each[key] for each in not_seen(client)}

    assert list(groups) == [first, second]
    assert [each["status"]["code"] for each in groups[second]] == GOOD  # type: ignore[attr-defined]
    assert [mark_seen(client, each["statusId"]) for each in groups[first]] == [204] * 5  # type: ignore[attr-defined]
    assert [each["invoiceId"] for each in not_seen(client)] == [second]


def test_marking_twice_is_harmless_and_marking_nothing_is_404(client: Client) -> None:
    status_id = client.simulator.add_status(client.deposited(), "APPROVED")

    assert [mark_seen(client, status_id), mark_seen(client, status_id), mark_seen(client, "unknown")] == [204, 204, 404]


def test_unseen_statuses_are_limited_and_can_be_flat(client: Client) -> None:
    client.simulator.configure(not_seen_shape="flat", not_seen_limit=3)
    client.deposited()

    client.simulator.advance(1)

    assert [each["status"]["code"] for each in not_seen(client)] == GOOD[:3]  # type: ignore[index]


def test_a_push_account_has_nothing_unseen(client: Client) -> None:
    client.simulator.configure(mode="PUSH")
    client.deposited()

    client.simulator.advance(1)

    assert not_seen(client) == []


def test_foreign_invoices_queue_up_among_the_unseen(client: Client) -> None:
    foreign = client.simulator.add_foreign_invoice("X-1", statuses=["REFUSED"])

    assert [each["invoiceId"] for each in not_seen(client)] == [foreign]
    assert client.simulator.ledger() == []


@pytest.mark.parametrize(("code", "body"), [(201, True), (204, False)])
def test_a_status_can_be_sent(client: Client, code: int, body: bool) -> None:
    client.simulator.configure(send_status_code=code)
    deposit_id = client.deposited()
    payment = [{"vatRate": 20, "amount": 120, "currency": "EUR"}]

    answer = client.send("POST", f"/v1/invoice/{deposit_id}/status", {"code": "PAYMENT_RECEIVED", "payment": payment})

    assert answer.status_code == code
    assert (answer.json()["type"] == "STATUS") if body else not answer.content
    assert client.codes(deposit_id) == ["PAYMENT_RECEIVED"]


def test_a_sent_status_that_is_not_allowed_never_appears(client: Client) -> None:
    deposit_id = client.deposited()
    odd_rate = [{"vatRate": 21, "amount": 120, "currency": "EUR"}]
    path = f"/v1/invoice/{deposit_id}/status"

    accepted = client.send("POST", path, {"code": "PAYMENT_RECEIVED", "payment": odd_rate})
    unknown = client.send("POST", path, {"code": "SUBMITTED"})
    overfull = client.send("POST", path, {"code": "CANCELLED", "comment": "x"})

    assert [accepted.status_code, unknown.status_code, overfull.status_code] == [201, 400, 400]
    assert client.codes(deposit_id) == []


def test_nothing_follows_a_final_status(client: Client) -> None:
    deposit_id = client.deposited()
    client.simulator.add_status(deposit_id, "REFUSED")

    client.send("POST", f"/v1/invoice/{deposit_id}/status", {"code": "PAYMENT_RECEIVED"})

    assert client.codes(deposit_id) == ["REFUSED"]
