"""Lifecycle messages as values: what is said of which invoice, when, by whom; and what is no message at all."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facteur.errors import UnreadableStatusError
from facteur.platforms import foreign_xml
from facteur.platforms.afnor.cdar import Characteristic, InvoiceStatus, Party, message_in
from facteur.platforms.afnor.moments import day_in, instant_in, year_in
from tests.lifecycle_messages import (
    AT,
    BUYER,
    COLLECTED,
    REFUSED,
    SELLER,
    SEVERAL,
    about,
    acknowledged,
    amount,
    message,
    reason,
)

PARIS = ZoneInfo("Europe/Paris")
SAID = datetime(2026, 10, 12, 8, 15, 30, tzinfo=UTC)


def only(content: bytes) -> InvoiceStatus:
    statuses = message_in(content).statuses
    assert len(statuses) == 1
    return statuses[0]


# --- what a message says ----------------------------------------------------------------------------------------------


def test_a_message_says_who_says_it_and_to_whom() -> None:
    found = message_in(REFUSED)

    assert (found.message_id, found.profile) == ("F-7_212_1", "urn.cpro.gouv.fr:1p0:CDV:invoice")
    assert (found.sender, found.issuer) == (Party("WK", None, None), Party("BY", "ACHETEUR", BUYER))
    assert found.recipients == (Party("SE", "VENDEUR", SELLER),)


def test_a_status_names_its_invoice_and_its_instant() -> None:
    found = only(REFUSED)

    assert (found.code, found.network_code, found.label) == ("210", "50", "words")
    assert (found.invoice_number, found.invoice_type, found.seller_siren) == ("F-7", "380", SELLER)
    assert (found.issue_date, found.issue_year) == (date(2026, 10, 10), 2026)
    assert (found.occurred_at, found.date_given) == (SAID, AT)


def test_a_refusal_comes_with_its_reasons() -> None:
    blocks = (reason("TX_TVA_ERR", "Taux", "10 et non 20"), reason("QTE_ERR", sequence=2))

    first, second = only(message(acknowledged(about("F-7", "207", *blocks)))).reasons

    assert (first.code, first.text, first.comment) == ("TX_TVA_ERR", "Taux", "10 et non 20")
    assert (second.code, second.text, second.comment) == ("QTE_ERR", None, None)


def test_a_collection_comes_with_an_amount_for_each_rate() -> None:
    found = only(COLLECTED)

    assert [(each.amount, each.currency, each.percent) for each in found.collected] == [
        (Decimal("1200.00"), "EUR", Decimal("20.00")), (Decimal("440.00"), "EUR", Decimal("10.00")),
    ]  # fmt: skip


def test_what_is_no_collection_is_none() -> None:
    blocks = reason(inner=amount("-3", kind="MPA", rate=None, day="20261011") + amount("-120.00"))
    found = only(message(acknowledged(about("F-7", "212", blocks))))

    assert [each.amount for each in found.collected] == [Decimal("-120.00")]
    assert found.reasons[0].characteristics[0] == Characteristic(
        "MPA", Decimal(-3), "EUR", None, date(2026, 10, 11), None
    )


def test_a_message_may_be_about_several_invoices() -> None:
    found = message_in(SEVERAL).statuses

    assert [(each.invoice_number, each.code) for each in found] == [("F-7", "204"), ("F-8", "205"), ("F-9", "211")]
    assert [each.date_given for each in found] == [AT, AT, "20261013000000"]


@pytest.mark.parametrize("code", ["213", "220", "226", "299", "TELEPORTED"])
def test_a_code_that_nobody_knows_is_read_like_the_others(code: str) -> None:
    assert only(message(acknowledged(about("F-7", code)))).code == code


def test_a_status_without_a_code_stands_beside_those_that_have_one() -> None:
    found = message_in(message(acknowledged(about("F-7", ""), about("F-8", "205")))).statuses

    assert [(each.invoice_number, each.code) for each in found] == [("F-7", None), ("F-8", "205")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('xmlns:ram="', 'xmlns="u" xmlns:ram="'), ("<ram:", "<r:"), ("?>", "?>\n<!-- a comment -->\n"), (">F-7<", "> F<!-- x -->-7\n<"),
        (">F-7<", "><![CDATA[F-7]]><"), (">F-7<", ">F&#45;7<"),
    ],
)  # fmt: skip
def test_how_it_is_written_changes_nothing(old: str, new: str) -> None:
    text = REFUSED.decode().replace(old, new)
    text = re.sub("(</|xmlns:)ram", r"\1r", text) if new == "<r:" else text

    assert only(text.encode()) == only(REFUSED)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_an_encoding_changes_nothing(encoding: str) -> None:
    declared = message(acknowledged(about("F-é", "204"))).decode().replace("UTF-8", encoding.removesuffix("-sig"))

    assert only(declared.encode(encoding)).invoice_number == "F-é"


@pytest.mark.parametrize(
    ("ids", "siren"),
    [
        ('<ram:GlobalID schemeID="0002">100000009</ram:GlobalID>', "100000009"),
        ('<ram:ID schemeID="0009">100 000 009 00011</ram:ID>', "100000009"),
        ('<ram:ID schemeID="0009">20000000800011</ram:ID><ram:GlobalID schemeID="0002">100000009</ram:GlobalID>', "100000009"),
        ('<ram:GlobalID schemeID="0225">315143296_268</ram:GlobalID>', None), ('<ram:GlobalID schemeID="0238">9998</ram:GlobalID>', None),
        ("<ram:GlobalID>100000009</ram:GlobalID>", None), ('<ram:GlobalID schemeID="0002">10000000X</ram:GlobalID>', None),
        ('<ram:GlobalID schemeID="0002">١٢٣٤٥٦٧٨٩</ram:GlobalID>', None), ("", None),
    ],
)  # fmt: skip
def test_a_seller_is_known_by_its_siren_alone(ids: str, siren: str | None) -> None:
    written = (
        f'<ram:IssuerTradeParty><ram:GlobalID schemeID="0002">{SELLER}</ram:GlobalID><ram:RoleCode>SE</ram:RoleCode>'
    )
    content = REFUSED.decode().replace(written, f"<ram:IssuerTradeParty>{ids}<ram:RoleCode>SE</ram:RoleCode>")

    assert only(content.encode()).seller_siren == siren


def test_what_is_missing_is_none_and_no_error() -> None:
    bare = message(acknowledged(about("", "213", seller=None, issued=None), at=None), message_id="", written_at=None)

    found = message_in(bare)

    assert (found.message_id, found.statuses[0].code) == (None, "213")
    assert (found.statuses[0].invoice_number, found.statuses[0].seller_siren, found.statuses[0].issue_year) == (
        None,
    ) * 3
    assert (found.statuses[0].occurred_at, found.statuses[0].date_given) == (None, None)


def test_where_a_status_has_no_date_that_of_its_message_counts() -> None:
    assert only(message(acknowledged(about("F-7", "204"), at=None))).occurred_at == SAID


def test_a_date_that_cannot_be_read_is_kept_as_it_was_written() -> None:
    found = only(message(acknowledged(about("F-7", "204", issued="2026"), at="hier soir")))

    assert (found.occurred_at, found.date_given) == (None, "hier soir")
    assert (found.issue_date, found.issue_year) == (None, 2026)


def test_what_is_written_is_made_visible_and_bounded() -> None:
    found = only(message(acknowledged(about("F-7", "207", reason("C" * 90, "a\u202eb", "x" * 5000)))))

    assert found.reasons[0].text == "a\\u202eb"
    assert (len(found.reasons[0].code or ""), len(found.reasons[0].comment or "")) == (60, 500)


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20261012101530", SAID), (" 20261012101530\n", SAID), ("202610121015", SAID.replace(second=0)),
        ("20261012081530Z", SAID), ("20261012101530+0200", SAID), ("202610121015+02:00", SAID.replace(second=0)),
        ("20261012", datetime(2026, 10, 11, 22, tzinfo=UTC)), ("20261212", datetime(2026, 12, 11, 23, tzinfo=UTC)),
        ("2026-10-12T08:15:30Z", SAID), ("2026-10-12T10:15:30", SAID), ("2026-10-12T10:15:30+02:00", SAID),
        ("20261325", None), ("2026101225", None), ("20261012101530+9900", None), ("00010101000000", None), ("99991231235959", None),
        ("٢٠٢٦١٠١٢", None), ("", None), (None, None), ("soon", None), ("1" * 5000, None),
    ],
)  # fmt: skip
def test_an_instant_is_read_by_what_it_looks_like(text: str | None, instant: datetime | None) -> None:
    assert instant_in(text) == instant


@given(st.datetimes(datetime(1997, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001
@settings(max_examples=200, derandomize=True, database=None)
def test_the_clocks_of_paris_are_known_without_a_database(at: datetime) -> None:
    shown = at.replace(microsecond=0)
    theirs = shown.replace(tzinfo=PARIS).astimezone(UTC)

    found = instant_in(f"{shown:%Y%m%d%H%M%S}")

    assert (
        found == theirs or theirs.astimezone(PARIS).replace(tzinfo=None) != shown
    )  # an hour of March that no clock shows


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("20260329015959", "00:59:59"), ("20260329030000", "01:00:00"), ("20261025015959", "23:59:59"), ("20261025025959", "00:59:59"),
        ("20261025030000", "02:00:00"),
    ],
)  # fmt: skip
def test_the_hours_at_which_clocks_change(local: str, utc: str) -> None:
    assert str(instant_in(local))[11:19] == utc


@pytest.mark.parametrize(
    ("text", "day", "year"),
    [
        ("20261010", date(2026, 10, 10), 2026), ("2026-10-10", date(2026, 10, 10), 2026), ("20261010235959", date(2026, 10, 10), 2026),
        ("2026", None, 2026), ("2026-13-45", None, 2026), ("00011231", None, None), ("10102026", None, None), ("", None, None),
        (None, None, None), ("٢٠٢٦١٠١٠", None, None),
    ],
)  # fmt: skip
def test_a_day_or_its_year(text: str | None, day: date | None, year: int | None) -> None:
    assert (day_in(text), year_in(text)) == (day, year)


# --- what is none -----------------------------------------------------------------------------------------------------

SECRET = "F-SECRET-4711"
ENTITY = f'<!DOCTYPE a [<!ENTITY n "{SECRET}">]>'
WITH_SECRET = message(acknowledged(about(SECRET, "204"))).decode()
NONE: dict[str, tuple[Any, str]] = {
    "nothing": ("", "no XML"),
    "a page": (f"<html><body>{SECRET}<br></body></html>", "no XML"),
    "JSON": (f'{{"number": "{SECRET}"}}', "no XML"),
    "cut": (WITH_SECRET[:-40], "no XML"),
    "two roots": (WITH_SECRET + "<a/>", "no XML"),
    "entities": (WITH_SECRET.replace("?>", "?>" + ENTITY, 1).replace(f">{SECRET}<", ">&n;<"), "a document type"),
    "a document type": (WITH_SECRET.replace("?>", '?><!DOCTYPE a SYSTEM "file:///etc/passwd">', 1), "a document type"),
    "an encoding that nobody knows": (WITH_SECRET.replace("UTF-8", "nonsense"), "no XML"),
    "an invoice": (f"<Invoice xmlns='urn:x'><ID>{SECRET}</ID></Invoice>", "another document"),
    "the same name of another": (WITH_SECRET.replace("Response:100", "Response:1"), "another document"),
    "depth": (WITH_SECRET.replace("<rsm:ExchangedDocument>", "<rsm:ExchangedDocument>" + "<a>" * 90, 1), "too deep"),
    "many elements": ("<a>" + "<b/>" * foreign_xml.MOST_ELEMENTS + "</a>", "too large"),
    "many bytes": (" " * foreign_xml.MOST_BYTES + WITH_SECRET, "too large"),
    "no status": (message(acknowledged()).decode(), "names no status"),
    "no acknowledgement": (message().decode(), "names no status"),
    "no code": (message(acknowledged(about(SECRET, ""))).decode(), "names no status"),
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_message_is_refused_in_words_of_ours_alone(name: str) -> None:
    content, why = NONE[name]

    with pytest.raises(UnreadableStatusError) as raised:
        message_in(content.encode())

    assert why in str(raised.value)
    assert raised.value.__cause__ is None
    assert not any(word in str(raised.value) for word in (SECRET, "passwd", "line", "html"))
    assert raised.value.problem.code == "unreadable_status"


def test_an_attachment_is_passed_over() -> None:
    attached = f'<ram:AttachmentBinaryObject mimeCode="application/pdf" filename="a.pdf">{"QUJD" * 250_000}</ram:AttachmentBinaryObject>'

    assert only(message(acknowledged(about("F-7", "209", more=attached)))).invoice_number == "F-7"
