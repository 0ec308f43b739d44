"""Searches of a platform that is not quite right: pages, caches, filters, lookalikes, missing fields, other words."""

from __future__ import annotations

from typing import Any

import pytest

from local.invoices import SELLER
from tests.contract.simulator.client import STRANGER, Client, document

SEARCH = "/v1.1/invoice/search"
ALL = {"expand": "businessData,lastStatusData"}


def three(client: Client) -> list[str]:
    """Three deposits, oldest first, which is the order that searches show them in from now on."""
    client.simulator.configure(search_order="oldest")
    return [client.deposited(document(f"F-{rank}")) for rank in (1, 2, 3)]


def test_pages_can_be_capped_below_the_limit(client: Client) -> None:
    ids = three(client)
    client.simulator.configure(search_cap=2)

    assert client.found("", limit=200) == ids[:2]
    assert client.found("", limit=200, offset=2) == ids[2:]


def test_only_the_first_words_of_a_long_query_may_be_read(client: Client) -> None:
    ids = three(client)
    either = "invoiceId:F-3 OR invoiceId:F-1 OR invoiceId:F-2"
    assert client.found(either) == ids

    client.simulator.configure(search_terms=2)

    assert client.found(either) == [ids[0], ids[2]]
    assert client.found("invoiceId:F-2") == [ids[1]]


def test_a_whole_result_can_be_cut(client: Client) -> None:
    ids = three(client)
    client.simulator.configure(search_most=2)

    assert client.found("") == ids[:2]
    assert client.found("", offset=2) == []


@pytest.mark.parametrize(("shift", "second"), [(1, []), (-1, [1, 2]), (0, [2])])
def test_later_pages_can_be_shifted(client: Client, shift: int, second: list[int]) -> None:
    ids = three(client)
    client.simulator.configure(search_shift=shift)

    assert client.found("", limit=2) == ids[:2]
    assert client.found("", limit=2, offset=2) == [ids[rank] for rank in second]


def test_pages_can_have_no_end(client: Client) -> None:
    ids = three(client)
    client.simulator.configure(search_endless=True)

    assert client.found("", limit=2, offset=4) == ids[1:]
    assert client.found("", limit=2, offset=400) == ids[1:]


@pytest.mark.parametrize(("how", "shown"), [("first", [0, 0, 0]), ("previous", [0, 0, 1]), ("off", [0, 1, 2])])
def test_a_cache_can_answer_another_query(client: Client, how: str, shown: list[int]) -> None:
    ids = three(client)
    client.simulator.configure(search_cache=how)

    found = [client.found(f'invoiceId:"F-{rank}"') for rank in (1, 2, 3)]

    assert found == [[ids[rank]] for rank in shown]


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("all", []),
        ("number:F-2", [0, 2]),
        (f"seller:{SELLER.siren}", []),
        ("seller:222222222", [0, 1, 2]),
        ("older:50", [2]),
        ("younger:50", [0, 1]),
        ("share:1", []),
        ("share:0", [0, 1, 2]),
    ],
)
def test_a_filter_can_hide_some_of_ours(client: Client, rule: str, left: list[int]) -> None:
    client.simulator.configure(search_order="oldest")
    ids = [client.deposited(document(f"F-{rank}")) for rank in (1, 2)]
    client.simulator.advance(100)
    ids.append(client.deposited(document("F-3")))

    client.simulator.configure(search_hides=[rule])

    assert client.found("") == [ids[rank] for rank in left]


def test_a_large_document_can_show_later_than_a_small_one(client: Client) -> None:
    client.simulator.configure(search_lag_per_kb=1)
    large, small = client.deposited(document() + b" " * 90_000), client.deposited(document("F-2"))

    client.simulator.advance(50)
    early = client.found("")
    client.simulator.advance(60)

    assert early == [small]
    assert set(client.found("")) == {small, large}


@pytest.mark.parametrize(
    ("counts", "count"),
    [("total", 3), ("page", 2), ("zero", 0), ("short", 2), ("long", 10), ("text", "3"), ("none", None)],
)
def test_the_count_can_be_anything(client: Client, counts: str, count: object) -> None:
    three(client)
    client.simulator.configure(search_count=counts)

    assert client.get(SEARCH, limit=2).json()["meta"].get("count") == count


@pytest.mark.parametrize(
    ("kind", "differs"),
    [("amount", {"amount"}), ("number", {"number"}), ("same", set()), ("seller", {"seller", "amount"})],
)
def test_strangers_look_like_ours_but_for_one_thing(client: Client, kind: str, differs: set[str]) -> None:
    client.simulator.configure(search_strangers=[kind], search_order="oldest")
    client.deposited()

    ours, stranger = client.search('invoiceId:"F-1"', **ALL)
    again = client.search('invoiceId:"F-1"', **ALL)

    assert [kept for kept in looks(ours) if looks(ours)[kept] != looks(stranger)[kept]] == sorted(differs, reverse=True)
    assert len(again) == 2
    assert len(client.simulator.ledger()) == 1


def looks(entry: dict[str, Any]) -> dict[str, object]:
    """What distinguishes one invoice from another."""
    business = entry["businessData"]
    return {
        "seller": business["seller"]["siren"],
        "number": business["invoiceId"],
        "direction": entry["metadata"]["direction"],
        "amount": business["monetary"]["invoiceAmount"]["amount"],
    }


def test_several_sellers_under_one_client_are_kept_apart(client: Client) -> None:
    other = document().replace(SELLER.siren.encode(), b"222222222")

    ids = [client.deposited(), client.deposited(other)]

    assert [each["verdict"] for each in client.simulator.ledger()] == ["accepted", "accepted"]
    assert client.found(f'invoiceId:"F-1" AND seller.siren:"{SELLER.siren}"') == ids[:1]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("direction", ["metadata", "direction"]),
        ("state", ["metadata", "state"]),
        ("createDate", ["metadata", "createDate"]),
        ("invoiceId", ["metadata", "invoiceId"]),
        ("metadata", ["metadata"]),
        ("businessData", ["businessData"]),
        ("number", ["businessData", "invoiceId"]),
        ("seller", ["businessData", "seller"]),
        ("monetary", ["businessData", "monetary"]),
        ("amount", ["businessData", "monetary", "invoiceAmount", "amount"]),
        ("currency", ["businessData", "monetary", "invoiceAmount", "currency"]),
        ("lastStatusData", ["lastStatusData"]),
    ],
)
def test_any_field_of_a_result_can_be_missing(client: Client, name: str, path: list[str]) -> None:
    client.deposited()
    client.simulator.advance(1)
    client.simulator.script_endpoint("search", [f"search_omits={name}"])

    (lacking,), (whole,) = client.search("", **ALL), client.search("", **ALL)

    *way, last = path
    for step in way:
        lacking, whole = lacking[step], whole[step]
    assert last not in lacking
    assert last in whole


def test_every_enum_can_be_spelt_otherwise(client: Client) -> None:
    spellings = ["OUTBOUND=EMITTED", "DELIVERED=Delivered", "OPERATOR=operator", "MADE_AVAILABLE=203"]
    client.simulator.configure(spellings=spellings)
    deposit_id = client.deposited()
    client.simulator.advance(1)

    (found,) = client.search("", **ALL)
    last = client.history(deposit_id)[-1]

    assert (found["metadata"]["direction"], found["metadata"]["state"]) == ("EMITTED", "Delivered")
    assert (found["lastStatusData"]["code"], last["status"]["code"], last["destType"]) == ("203", "203", "operator")


def test_everything_can_be_in_lower_case(client: Client) -> None:
    client.simulator.configure(spellings=["lower"])
    client.deposited()

    (found,) = client.search("")

    assert (found["metadata"]["direction"], found["metadata"]["state"]) == ("outbound", "pending")


@pytest.mark.parametrize("where", ["statuses", "search", "codes"])
def test_what_was_sent_can_be_repeated_later(client: Client, where: str) -> None:
    client.simulator.configure(quotes=[where])
    deposit_id = client.deposited(document(buyer=STRANGER))
    client.simulator.advance(1)

    said = {"statuses": str(client.history(deposit_id)), "search": str(client.search("", **ALL))}

    token, piece = client.headers["Authorization"], "CrossIndustryInvoice"
    assert [token in each for each in said.values()] == [where in {"statuses", "codes"}, where in {"search", "codes"}]
    assert piece in said["search" if where == "search" else "statuses"]
