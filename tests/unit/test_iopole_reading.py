"""Iopole's JSON in our words, however odd: search entries, and status objects old and new."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facteur.domain.lifecycle import LABELS
from facteur.platforms import foreign
from facteur.platforms.answers import error_words
from facteur.platforms.iopole.reading import (
    CODES,
    about,
    candidate,
    id_in,
    inbound,
    sighting,
    status_event,
    whole_number,
)

DATE = "2026-10-12T08:15:30.412Z"
INSTANT = datetime(2026, 10, 12, 8, 15, 30, 412_000, UTC)
DETAIL = {
    "reason": "CALCULATION_ERROR", "message": "the total is wrong", "networkReason": "CALCUL_ERR",
    "errors": [{"reason": "BUSINESS", "message": "BT-112", "rule": "BR-FR-05", "location": "/"}],
}  # fmt: skip
FULL: dict[str, Any] = {
    "statusId": "s-1",
    "invoiceId": "i-1",
    "date": DATE,
    "destType": "OPERATOR",
    "status": {"code": "REFUSED", "networkCode": "210"},
    "xml": "<secret/>",
    "json": {
        "identification": {"id": "x", "name": "Lifecycle - REFUSED", "date": "2026-10-12T08:15:31Z"},
        "notes": [{"content": "a note"}],
        "sender": {"name": "ACHETEUR SA", "siren": "222222222", "roleCode": "BY"},
        "issuer": None,
        "responses": [
            {"documentStatus": {"code": "REFUSED"}, "rejectionDetail": DETAIL, "attachments": [{"content": "QUJD"}]}
        ],
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The full status with one value in it replaced; `json.notes` is a path."""
    copy: dict[str, Any] = json.loads(json.dumps(FULL))
    *parents, last = path.split(".")
    inner: Any = copy
    for key in parents:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value
    return copy


def test_a_full_status_is_read() -> None:
    event = status_event(FULL, "asked")

    assert (event.status_id, event.platform_id, event.occurred_at) == ("s-1", "i-1", INSTANT)
    assert (event.code, event.platform_code, event.network_code, event.label) == ("210", "REFUSED", "210", "Refusée")
    assert (event.caused_by, event.audience, event.reason) == ("buyer", "OPERATOR", "CALCULATION_ERROR")
    assert event.message == "the total is wrong – BR-FR-05 BT-112 – a note"


def test_what_is_kept_raw_has_neither_attachments_nor_xml_nor_names() -> None:
    kept = json.dumps(status_event(FULL, "asked").raw)

    assert json.loads(kept)["status"] == {"code": "REFUSED", "networkCode": "210"}
    assert not any(word in kept for word in ("QUJD", "secret", "ACHETEUR"))


@pytest.mark.parametrize(("word", "code"), CODES.items())
def test_every_code_of_the_platform_has_its_french_number_and_label(word: str, code: str) -> None:
    event = status_event(changed("status", {"code": word}), "asked")

    assert (event.code, event.label) == (code, LABELS[code])


@pytest.mark.parametrize(
    ("status", "code", "platform_code"),
    [
        ({"code": "205", "value": "x", "desc": "y", "message": "z"}, "205", "205"),  # the guides' old shape
        ({"code": 205}, "205", "205"),
        ("APPROVED", "205", "APPROVED"),
        ({"code": "TELEPORTED"}, "TELEPORTED", "TELEPORTED"),
        ({"code": "TELEPORTED", "networkCode": "AB"}, "TELEPORTED", "TELEPORTED"),  # Peppol's own
        ({"code": "ENDORSED", "networkCode": "214"}, "214", "ENDORSED"),  # a word we do not know, a number we do
        ({"code": "REJECTED", "networkCode": None}, "213", "REJECTED"),
        (None, "210", "REFUSED"),  # then the response's own status counts
        ({}, "210", "REFUSED"),
        ({"code": None}, "UNKNOWN", "UNKNOWN"),
        ({"code": ""}, "UNKNOWN", "UNKNOWN"),
    ],
)
def test_a_code_is_found_in_every_shape_and_an_unknown_one_is_kept(status: Any, code: str, platform_code: str) -> None:
    event = status_event(changed("status", status), "asked")

    assert (event.code, event.platform_code) == (code, platform_code)


@pytest.mark.parametrize(
    ("role", "who"),
    [
        ("BY", "buyer"), ("SE", "seller"), ("WK", "platform"), ("DFH", "administration"), ("XX", "XX"), (None, None), ("", None),
        ({"code": "SELLER", "value": "SE", "desc": "Seller"}, "seller"), ({"code": "BUYER"}, "buyer"), ({}, None),
    ],
)  # fmt: skip
def test_who_caused_a_status_is_reported_by_an_object_or_a_word(role: Any, who: str | None) -> None:
    assert status_event(changed("json.sender.roleCode", role), "asked").caused_by == who


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (DATE, INSTANT),
        ("2026-10-12T08:15:30Z", INSTANT.replace(microsecond=0)),
        ("2026-10-12T10:15:30.412+02:00", INSTANT),
        ("2026-10-12T08:15:30.412", INSTANT),  # without a zone it is UTC
        (None, INSTANT.replace(second=31, microsecond=0)),  # then the identification's date counts
        ("yesterday", INSTANT.replace(second=31, microsecond=0)),
        (17, INSTANT.replace(second=31, microsecond=0)),
    ],
)
def test_the_instant_of_a_status_is_read(date: Any, expected: datetime) -> None:
    assert status_event(changed("date", date), "asked").occurred_at == expected


@pytest.mark.parametrize("date", [None, "yesterday", 17, 1791792000000, "12/10/2026", ["2026"], True, "9" * 5000])
def test_a_status_without_a_readable_date_says_so_and_keeps_what_was_given(date: Any) -> None:
    event = status_event({"status": {"code": "REJECTED"}, "date": date}, "i-1")

    assert event.occurred_at is None
    assert event.date_given == (None if date is None or isinstance(date, list) else foreign.word(date))


@pytest.mark.parametrize("word", ["Rejected", "rejected", " REJECTED ", "213", 213, "Made Available", "made-available"])
def test_a_code_is_known_in_every_spelling(word: Any) -> None:
    event = status_event(changed("status", {"code": word}), "asked")

    assert event.code == ("203" if "vail" in str(word) else "213")


def test_the_number_that_a_status_is_about_is_read() -> None:
    numbered = changed("json.responses", [{"documentReference": {"issuerAssignedId": "F-1"}}])

    assert (status_event(numbered, "asked").invoice_number, status_event(FULL, "asked").invoice_number) == ("F-1", None)


def test_a_detail_may_stand_in_a_list_and_the_body_under_its_old_name() -> None:
    body = {**FULL["json"], "responses": [{"rejectionDetails": [DETAIL]}]}
    old = {**FULL, "json": None, "jsonLifecycle": body}

    assert status_event(old, "asked").reason == "CALCULATION_ERROR"
    assert status_event(old, "asked").caused_by == "buyer"


def test_a_status_without_an_id_is_known_by_its_content() -> None:
    first, again = (status_event(changed("statusId", None), "asked") for _ in range(2))
    other = status_event(changed("date", "2026-10-13T00:00:00Z") | {"statusId": None}, "asked")

    assert first.status_id == again.status_id
    assert len({first.status_id, other.status_id, "None", ""}) == 4


def test_a_status_that_names_no_invoice_is_about_the_one_asked_for() -> None:
    assert status_event(changed("invoiceId", None), "asked").platform_id == "asked"


ENTRY: dict[str, Any] = {
    "metadata": {"invoiceId": "i-1", "state": "DELIVERED", "direction": "OUTBOUND", "createDate": DATE},
    "lastStatusData": {"code": "MADE_AVAILABLE", "state": "DELIVERED", "date": DATE},
    "businessData": {
        "invoiceId": "F-2026-0042", "monetary": {"invoiceAmount": {"amount": 1200.0, "currency": "EUR"}},
        "seller": {"name": "VENDEUR", "electronicAddress": "0225:111111111", "country": "FR"},
    },
}  # fmt: skip


def entry(part: str, **values: Any) -> dict[str, Any]:
    return ENTRY | {part: ENTRY[part] | values}


def test_a_search_entry_is_read() -> None:
    found = candidate(ENTRY)

    assert (found.platform_id, found.created_at, found.refused) == ("i-1", INSTANT, False)
    assert (found.seller_siren, found.total) == ("111111111", Decimal(1200))


def test_the_creation_date_has_an_old_name() -> None:
    assert candidate(entry("metadata", createDate=None, date=DATE)).created_at == INSTANT


@pytest.mark.parametrize(
    ("state", "shown", "refusing"),
    [
        *((state, state, True) for state in ("INVALID", "WRONG_ROUTING", "CONVERSION_FAILED", "NOT_DELIVERED", "DUPLICATED")),
        ("wrong-routing", "WRONG_ROUTING", True), ("DELIVERED", "DELIVERED", False), ("PENDING", None, False), (None, None, False),
    ],
)  # fmt: skip
def test_a_state_is_shown_that_says_more_than_that_it_waits(
    state: str | None, shown: str | None, refusing: bool
) -> None:
    found = sighting(entry("metadata", state=state))

    assert found is not None
    assert (found.state, found.refusing) == (shown, refusing)


@pytest.mark.parametrize("state", ["DUPLICATED", "INVALID", "WRONG_ROUTING", "CONVERSION_FAILED"])
def test_a_refused_state_is_a_refused_candidate(state: str) -> None:
    assert candidate(entry("metadata", state=state)).refused


@pytest.mark.parametrize(
    ("code", "refused"), [("REJECTED", True), ("UNACCEPTABLE", True), ("REFUSED", False), (None, False)]
)
def test_a_refusing_platform_refuses_a_candidate_but_a_refusing_buyer_does_not(code: str | None, refused: bool) -> None:
    assert candidate(entry("lastStatusData", code=code)).refused is refused


@pytest.mark.parametrize(
    ("seller", "siren"),
    [
        ({"siren": "111111111"}, "111111111"),
        ({"siren": "111 111 111"}, "111111111"),
        ({"siren": "11111111100012"}, "111111111"),
        ({"electronicAddress": "0225:111111111"}, "111111111"),
        ({"electronicAddress": "0225:111111111_SERVICE"}, "111111111"),
        ({"electronicAddress": "111111111"}, "111111111"),
        ({"siren": None, "electronicAddress": None}, None),
        ({"electronicAddress": "9957:FR12111"}, None),
        ("VENDEUR", None),
        (None, None),
    ],
)
def test_the_sellers_siren_is_read_or_unknown(seller: Any, siren: str | None) -> None:
    assert candidate(entry("businessData", seller=seller)).seller_siren == siren


@pytest.mark.parametrize(
    ("amount", "total"),
    [
        (120.1, Decimal("120.1")), ("120.10", Decimal("120.10")), (0, Decimal(0)), (None, None), ("a lot", None), ({}, None),
        (float("nan"), None), (float("inf"), None),
    ],
)  # fmt: skip
def test_an_amount_is_exact_or_unknown(amount: Any, total: Decimal | None) -> None:
    assert candidate(entry("businessData", monetary={"invoiceAmount": {"amount": amount}})).total == total


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        (entry("businessData", invoiceId="F-2026-00421"), False),  # search may match loosely
        (entry("businessData", invoiceId=" f-2026-0042 "), True),
        (entry("businessData", invoiceId=None), True),  # unknown: its content will say
        ({"businessData": None}, True),
        (entry("metadata", direction="INBOUND"), False),
        (entry("metadata", direction=None), True),
        (entry("metadata", invoiceId=None), True),  # which is counted, and makes no empty search
        ({"metadata": None}, True),
    ],
)
def test_which_search_entries_are_about_a_number(changes: dict[str, Any], same: bool) -> None:
    assert about(ENTRY | changes, "F-2026-0042") is same


@pytest.mark.parametrize(
    "number",
    ["F-\u200b2026-0042", "F-2026-0042\x00", "\ufeffF-2026-0042", "F-2026\u00ad-0042", "[hidden]", "[hidden]-0042"],
)
def test_a_number_with_signs_that_nobody_sees_or_that_was_blanked_is_not_another_one(number: str) -> None:
    """A search that was taken for empty would have the invoice sent again."""
    assert about({"businessData": {"invoiceId": number}}, "F-2026-0042")


@pytest.mark.parametrize("odd", ["text", 17, None, []])
def test_what_is_no_object_may_be_about_any_number_and_names_no_deposit(odd: Any) -> None:
    assert (about(odd, "F-1"), id_in(odd)) == (True, None)


@pytest.mark.parametrize(
    "said", ["outbound", "OUT", "EMITTED", "Outbound ", "SENT", "", None, 7, ["INBOUND?"], "interne", "NON-IN"]
)
def test_an_entry_is_dropped_for_no_spelling_of_its_direction(said: Any) -> None:
    assert not inbound(entry("metadata", direction=said))
    assert about(entry("metadata", direction=said), "F-2026-0042")


@pytest.mark.parametrize("said", ["INBOUND", "inbound", "In", "RECEIVED", " Received", "IN_BOUND", "Reçue"])
@pytest.mark.parametrize("name", ["direction", "way"])
def test_an_entry_that_says_that_it_was_received_is_not_ours(name: str, said: str) -> None:
    assert inbound(entry("metadata", **{"direction": None, name: said}))


@pytest.mark.parametrize(
    ("value", "count"), [(3, 3), ("3", 3), (0, 0), (True, None), (-1, None), ("9" * 40, None), (None, None)]
)
def test_which_counts_are_read(value: Any, count: int | None) -> None:
    assert whole_number(value) == count


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([DATE, "REJECTED", "F-1", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
quickly = settings(max_examples=40)
PATHS = [
    "statusId", "invoiceId", "date", "destType", "status", "status.code", "status.networkCode", "json", "json.identification",
    "json.identification.date", "json.notes", "json.sender", "json.sender.roleCode", "json.responses", "json.responses.0.documentStatus",
    "json.responses.0.rejectionDetail", "json.responses.0.rejectionDetail.errors", "json.responses.0.rejectionDetail.message",
    "json.responses.0.rejectionDetail.reason",
]  # fmt: skip


@quickly
@given(st.sampled_from(PATHS), ANYTHING)
def test_a_status_can_be_read_whatever_stands_anywhere_in_it(path: str, value: Any) -> None:
    event = status_event(changed(path, value), "asked")

    assert event.status_id
    assert event.code
    assert event.occurred_at is None or event.occurred_at.tzinfo
    assert json.dumps(event.raw, allow_nan=False)
    words = (
        event.code,
        event.platform_code,
        event.network_code,
        event.caused_by,
        event.audience,
        event.reason,
        event.message,
    )
    assert all(len(word) <= 500 and word.isprintable() and word.encode() for word in words if word)


@quickly
@given(
    st.sampled_from(list(ENTRY)),
    st.sampled_from(["invoiceId", "state", "direction", "createDate", "code", "monetary", "seller"]),
    ANYTHING,
)
def test_a_search_entry_can_be_read_whatever_stands_anywhere_in_it(part: str, name: str, value: Any) -> None:
    for odd in (entry(part, **{name: value}), ENTRY | {part: value}):
        if about(odd, "F-2026-0042") and id_in(odd):
            assert candidate(odd).platform_id


@quickly
@given(ANYTHING | st.dictionaries(st.sampled_from(["code", "message", "details", "statusMessage", "error"]), ANYTHING))
def test_an_error_can_be_read_whatever_it_is(body: Any) -> None:
    code, words = error_words(body)

    assert all(word.encode() and len(word) <= 500 for word in (code, words) if word is not None)
