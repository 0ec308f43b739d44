"""What the doctor reads out of Iopole's directory, and webhooks; lenient where nobody has published the shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.directory import active_webhooks, reachable

NETWORK = {"networkIdentifier": "DOMESTIC_FR", "validFrom": "2026-01-01T00:00:00.000Z", "validTo": None}
WEBHOOK = {"status": "ACTIVE", "filterStreamDirection": None}


def said(status: int, body: Any) -> HttpAnswer:
    return HttpAnswer(status, {}, json.dumps(body).encode())


def company(*networks: object) -> dict[str, object]:
    return {"identifiers": [{"scheme": "0225", "networkRegistered": list(networks)}]}


@pytest.mark.parametrize(
    ("body", "there"),
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
def test_a_company_is_reachable_that_is_registered_today(body: Any, there: bool) -> None:
    assert reachable(said(200, body)) is there


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
    assert active_webhooks(said(200, body)) == active


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_what_the_account_may_not_see_is_not_known(status: int) -> None:
    assert reachable(said(status, {})) is None
    assert active_webhooks(said(status, {})) is None
