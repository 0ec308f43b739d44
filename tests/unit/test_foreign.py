"""Foreign values at the one place where they are read: bounded, visible, and never an exception."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from facteur.domain.decide_status import merged, rule
from facteur.domain.submission import Due
from facteur.errors import NotDepositedError
from facteur.platforms import foreign
from facteur.platforms.answers import error_words
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.reading import about, candidate, id_in, sighting, status_event
from facteur.platforms.iopole.statuses import unseen_statuses
from tests.unit.test_decide_status import LIMITS

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DUE = Due(1, "default", "p-1", None, 3600, NOW, NOW - timedelta(hours=1))


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"), ("  two\nlines\t ", "two lines"), ("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\x00b", "a\\x00b"),
        ("a\u202eb", "a\\u202eb"), ("a\ud800b", "a\\ud800b"), ("a\xa0b", "a b"), ("é€😀", "é€😀"), (17, "17"), (1.5, "1.5"),
        (True, "true"), (None, None), ("", None), ([], None), ({"a": 1}, None), (nested(900), None), (float("nan"), None),
        (10**4000, None), ("x" * 501, "x" * 499 + "…"), ("x" + " " * 600, "x"),
    ],
)  # fmt: skip
def test_a_word_is_visible_on_one_line_and_bounded(value: Any, text: str | None) -> None:
    assert foreign.word(value) == text


def test_what_is_made_visible_stays_within_its_bounds() -> None:
    found = foreign.word("\ud800" * 400)

    assert found
    assert (len(found), found[-1]) == (500, "…")
    assert len(foreign.code("\x00" * 999) or "") == 60


@pytest.mark.parametrize("longer", ["1" * 501, "1" * 500 + " 2", "F-" + "1" * 9000])
def test_a_number_that_is_cut_is_none(longer: str) -> None:
    """What is cut would name another invoice."""
    assert foreign.number(longer) is None
    assert foreign.number(longer[:500]) == longer[:500]


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("01a20444-a580-7594-9d73-58af104bff6c", "01a20444-a580-7594-9d73-58af104bff6c"), (" a ", "a"), (17, "17"), ("é", "é"),
        (True, None), (1.5, None), ("", None), (" ", None), (None, None), ([], None), ({}, None), ("x" * 200, "x" * 200),
        ("x" * 201, None), ("a\x00", None), ("a\ud800", None), ("a\nb", None), ("\u202ea", None), (10**40, None),
    ],
)  # fmt: skip
def test_an_id_is_a_text_that_can_be_asked_for_again(value: Any, identifier: str | None) -> None:
    assert foreign.identifier(value) == identifier


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-28T12:00:00Z", NOW), ("2026-11-28T12:00:00", NOW), ("2026-11-29T02:00:00+14:00", NOW),
        ("2026-11-28T00:00:00-12:00", NOW), ("  2026-11-28T12:00:00+00:00 ", NOW),
        ("0001-01-01T00:00:00+23:59", None), ("9999-12-31T23:59:59-23:59", None), ("soon", None), (1791792000000, None), (None, None),
        (float("nan"), None), ("2026-11-28T12:00:00Z" * 9, None), ({}, None), (True, None),
    ],
)  # fmt: skip
def test_a_moment_has_a_zone_or_is_utc(value: Any, moment: datetime | None) -> None:
    assert foreign.moment(value) == moment


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (1200.5, Decimal("1200.5")), ("1200.50", Decimal("1200.50")), (-3, Decimal(-3)), (0, Decimal(0)), ("NaN", None),
        ("1E+1000000", None),
        ("1E-1000000", None), (1e300, None), ("sNaN", None), ("Infinity", None), (float("inf"), None), (True, None), ("", None),
        (10**15, None), ("9" * 41, None), ([1], None), ({"value": 1}, None), ("1,5", None),
    ],
)  # fmt: skip
def test_an_amount_is_one_that_an_invoice_can_have(value: Any, amount: Decimal | None) -> None:
    assert foreign.amount(value) == amount


# --- whatever stands anywhere --------------------------------------------------------------------------------------------


HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**30, float("nan"), "", " ", "REJECTED", "rejected", "213", "INVALID", "F-1", "OUTBOUND",
    "2026-11-28T12:00:00Z", "2026-11-28T12:00:00+14:00", "9999-12-31T23:59:59-23:59", "0001-01-01", "1E+1000000", "NaN", "\ud800",
    "\x00", "\x1b[2J", "\u202e", "ffffffff-ffff-7fff-bfff-ffffffffffff", "x" * 300, "DUPLICATED_INVOICE", nested(50), [[]], [{}], {},
]  # fmt: skip
NAMES = [
    "statusId", "invoiceId", "date", "destType", "status", "code", "networkCode", "json", "jsonLifecycle", "identification", "notes",
    "content", "sender", "roleCode", "value", "responses", "documentReference", "issuerAssignedId", "documentStatus", "rejectionDetail",
    "rejectionDetails", "reason", "message", "errors", "rule", "metadata", "lastStatusData", "businessData", "state", "createDate",
    "direction", "monetary", "invoiceAmount", "amount", "seller", "siren", "electronicAddress", "details", "error", "newstatus", "data",
    "statusMessage", "schematronValidationErrors", "id", "text", "meta", "limit",
]  # fmt: skip
ANYTHING = st.recursive(
    st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=8)
SECONDS = 0.5  # far more than the slowest reading takes


def read_status(value: Any) -> None:
    event = status_event(value, "p-1")
    (known,) = merged(DUE, [event])
    assert known.occurred_at
    assert abs(known.occurred_at - NOW) < timedelta(days=2)
    assert json.dumps(event.raw, allow_nan=False).encode()
    assert 0 < len(event.status_id) <= 200
    assert rule(DUE, [known], False, LIMITS).move.state


def read_unseen(value: Any) -> None:
    try:
        unseen_statuses(HttpAnswer(200, {}, json.dumps(value).encode()))
    except NotDepositedError:
        assert not isinstance(value, list)


def read_found(value: Any) -> None:
    assert len(candidate(value).platform_id) <= 200
    about(value, "F-1")
    id_in(value)
    found = sighting(value)
    assert found is None or 0 < len(found.platform_id) <= 200


READERS = {"status": read_status, "unseen": read_unseen, "found": read_found, "error": error_words}


def survives(read: Callable[[Any], object], examples: int = 60) -> None:
    """Whether a reader takes whatever comes, in time."""

    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], derandomize=examples > 60,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(OBJECT)
    def reads(value: Any) -> None:
        began = time.perf_counter()
        read(value)
        assert time.perf_counter() - began < SECONDS

    reads()


@pytest.mark.parametrize("reader", READERS)
def test_nothing_that_comes_raises_or_takes_long(reader: str) -> None:
    survives(READERS[reader])


@pytest.mark.parametrize(
    "planted",
    [
        lambda value: datetime.fromisoformat(value["date"]) if isinstance(value.get("date"), str) else None,
        lambda value: Decimal(value["amount"]) if isinstance(value.get("amount"), str) else None,
        lambda value: value["json"]["sender"] if value.get("json") else None,
    ],
)
def test_a_reader_with_a_fault_is_found_out(planted: Callable[[Any], object]) -> None:
    with pytest.raises((Exception, ExceptionGroup)):
        survives(planted, 3000)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000 + b"]" * 10_000, b'[{"date": 1E+1000000}]', b'[{"statusId": NaN}]', b"\xff\xfe[\x00]\x00", b"\xef\xbb\xbf[]",
        '[{"statusId": "é"}]'.encode("latin-1"), '[{"statusId": "é"}]'.encode("utf-16"), b'[{"statusId": "\\ud800"}]', b"9" * 5000, b"",
    ],
)  # fmt: skip
def test_an_odd_body_is_read_or_is_no_answer(body: bytes) -> None:
    try:
        found, _ = unseen_statuses(HttpAnswer(200, {}, body))
    except NotDepositedError:
        return
    assert all(event.status_id for event in found)
