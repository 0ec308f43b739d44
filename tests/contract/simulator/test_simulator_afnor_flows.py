"""Searching flows and fetching them: criteria, pages, cursors, representations, the directory; and what each may get wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from tests.contract.simulator.afnor_client import BINARY, DIRECTORY, LIFECYCLE, AfnorClient
from tests.contract.simulator.client import SILENT_BUYER, STRANGER, document

ALL = {"flowDirection": ["In", "Out"]}
OURS = {"flowType": ["CustomerInvoice"]}


def several(afnor: AfnorClient, count: int) -> list[str]:
    return [afnor.deposited(document(f"F-{n}"), name=f"F-{n}.xml", trackingId=f"key-{n}") for n in range(count)]


def ids(flows: list[dict[str, Any]]) -> list[str]:
    return [each["flowId"] for each in flows]


def walked(afnor: AfnorClient, limit: int, most: int = 20) -> list[list[str]]:
    """The pages of all deposits by cursor."""
    pages, cursor = [], None
    for _ in range(most):
        page = afnor.searched(OURS, limit=limit, **({"cursor": cursor} if cursor else {}))
        pages.append(ids(page["results"]))
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    return pages


def test_a_key_finds_its_deposit_alone(afnor: AfnorClient) -> None:
    flow_ids = several(afnor, 3)

    assert ids(afnor.found({"trackingId": "key-1"})) == [flow_ids[1]]
    assert afnor.found({"trackingId": "KEY-1"}) == []
    assert afnor.found({"trackingId": "key-1", "flowDirection": ["In"]}) == []


def test_each_criterion_keeps_others_out(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()
    received = afnor.simulator.add_foreign_invoice("R-1", direction="INBOUND", statuses=[])
    afnor.simulator.advance(2)

    assert ids(afnor.found(OURS)) == [flow_id]
    assert ids(afnor.found({"flowType": ["SupplierInvoice"]})) == [received]
    assert {each["flowType"] for each in afnor.found({"flowDirection": ["In"]})} == {
        "SupplierInvoice",
        "CustomerInvoiceLC",
    }
    assert len(afnor.found({"ackStatus": "Ok"})) == len(afnor.found(ALL)) == 6
    assert afnor.found({"ackStatus": "Pending"}) == afnor.found({"processingRule": ["B2G"]}) == []


def test_instants_are_whole_seconds_and_compared_strictly(afnor: AfnorClient) -> None:
    several(afnor, 2)
    afnor.simulator.advance(5)
    updated = {each["updatedAt"] for each in afnor.found(OURS)}
    latest = max(updated)
    before = datetime.fromisoformat(latest) - timedelta(seconds=1)

    assert afnor.found({**OURS, "updatedAfter": latest}) == []
    assert afnor.found({**OURS, "updatedAfter": before.astimezone(UTC).isoformat()}) != []
    assert all(len(each) == len("2026-10-12T08:15:30Z") for each in updated)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"where": {}}, {"where": {"number": "F-1"}}, {"where": OURS, "limit": 101}, {"where": OURS, "limit": 0},
        {"where": OURS, "limit": "9"},        {"where": {"updatedAfter": "soon"}}, {"where": {"ackStatus": "OK"}},
        {"where": {"flowDirection": "In"}},
        {"where": {"trackingId": "k" * 37}}, {"where": {"flowType": ["StateCustomerInvoice"]}},
    ],
)  # fmt: skip
def test_a_search_that_the_norm_does_not_allow_is_a_params_error(afnor: AfnorClient, body: dict[str, Any]) -> None:
    answer = afnor.post("/flows/search", json=body)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARAMS_ERROR")


def test_a_flow_type_that_the_platform_does_not_know(afnor: AfnorClient) -> None:
    where = {"flowType": ["CustomerInvoiceLC", "StateCustomerInvoiceLC"]}
    assert afnor.found(where) == []

    afnor.simulator.configure(known_flow_types=["CustomerInvoice", "CustomerInvoiceLC"])
    refused = afnor.post("/flows/search", json={"where": where})
    afnor.simulator.configure(unknown_flow_types="ignored")

    assert (refused.status_code, refused.json()["errorCode"]) == (400, "PARAMS_ERROR")
    assert afnor.found(where) == []


def test_pages_of_1_2_go_by_date_alone(afnor: AfnorClient) -> None:
    flow_ids = several(afnor, 4)

    page = afnor.searched(OURS, limit=3)

    assert (len(page["results"]), page["limit"], page["filters"]) == (3, 3, OURS)
    assert "nextCursor" not in page
    assert ids(afnor.found(OURS, limit=3, cursor="anything")) == ids(page["results"])
    assert set(ids(page["results"])) < set(flow_ids)


@pytest.mark.parametrize("order", ["oldest", "newest", "shuffled"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_a_cursor_leads_to_each_once(afnor: AfnorClient, order: str, limit: int) -> None:
    afnor.simulator.configure(afnor_version="1.3", flow_order=order)
    flow_ids = several(afnor, 4)
    afnor.simulator.advance(5)

    pages = walked(afnor, limit)

    assert sorted(chain(*pages)) == sorted(flow_ids)
    assert all(len(page) == limit for page in pages[:-1])


def test_25_are_shown_where_no_limit_is_named(afnor: AfnorClient) -> None:
    afnor.simulator.add_foreign_invoices([{"number": f"R-{n}", "statuses": []} for n in range(27)])

    assert len(afnor.found(ALL)) == 25
    assert len(afnor.found(ALL, limit=100)) == 27


def test_cursors_that_lead_nowhere(afnor: AfnorClient) -> None:
    afnor.simulator.configure(afnor_version="1.3")
    flow_ids = several(afnor, 6)
    afnor.simulator.advance(5)
    first = afnor.searched(OURS, limit=4)

    afnor.simulator.configure(cursors="refused")
    refused = afnor.post("/flows/search", json={"where": OURS, "cursor": first["nextCursor"]})
    pages = {}
    for how in ("stuck", "back", "absent"):
        afnor.simulator.configure(cursors=how)
        pages[how] = walked(afnor, 4, most=5)

    assert (refused.status_code, refused.json()["errorCode"]) == (400, "PARAMS_ERROR")
    assert pages["absent"] == [ids(first["results"])]
    assert pages["stuck"] == [ids(first["results"])] * 5
    assert set(pages["back"][0]) & set(pages["back"][1])
    assert set(chain(*pages["back"])) == set(flow_ids)


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA==", "WzEsMl0", 7])
def test_a_cursor_that_is_none_is_refused(afnor: AfnorClient, cursor: object) -> None:
    afnor.simulator.configure(afnor_version="1.3")

    assert afnor.post("/flows/search", json={"where": OURS, "cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("how", "shown"), [("right", "Key-A"), ("absent", None), ("null", None), ("lower", "key-a"), ("upper", "KEY-A"), ("cut", "Ke")]
)  # fmt: skip
def test_a_key_that_is_not_shown_as_it_was_sent(afnor: AfnorClient, how: str, shown: str | None) -> None:
    flow_id = afnor.deposited(trackingId="Key-A")
    afnor.simulator.configure(tracking_shown=how)

    (flow,) = afnor.found({"trackingId": "Key-A"})

    assert (flow["flowId"], flow.get("trackingId")) == (flow_id, shown)
    assert ("trackingId" in flow) == (how != "absent")


def test_criteria_of_which_no_notice_is_taken(afnor: AfnorClient) -> None:
    flow_ids = several(afnor, 3)

    afnor.simulator.script_endpoint("search", ["search_ignores=trackingId"])

    assert set(ids(afnor.found({"trackingId": "key-1"}))) == set(flow_ids)
    assert ids(afnor.found({"trackingId": "key-1"})) == [flow_ids[1]]


@pytest.mark.parametrize(
    ("how", "total"), [("total", 3), ("page", 2), ("short", 2), ("long", 10), ("zero", 0), ("text", "3"), ("none", None)]
)  # fmt: skip
def test_a_total_may_be_anything(afnor: AfnorClient, how: str, total: int | str | None) -> None:
    several(afnor, 3)
    afnor.simulator.configure(search_count=how)

    assert afnor.searched(OURS, limit=2).get("total") == total


def test_a_total_may_stand_in_the_limit(afnor: AfnorClient) -> None:
    several(afnor, 3)
    afnor.simulator.configure(total_in_limit=True)

    assert afnor.searched(OURS, limit=2)["limit"] == 3


def test_a_deposit_shows_late_and_its_acknowledgement_as_well(afnor: AfnorClient) -> None:
    afnor.simulator.configure(search_lag=30)
    flow_id = afnor.deposited()
    at_once = afnor.found({"trackingId": "key-1"})

    afnor.simulator.advance(30)
    (late,) = afnor.found({"trackingId": "key-1"})

    assert at_once == []
    assert (late["acknowledgement"]["status"], afnor.ack(flow_id)) == ("Pending", "Ok")


def test_dates_may_be_so_coarse_that_all_share_one(afnor: AfnorClient) -> None:
    afnor.simulator.configure(flow_dates="minutes")
    several(afnor, 3)

    assert all(each["updatedAt"].endswith(":00Z") for each in afnor.found(OURS))


@pytest.mark.parametrize(("compared", "again"), [("shown", 0), ("exactly", 1)])
def test_dates_may_be_compared_more_exactly_than_they_are_shown(afnor: AfnorClient, compared: str, again: int) -> None:
    afnor.simulator.configure(flow_dates="minutes", dates_compared=compared)
    afnor.deposited()
    (shown,) = afnor.found(OURS)

    assert len(afnor.found({**OURS, "updatedAfter": shown["updatedAt"]})) == again


# --- one flow ---------------------------------------------------------------------------------------------------------


def test_the_very_bytes_come_back(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()

    answer = afnor.original(flow_id)

    assert answer.content == document()
    assert answer.headers["Content-Type"] == BINARY
    assert answer.headers["Content-Disposition"] == "attachment;filename=F-1.xml"


@pytest.mark.parametrize(
    ("how", "accept", "kind", "code"),
    [
        ("usual", "*/*", "Original", 200), ("usual", "application/json", "Original", 406),
        ("usual", "application/*;q=0.5", "Original", 200),
        ("strict", "*/*", "Original", 406), ("strict", BINARY, "Original", 200), ("strict", BINARY, "Metadata", 406),
        ("strict", "application/json", "Metadata", 200), ("off", "text/html", "Original", 200), ("usual", "*/*", "ReadableView", 404),
        ("usual", "*/*", "Converted", 404), ("usual", "*/*", "Anything", 400),
    ],
)  # fmt: skip
def test_what_a_client_says_that_it_takes(afnor: AfnorClient, how: str, accept: str, kind: str, code: int) -> None:
    flow_id = afnor.deposited()
    afnor.simulator.configure(accept=how)

    assert afnor.get(f"/flows/{flow_id}", accept=accept, docType=kind).status_code == code


def test_a_flow_that_nobody_knows_is_404(afnor: AfnorClient) -> None:
    answer = afnor.get("/flows/unknown")

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "MISSING_RESOURCE")


@pytest.mark.parametrize(("how", "code"), [("converted", 200), ("page", 200), ("absent", 404)])
def test_other_bytes_in_the_originals_place(afnor: AfnorClient, how: str, code: int) -> None:
    flow_id = afnor.deposited()
    afnor.simulator.configure(originals=how)

    answer = afnor.original(flow_id)

    assert (answer.status_code, answer.content == document()) == (code, False)


# --- the directory ----------------------------------------------------------------------------------------------------


def lines(afnor: AfnorClient, **filters: str) -> Any:
    named = {name: {"op": "strict", "value": value} for name, value in filters.items()}
    return afnor.post("/directory-line/search", DIRECTORY, json={"filters": named})


def test_the_directory_says_who_receives(afnor: AfnorClient) -> None:
    afnor.simulator.add_company("333333333", behaviour="404")

    (line,) = lines(afnor, siren=SILENT_BUYER).json()["results"]
    (unreachable,) = lines(afnor, siren="333333333").json()["results"]

    assert (line["directoryLineStatus"], line["platformType"], line["siren"]) == ("Enabled", "WK", SILENT_BUYER)
    assert unreachable["directoryLineStatus"] == "Disabled"


@pytest.mark.parametrize("code", [204, 200, 404])
def test_nobody_is_an_empty_answer_in_one_of_three_ways(afnor: AfnorClient, code: int) -> None:
    afnor.simulator.configure(directory_empty=code)

    answer = lines(afnor, siren=STRANGER)

    assert answer.status_code == code
    assert code != 200 or answer.json()["totalNumberOfResults"] == 0


def test_a_part_of_many_lines_is_206(afnor: AfnorClient) -> None:
    answer = afnor.post("/directory-line/search", DIRECTORY, json={"filters": {}, "limit": 1})

    assert (answer.status_code, len(answer.json()["results"])) == (206, 1)


def test_a_company_is_known_by_its_siren(afnor: AfnorClient) -> None:
    assert afnor.get(f"/siren/code-insee:{SILENT_BUYER}", DIRECTORY).json()["siren"] == SILENT_BUYER
    assert afnor.get(f"/siren/code-insee:{STRANGER}", DIRECTORY).status_code == 404
    assert afnor.get("/healthcheck", DIRECTORY).status_code == 200


def test_lifecycle_messages_are_flows_beside_it(afnor: AfnorClient) -> None:
    afnor.deposited()
    afnor.simulator.advance(2)

    found = afnor.found(LIFECYCLE)

    assert [each["flowSyntax"] for each in found] == ["CDAR"] * 4
    assert {(each["flowDirection"], each["acknowledgement"]["status"]) for each in found} == {("In", "Ok")}
    assert not any("trackingId" in each for each in found)


def test_words_dates_and_quotes_are_switches_as_on_the_other_wires(afnor: AfnorClient) -> None:
    flow_id = afnor.deposited()
    afnor.simulator.configure(
        spellings=["CustomerInvoice=Invoice", "Pending=PENDING"],
        status_dates=["updatedAt@absent", "submittedAt@year9999"],
        quotes=["search"],
    )

    flow = afnor.flow(flow_id)

    assert (flow["flowType"], flow["acknowledgement"]["status"]) == ("Invoice", "PENDING")
    assert ("updatedAt" in flow, flow["submittedAt"][:4]) == (False, "9999")
    assert "Bearer" in flow["name"]


def test_a_lifecycle_message_may_show_late(afnor: AfnorClient) -> None:
    afnor.simulator.configure(history_lag=60)
    afnor.deposited()
    afnor.simulator.advance(2)
    at_once = afnor.found(LIFECYCLE)

    afnor.simulator.advance(60)

    assert (at_once, len(afnor.found(LIFECYCLE))) == ([], 4)
