"""Statuses of a platform that is not quite right: dates, ids, life cycles, histories, acknowledgements; and its Date header."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.simulator.client import STRANGER, Client, document
from tests.contract.simulator.test_simulator_search_lies import ALL, SEARCH, three
from tests.contract.simulator.test_simulator_statuses import GOOD, SIREN, mark_seen, not_seen


def shown_date(client: Client, rule: str) -> tuple[Any, Any]:
    """The date of MADE_AVAILABLE in history and search under a rule, "missing" where there is none."""
    deposit_id = client.deposited()
    client.simulator.advance(1)
    client.simulator.configure(status_dates=[rule])
    last, (found,) = client.history(deposit_id)[-1], client.search("", **ALL)
    assert last["json"]["identification"].get("date", "missing") == last.get("date", "missing")
    return last.get("date", "missing"), found["lastStatusData"].get("date", "missing")


@pytest.mark.parametrize(
    ("rule", "date"),
    [
        ("null", None), ("absent", "missing"), ("empty", ""), ("text", "yesterday"), ("year1", "0001-01-01T00:00:00.000Z"),
        ("MADE_AVAILABLE@year9999", "9999-12-31T23:59:59.999Z"),
    ],
)  # fmt: skip
def test_a_date_can_be_absent_or_absurd(client: Client, rule: str, date: object) -> None:
    assert shown_date(client, rule) == (date, date)


@pytest.mark.parametrize(
    ("rule", "low", "high"), [("7200", 7100, 7210), ("-86400", -86500, -86390), ("local", 3500, 7210)]
)
def test_a_date_can_be_off(client: Client, rule: str, low: float, high: float) -> None:
    dates = shown_date(client, rule)

    for date in dates:
        assert low < (datetime.fromisoformat(date) - datetime.now(UTC)).total_seconds() < high


def test_dates_of_other_codes_stay_right_and_creation_has_its_own(client: Client) -> None:
    client.simulator.configure(status_dates=["REJECTED@null", "createDate@absent"])
    client.deposited()
    client.simulator.advance(1)

    (found,) = client.search("", **ALL)

    assert found["lastStatusData"]["date"].endswith("Z")
    assert "createDate" not in found["metadata"]


@pytest.mark.parametrize("name", ["statusId", "invoiceId", "date", "destType", "status", "json", "xml"])
def test_any_field_of_a_status_can_be_missing(client: Client, name: str) -> None:
    deposit_id = client.deposited()
    client.simulator.advance(1)
    client.simulator.configure(status_omits=[name])

    assert all(name not in each for each in client.history(deposit_id))


@pytest.mark.parametrize(
    ("kind", "ids"), [("counted", ["1", "2", "3", "4", "5"]), ("constant", None), ("long", None), ("odd", None)]
)
def test_status_ids_can_be_reused_or_odd(client: Client, kind: str, ids: list[str] | None) -> None:
    client.simulator.configure(status_ids=kind)
    deposits = [client.deposited(), client.deposited(document("F-2"))]
    client.simulator.advance(1)

    first, second = ([each["statusId"] for each in client.history(each)] for each in deposits)

    assert ids is None or first == second == ids
    assert len(set(first)) == (1 if kind == "constant" else 5)
    assert all(len(each) > 300 for each in first) or kind != "long"
    assert all(each.startswith("ffffffff-ffff-7fff-") for each in first) or kind != "odd"


def test_a_reused_status_id_acknowledges_the_oldest_one(client: Client) -> None:
    client.simulator.configure(status_ids="counted", not_seen_shape="flat")
    client.deposited(), client.deposited(document("F-2"))
    client.simulator.advance(1)

    left = []
    for _ in range(3):
        left.append(sum(each["statusId"] == "1" for each in not_seen(client)))
        assert mark_seen(client, "1") == 204

    assert left == [2, 1, 0]


@pytest.mark.parametrize("kind", ["counted", "long", "odd", "unprintable", "number"])
def test_deposit_ids_can_be_odd(client: Client, kind: str) -> None:
    client.simulator.configure(deposit_ids=kind)

    ids = [client.deposit(document(number)).json()["id"] for number in ("F-1", "F-2")]

    assert ids[0] != ids[1]
    assert isinstance(ids[0], int) == (kind == "number")
    assert [each["id"] for each in client.simulator.ledger()] == [str(each) for each in ids]


def test_the_id_of_another_deposit_can_be_answered(client: Client) -> None:
    client.simulator.script("F-2", ["deposit_ids=previous"])

    ids = [client.deposited(document(number)) for number in ("F-1", "F-2", "F-3")]

    stored = [each["id"] for each in client.simulator.ledger()]
    assert ids == [stored[0], stored[0], stored[2]]


@pytest.mark.parametrize(
    ("twist", "codes", "state"),
    [
        ("never", [], "PENDING"),
        ("state_only", [], "DELIVERED"),
        ("twice", [code for code in GOOD for _ in range(2)], "DELIVERED"),
    ],
)
def test_a_life_cycle_can_never_come_or_come_twice(client: Client, twist: str, codes: list[str], state: str) -> None:
    client.simulator.script("F-1", [f"lifecycle_twists={twist}"])
    twisted, plain = client.deposited(), client.deposited(document("F-2"))

    client.simulator.advance(100)

    assert (client.codes(twisted), client.codes(plain)) == (codes, GOOD)
    assert client.simulator.ledger("F-1")[0]["state"] == state


def test_a_life_cycle_can_be_over_before_the_answer(client: Client) -> None:
    client.simulator.configure(lifecycle_twists=["early"])

    assert client.codes(client.deposited(document(buyer=SIREN["213"]))) == [*GOOD[:3], "REJECTED"]


def test_a_refused_state_can_come_without_a_status(client: Client) -> None:
    client.simulator.configure(lifecycle_twists=["state_only"])
    deposit_id = client.deposited(document(buyer=STRANGER))
    client.simulator.advance(1)

    (found,) = client.search("", **ALL)

    assert (found["metadata"]["state"], found["lastStatusData"]) == ("WRONG_ROUTING", None)
    assert client.codes(deposit_id) == []


@pytest.mark.parametrize(("how", "status"), [("empty", 200), ("500", 500)])
def test_the_history_of_a_refusal_can_be_kept_back(client: Client, how: str, status: int) -> None:
    client.simulator.configure(history_refused=how)
    refused, good = client.deposited(document(buyer=STRANGER)), client.deposited(document("F-2"))
    client.simulator.advance(1)

    answer = client.get(f"/v1/invoice/{refused}/status-history")

    assert answer.status_code == status
    assert (status != 200) or answer.json() == []
    assert client.codes(good) == GOOD
    assert "REJECTED" in str(client.search("", **ALL))


@pytest.mark.parametrize(("switch", "code", "left"), [("acks_refused", 500, 5), ("acks_forgotten", 204, 5)])
def test_acknowledgements_can_fail_for_ever(client: Client, switch: str, code: int, left: int) -> None:
    client.simulator.configure(**{switch: 1.0, "not_seen_shape": "flat"})
    client.deposited()
    client.simulator.advance(1)

    codes = [mark_seen(client, str(each["statusId"])) for each in not_seen(client)]

    assert codes == [code] * 5
    assert len(not_seen(client)) == left


def test_only_some_acknowledgements_may_fail(client: Client) -> None:
    client.simulator.configure(acks_refused=0.5, not_seen_shape="flat")
    for rank in range(4):
        client.deposited(document(f"F-{rank}"))
    client.simulator.advance(1)

    first, second = ([mark_seen(client, str(each["statusId"])) for each in not_seen(client)] for _ in range(2))

    assert set(first) == {204, 500}
    assert second == [500] * first.count(500)


def test_statuses_of_nobody_can_stand_before_ours(client: Client) -> None:
    client.simulator.configure(not_seen_noise=98, not_seen_shape="flat")
    client.deposited()
    client.simulator.advance(1)

    shown = not_seen(client)

    assert len(shown) == 100
    assert [each.get("statusId") is None for each in shown] == [True] * 98 + [False] * 2


def test_the_date_of_answers_can_stand_still_or_be_missing(client: Client) -> None:
    client.simulator.configure(date_header="still")
    before = client.get(SEARCH).headers["Date"]

    client.simulator.advance(3600)

    assert client.get(SEARCH).headers["Date"] == before
    client.simulator.configure(date_header="right")
    assert client.get(SEARCH).headers["Date"] != before
    client.simulator.configure(date_header="none")
    assert "Date" not in client.get(SEARCH).headers


@pytest.mark.parametrize(
    "switches", [{"search_hides": ["some"]}, {"deposit_ids": "nice"}, {"search_strangers": ["odd"]}]
)
def test_a_lie_that_nobody_knows_is_refused(client: Client, switches: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^400 .*must be one of"):
        client.simulator.configure(**switches)


def test_lies_come_by_rate_and_in_outages_too(client: Client) -> None:
    ids = three(client)
    client.simulator.outage(60, "search_hides=all", endpoints=["search"])

    during = client.found("")
    client.simulator.advance(61)

    assert (during, client.found("")) == ([], ids)
    client.simulator.fault_rates({"search_cap=1": 1.0}, endpoint="search")
    assert client.found("") == ids[:1]
