"""Times and counts as a person reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from facteur.cli.times import lasting, local, localised, zone
from facteur.domain.words import counted, instant
from facteur.operate.model.acts import Done

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-30T06:59:59+00:00", "2026-11-30 07:59:59"),
        ("2026-11-30T06:59:59.123456Z", "2026-11-30 07:59:59"),
        ("until 2026-11-30T07:04:10+00:00: x", "until 2026-11-30 08:04:10 (in 4 min): x"),
        ("is paused until 2026-11-30 07:04:10 UTC.", "is paused until 2026-11-30 08:04:10 (in 4 min)."),
        ("2026-07-01T10:00:00-02:00", "2026-07-01 14:00:00"),  # summer
        ("2026-12-31T23:30:00+00:00", "2027-01-01 00:30:00 (in 32 d)"),
        ("2026-11-30", "2026-11-30"),
        ("F-2026-11-30T06", "F-2026-11-30T06"),
        ("no time at all", "no time at all"),
        ("2026-02-30T10:00:00Z", "2026-02-30T10:00:00Z"),
        ("2026-11-30T24:61:00Z", "2026-11-30T24:61:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_instant_in_a_text_is_local_and_says_how_far_off_it_is(text: str, shown: str) -> None:
    assert localised({"a": [text, 7, None]}, NOW) == {"a": [shown, 7, None]}


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (None, None),
        (NOW - timedelta(seconds=1), "2026-11-30 07:59:59"),
        (NOW + timedelta(minutes=4, seconds=10), "2026-11-30 08:04:10 (in 4 min)"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31 23:59:59.999999+00:00"),
    ],
)
def test_an_instant_of_an_answer_is_shown_as_one_in_its_sentences(moment: datetime | None, shown: str | None) -> None:
    assert local(moment, NOW) == shown


def test_what_is_written_by_a_person_or_a_program_stays_as_it_is() -> None:
    written = {
        "statement": "x >= '2026-09-01T00:00:00Z'",
        "document": "s3://b/2026-11-30T08:15:00Z/F1.pdf",
        "invoice_number": "2026-11-30T08:15:00Z",
    }
    done = Done("retry", "again at 2026-11-30T06:59:59Z", False, invoice_id="1", invoice_number="2026-11-30T08:15:00Z")

    assert localised(written, NOW) == written
    assert localised(done, NOW) == replace(done, summary="again at 2026-11-30 07:59:59")


def test_what_the_server_writes_is_what_a_terminal_finds() -> None:
    moment = NOW + timedelta(hours=3)

    assert localised(f"again at {instant(moment)}", NOW) == "again at 2026-11-30 11:00:00 (in 3 h)"
    assert zone(NOW) == "CET"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"), (0, "0 s"), (119.4, "119 s"), (119.7, "2 min"), (120, "2 min"), (149, "2 min"), (151, "3 min"), (7169, "119 min"),
        (7199.6, "2 h"), (7200, "2 h"), (170_999, "47 h"), (171_001, "2 d"), (172_800, "2 d"),
    ],
)  # fmt: skip
def test_a_duration_is_in_one_unit_and_rounded(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 rows show it"), (1, "1 row shows it"), (2, "2 rows show it"), (12_345, "12,345 rows show it")],
)
def test_a_count_is_in_the_right_number(count: int, words: str) -> None:
    assert counted("# [row shows|rows show] it", count) == words
