"""What the doctor reads out of Iopole's directory, webhooks, and refusals; lenient where nobody has published the shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facteur.errors import AccountRefusedError, PlatformBusyError
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.probe import IopoleProbe

NETWORK = {"networkIdentifier": "DOMESTIC_FR", "validFrom": "2026-01-01T00:00:00.000Z", "validTo": None}
WEBHOOK = {"status": "ACTIVE", "filterStreamDirection": None}


def probe(status: int, body: Any, **headers: str) -> IopoleProbe:
    """One whose platform answers everything like this."""
    answer = HttpAnswer(status, headers, json.dumps(body).encode())
    return IopoleProbe(lambda: None, lambda _path, _params: answer, sandbox=True)


def company(*networks: object) -> dict[str, object]:
    return {"identifiers": [{"scheme": "0225", "networkRegistered": list(networks)}]}


@pytest.mark.parametrize(
    ("body", "reachable"),
    [
        ({"data": [company(NETWORK)]}, True),
        ([company(NETWORK)], True),
        ({"data": [company(NETWORK | {"validTo": "2999-01-01T00:00:00Z"})]}, True),
        ({"data": [company(NETWORK | {"validFrom": None})]}, True),
        ({"data": [company(NETWORK | {"validTo": "2026-02-01T00:00:00.000Z"})]}, False),
        ({"data": [company(NETWORK | {"validFrom": "2999-01-01"})]}, False),
        ({"data": [company(NETWORK | {"networkIdentifier": "PEPPOL_INTERNATIONAL"})]}, False),
        ({"data": [company()]}, False),
        ({"data": [{"identifiers": None}, "strange", {"identifiers": [{"networkRegistered": None}]}]}, False),
        ({"data": []}, False),
    ],
)
def test_a_company_is_reachable_that_is_registered_today(body: Any, reachable: bool) -> None:
    assert probe(200, body).reachable("111111111") is reachable


@pytest.mark.parametrize(
    ("body", "active"),
    [
        ([], 0),
        ([WEBHOOK], 1),
        ({"data": [WEBHOOK, WEBHOOK | {"filterStreamDirection": "OUTBOUND"}]}, 2),
        ([WEBHOOK | {"filterStreamDirection": "INBOUND"}], 0),
        ([WEBHOOK | {"status": "INACTIVE"}], 0),
        ([{}, "strange"], 1),
    ],
)
def test_a_webhook_takes_statuses_away_unless_it_says_otherwise(body: Any, active: int) -> None:
    assert probe(200, body).active_webhooks() == active


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_what_the_account_may_not_see_is_not_known(status: int) -> None:
    assert probe(status, {}).reachable("111111111") is None
    assert probe(status, {}).active_webhooks() is None


def test_a_search_that_spells_its_fields_otherwise_has_let_us_in() -> None:
    seen = probe(400, {"statusMessage": "Unable to parse"}, Date="Sun, 22 Nov 2026 17:04:29 GMT").knock()

    assert seen is not None
    assert seen.isoformat() == "2026-11-22T17:04:29+00:00"
    assert probe(200, [], Date="yesterday").knock() is None
    assert probe(200, []).knock() is None


@pytest.mark.parametrize(
    ("status", "error"), [(403, AccountRefusedError), (429, PlatformBusyError), (503, PlatformBusyError)]
)
def test_whoever_is_not_let_in_hears_why(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        probe(status, {}).knock()
