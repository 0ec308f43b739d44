"""What answers to a deposit mean at SUPER PDP, and how its refusals are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facteur.domain.submission import Accepted, Rejected
from facteur.errors import OutcomeUnknownError, ProblemError
from facteur.platforms.http import HttpAnswer
from facteur.platforms.superpdp.ladder import LADDER, says_already_there, says_other_seller
from facteur.platforms.superpdp.reading import about, candidate, status_event

PAGE = Path(__file__).parents[2] / "docs" / "platforms.md"
SELLER = "L'entreprise (130000011) liée à cette session ne correspond pas au vendeur"


def error(message: str, status: int = 400) -> dict[str, Any]:
    return {"http_status_code": status, "message": message}


def meaning(status: int, body: Any) -> Any:
    try:
        return LADDER.meaning_of(HttpAnswer(status, {}, json.dumps(body).encode()))
    except ProblemError as found:
        return found


def test_the_page_has_the_ladder() -> None:
    table = PAGE.read_text().partition("`platforms/superpdp/ladder.py`")[2]

    for rung in LADDER.rungs:
        assert f"| {', '.join(map(str, rung.statuses))} | {rung.body} | {rung.means} |" in table


COMPANY = {
    "id": 1,
    "created_at": "2026-10-10T08:00:00Z",
    "env": "sandbox",
    "number": "130000078",
    "formal_name": "Société",
}


@pytest.mark.parametrize(
    "body",
    [
        *({"direction": "out", "id": each} for each in ("7", 0, True, 7.0, None)),
        {"direction": "out"},
        {},
        [],
        7,
        COMPANY,
    ],
)
def test_a_success_without_a_whole_number_as_id_is_unknown(body: Any) -> None:
    assert isinstance(meaning(200, body), OutcomeUnknownError)


def test_a_success_names_its_deposit() -> None:
    found = meaning(200, {"id": 4_000_000_001, "direction": "out", "events": []})

    assert isinstance(found, Accepted)
    assert found.platform_id == "4000000001"


@pytest.mark.parametrize("body", [{"message": "no"}, {"error": "no"}, {}, {"http_status_code": "400", "message": "no"}])
def test_what_a_gateway_writes_refuses_nothing(body: Any) -> None:
    assert isinstance(meaning(400, body), OutcomeUnknownError)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("DOUBLON: Invoice F-1 exists already", "DOUBLON"), ("REJ_SEMAN : BR-FR-05", "REJ_SEMAN"), ("DOUBLON", "DOUBLON"),
        ("DOUBLON of another", None), ("the file: broken", None), (None, None), (3, None),
    ],
)  # fmt: skip
def test_a_refusal_has_its_code_in_front(words: Any, reason: str | None) -> None:
    """Else a duplicate's refusal would be the invoice's (torture of SUPER PDP, 930072384)."""
    assert status_event({"id": 1, "status_code": "fr:213", "data": {"reason": words}}).reason == reason


def test_its_own_words_refuse() -> None:
    assert isinstance(meaning(400, error("BT-1 is missing")), Rejected)
    assert isinstance(meaning(503, error("later", 503)), OutcomeUnknownError)


@pytest.mark.parametrize("words", ["Fichier déjà chargé", "FICHIER DEJA CHARGE.", "file already uploaded"])
def test_a_file_that_is_there_already_is_recognised(words: str) -> None:
    assert says_already_there(error(words))
    assert not says_other_seller(error(words))


@pytest.mark.parametrize("words", [SELLER, SELLER.upper(), "the company does not match the seller"])
def test_another_companys_session_is_recognised(words: str) -> None:
    assert says_other_seller(error(words))
    assert not says_already_there(error(words))


@pytest.mark.parametrize(
    ("word", "code"),
    [("fr:205", "205"), ("fr:501", "501"), ("api:invalid", "213"), ("api:rejected", "213"), ("api:sent", "api:sent"),
     ("ppf:received", "ppf:received"), ("fr:", "fr:"), ("new:thing", "new:thing")],
)  # fmt: skip
def test_codes_are_the_reforms_where_they_are_its_statuses(word: str, code: str) -> None:
    event = status_event({"id": 7, "invoice_id": 9, "status_code": word, "created_at": "2026-10-10T08:00:00Z"})

    assert (event.code, event.platform_code, event.status_id, event.platform_id) == (code, word, "7", "9")


KEY, OTHER = "facteur-0000000000000000000000000001", "facteur-0000000000000000000000000002"


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"external_id": KEY}, True), ({"external_id": KEY.upper()}, True), ({"external_id": KEY[:20]}, True),
        ({"external_id": KEY[:9]}, True), ({"external_id": KEY.replace("-", "")}, True), ({"external_id": OTHER}, False), ({}, True),
        ({"external_id": None}, True), ({"external_id": OTHER, "en_invoice": {"number": "f-1"}}, True),
        ({"en_invoice": {"number": "F-2"}}, False), ({"external_id": KEY, "direction": "in"}, False),
        ({"external_id": KEY, "direction": "sortant"}, True), ([], True), (None, True),
    ],
)  # fmt: skip
def test_what_may_be_ours_is_compared(entry: Any, found: bool) -> None:
    """By key or number, or because it shows neither: one too many is compared, one too few is sent a second time."""
    assert about(entry, ["F-1"], [KEY]) is found


def test_a_key_is_shown_to_the_letter() -> None:
    assert candidate({"id": 7, "external_id": KEY.upper()}).own_key == KEY.upper()
    assert candidate({"id": 7}).own_key is None


@pytest.mark.parametrize(
    ("reason", "text", "message"),
    [
        ("REJ_SEMAN: BR-FR-05 is not met", "Rejetée", "BR-FR-05 is not met"), (None, "Rejetée", None), ("REJ_SEMAN", "Rejetée", None),
        ("the file: broken", "Rejetée", "the file: broken"), ("no", "Rejetée par la plateforme", "no – Rejetée par la plateforme"),
    ],
)  # fmt: skip
def test_what_a_status_says_is_not_its_code_or_its_name_again(
    reason: str | None, text: str, message: str | None
) -> None:
    found = status_event(
        {"id": 1, "invoice_id": 2, "status_code": "fr:213", "status_text": text, "data": {"reason": reason}}
    )

    assert (found.label, found.message) == ("Rejetée", message)
