"""Search, with the limits and the oddities of the real one, and the directory."""

from __future__ import annotations

import pytest

from local.invoices import DIFFICULT_BUYERS, SELLER
from tests.contract.simulator.client import SILENT_BUYER, STRANGER, Client, document


@pytest.mark.parametrize(
    "query",
    [
        'invoice.invoiceId:"F-1"',
        "invoiceId:F-1",
        f'seller.siren:"{SELLER.siren}" AND invoiceId:"F-1"',
        f'invoice.seller.electronicAddress:"0225:{SELLER.siren}" AND NOT invoice.invoiceId:"F-2"',
        'senderName:"Atelier*" AND invoiceId:F-1',
        'invoice.direction:"OUTBOUND" AND -invoiceId:"F-2"',
        'invoice.state:"DELIVERED"',
        'invoice.createdDate:>"2026-01-01 00:00:00" AND invoiceId:[F-0 TO F-1]',
    ],
)
def test_a_search_finds_the_one_that_matches(client: Client, query: str) -> None:
    wanted, _ = client.deposited(), client.deposited(document("F-2", buyer=STRANGER))
    client.simulator.advance(1)

    assert client.found(query) == [wanted]


def test_results_carry_what_is_expanded_and_nothing_else(client: Client) -> None:
    client.deposited(document(buyer=DIFFICULT_BUYERS["210"].siren))
    client.simulator.advance(100)

    (bare,) = client.search("invoiceId:F-1")
    (full,) = client.search("invoiceId:F-1", expand="businessData,lastStatusData")

    assert list(bare) == ["metadata"]
    assert bare["metadata"]["direction"] == "OUTBOUND"
    assert full["lastStatusData"]["code"] == "REFUSED"
    assert full["businessData"]["seller"]["siren"] == SELLER.siren
    assert full["businessData"]["monetary"]["invoiceAmount"]["amount"] == 1872.0


@pytest.mark.parametrize(
    "params",
    [
        {"q": "invoiceId:F-1 and state:VALID"},
        {"q": "invoiceId"},
        {"q": "colour:blue"},
        {"q": 'createdDate:>"soon"'},
        {"limit": 201},
        {"limit": 0},
        {"offset": 1001},
        {"offset": -1},
        {"limit": "many"},
    ],
)
def test_a_search_out_of_bounds_is_400(client: Client, params: dict[str, str | int]) -> None:
    client.deposited()

    answer = client.get("/v1.1/invoice/search", **params)

    assert answer.status_code == 400
    assert answer.json()["statusMessage"]


def test_pages_are_fifty_long_unless_asked_for(client: Client) -> None:
    ids = [client.deposited(b"not even xml") for _ in range(52)]

    assert client.found("") == ids[:1:-1]
    assert client.found("", offset=50) == ids[1::-1]
    assert client.found("", limit=2, offset=1) == ids[-2:-4:-1]


@pytest.mark.parametrize(("counts", "count"), [("total", 3), ("page", 2)])
def test_the_meaning_of_the_count_is_a_switch(client: Client, counts: str, count: int) -> None:
    client.simulator.configure(search_count=counts, search_order="oldest")
    ids = [client.deposited(b"") for _ in range(3)]

    answer = client.get("/v1.1/invoice/search", limit=2).json()

    assert [each["metadata"]["invoiceId"] for each in answer["data"]] == ids[:2]
    assert answer["meta"] == {"offset": 0, "limit": 2, "count": count}


@pytest.mark.parametrize(
    ("switch", "refused", "allowed"),
    [
        ({"search_fields": "prefixed"}, "invoiceId:x", "invoice.invoiceId:x"),
        ({"search_fields": "bare"}, "invoice.invoiceId:x", "invoiceId:x"),
        ({"search_dates": False}, 'createdDate:>"2026-01-01"', "state:VALID"),
        ({"search_states": False}, "direction:OUTBOUND", "invoiceId:x"),
    ],
)
def test_accounts_that_refuse_fields(client: Client, switch: dict[str, object], refused: str, allowed: str) -> None:
    client.simulator.configure(**switch)

    assert client.get("/v1.1/invoice/search", q=refused).status_code == 400
    assert client.get("/v1.1/invoice/search", q=allowed).status_code == 200


def test_the_index_can_lag_behind(client: Client) -> None:
    client.simulator.configure(search_lag=30, speed=0.1)
    deposit_id = client.deposited()
    client.simulator.advance(20)
    assert client.found("invoiceId:F-1") == []

    client.simulator.advance(11)
    young = client.search("invoiceId:F-1")
    client.simulator.advance(10)
    grown = client.search("invoiceId:F-1")

    assert [each["metadata"]["invoiceId"] for each in (*young, *grown)] == [deposit_id, deposit_id]
    assert [each["metadata"]["state"] for each in (*young, *grown)] == ["PENDING", "DELIVERED"]


def test_strangers_of_the_same_number_turn_up_even_when_nothing_of_ours_is_there(client: Client) -> None:
    client.simulator.configure(search_strangers=True)
    query = f'invoiceId:"F-1" AND seller.siren:"{SELLER.siren}"'

    before = client.search(query, expand="businessData")
    deposit_id = client.deposited()
    after = client.found(query)

    assert {each["metadata"]["direction"] for each in before} == {"OUTBOUND", "INBOUND"}
    assert len({each["businessData"]["seller"]["siren"] for each in before}) == 2
    assert {each["businessData"]["invoiceId"] for each in before} == {"F-1"}
    assert len(after) == 4
    assert deposit_id in after
    assert len(client.simulator.ledger()) == 1


def test_a_loose_index_finds_longer_numbers_too(client: Client) -> None:
    client.simulator.configure(search_loose=True)
    ids = [client.deposited(document(number)) for number in ("F-1", "F-10", "F-2")]

    assert sorted(client.found('invoiceId:"F-1"')) == sorted(ids[:2])


def test_results_may_lack_what_was_asked_for(client: Client) -> None:
    client.simulator.configure(search_omits=["lastStatusData", "seller"])
    client.deposited()

    (found,) = client.search("", expand="businessData,lastStatusData")

    assert "lastStatusData" not in found
    assert "seller" not in found["businessData"]
    assert found["businessData"]["invoiceId"] == "F-1"


def test_an_invoice_of_other_software_is_found_like_ours(client: Client) -> None:
    foreign = client.simulator.add_foreign_invoice("X-9", direction="INBOUND", total="12.50")

    assert client.found("invoiceId:X-9 AND direction:INBOUND") == [foreign]
    assert client.get(f"/v1/invoice/{foreign}/download").content


def test_the_creation_date_has_two_names(client: Client) -> None:
    client.simulator.configure(create_date_key="date")
    client.deposited()

    (found,) = client.search("")

    assert "date" in found["metadata"]
    assert "createDate" not in found["metadata"]


def test_the_directory_knows_who_can_be_reached(client: Client) -> None:
    client.simulator.add_company("333333333", "Les Trois Lunes")

    def units(query: str) -> list[dict[str, object]]:
        return list(client.get("/v1/directory/french", q=query).json()["data"])

    (reachable,) = units(f'siren:"{SILENT_BUYER}"')
    (unreachable,) = units(f'siren:"{DIFFICULT_BUYERS["404"].siren}"')
    assert reachable["identifiers"][0]["networkRegistered"][0]["networkIdentifier"] == "DOMESTIC_FR"  # type: ignore[index]
    assert unreachable["identifiers"][0]["networkRegistered"] == []  # type: ignore[index]
    assert [each["identifierValue"] for each in units("name:Les*")] == ["333333333"]
    assert units(f'siren:"{STRANGER}"') == []
    assert client.get("/v1/directory/french", q="colour:blue").status_code == 400
