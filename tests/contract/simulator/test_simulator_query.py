"""The search language."""

from __future__ import annotations

import pytest

from local.simulator.iopole.query import QueryError, Value, parse, required

RECORD: dict[str, Value] = {
    "id": 'F "1"',
    "name": "Boulangerie Lefèvre",
    "total": 120.0,
    "created": 1_790_000_000.0,
    "none": None,
}
LATER, EARLIER = "2026-12-01 00:00:00", "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        (r'id:"F \"1\""', True),
        ('id:"F"', False),
        ("name:boulang*", True),
        ('name:"Boulangerie L*"', True),
        ("name:lefèvre", False),
        ("total:=120", True),
        ("total:>120", False),
        ("total:>=120", True),
        ("total:<120.5", True),
        ("total:<=119", False),
        ("total:[100 TO 120]", True),
        ("total:{100 TO 120}", False),
        ("total:[100 TO *]", True),
        (f'created:<"{LATER}"', True),
        (f"created:>{EARLIER}", True),
        (f'created:["{EARLIER}" TO "{LATER}"]', True),
        ("none:x", False),
        ("NOT none:x", True),
        ("-none:x", True),
        ("-(none:x OR total:120)", False),
        ("total:1 OR total:2 OR total:120", True),
        ("total:120 AND name:x*", False),
        ("name:x* AND total:1 OR total:120", True),
        ("name:x* AND (total:1 OR total:120)", False),
    ],
)
def test_a_query_selects(query: str, matches: bool) -> None:
    assert parse(query).matches(RECORD) is matches


@pytest.mark.parametrize(
    "query",
    [
        "total:120 and name:x",
        "total:120 or name:x",
        "total:120 name:x",
        "total",
        "total:",
        "total: AND name:x",
        "(total:120",
        "total:120)",
        "total:[1 to 2]",
        'name:"open',
        "AND total:1",
        "total:120 AND",
        "",
    ],
)
def test_a_malformed_query_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(QueryError):
        parse('created:>"yesterday"').matches(RECORD)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ('id:"7"', "7"),
        ('a:b AND (id:"7" AND c:d)', "7"),
        ('id:"7" OR a:b', None),
        ('NOT id:"7"', None),
        ("id:7*", None),
    ],
)
def test_the_one_value_that_a_query_demands_is_known(query: str, number: str | None) -> None:
    assert required(parse(query), "id") == number
