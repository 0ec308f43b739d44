"""Whoever answers for the platform: an invoice is deposited once, and its row shows the deposit that the platform has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.simulator.control import Simulator
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.world import World

HTML = b"<html><head><title>Attention Required!</title></head><body>nginx</body></html>"


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as proxy:
        yield proxy


@pytest.fixture
def settings(gateway: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": gateway.url}


def spoil(gateway: AlteringProxy, answer: Said, *, times: int = 1) -> None:
    """The platform stores the next deposits, and this is answered."""
    left = [answer] * times

    def altered(asked: Asked, said: Said) -> Said:
        return left.pop() if asked.is_deposit and left else said

    gateway.after = altered


def refuse(gateway: AlteringProxy, answer: Said | None) -> None:
    """Deposits do not come through, and this is answered; None: they do again."""
    gateway.before = lambda asked: answer if asked.is_deposit else None


def settle(world: World, rounds: int = 16, step: float = 160) -> None:
    for _ in range(rounds):
        world.deposit()
        world.poll()
        world.advance(step)


def said(status: int, body: bytes | dict[str, Any], headers: Mapping[str, str] | None = None) -> Said:
    return Said(status, headers or {}, json.dumps(body).encode() if isinstance(body, dict) else body)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(said(401, {}), id="401 {}"),
        pytest.param(said(404, {}), id="404 {}"),
        pytest.param(said(429, {}), id="429 {}"),
        pytest.param(said(403, HTML), id="403 by a firewall"),
        pytest.param(said(403, {}), id="403 {}"),
        pytest.param(said(403, {"message": "Forbidden"}), id="403 by AWS"),
        pytest.param(said(404, {"message": "no Route matched with those values"}), id="404 by Kong"),
        pytest.param(said(404, {"statusCode": 404, "statusMessage": "Not found", "url": "/"}), id="404 by Nuxt"),
        pytest.param(said(429, b"error code: 1015", {"Retry-After": "30"}), id="429 by a CDN"),
        pytest.param(said(401, b"", {"WWW-Authenticate": "Bearer"}), id="401 without a body"),
        pytest.param(said(401, {"error": "invalid_token"}), id="401 by a login adapter"),
        pytest.param(said(302, b"", {"Location": "https://login.example/"}), id="302 to a login"),
        pytest.param(said(200, HTML), id="200 with a page"),
        pytest.param(said(400, HTML), id="400 by a firewall"),
        pytest.param(said(405, {"message": "Method Not Allowed"}), id="405"),
        pytest.param(said(409, {"code": "DUPLICATE_RESOURCE", "statusMessage": "exists"}), id="409"),
    ],
)
def test_a_stored_deposit_whose_answer_is_anothers_is_found_and_never_sent_again(
    world: World, gateway: AlteringProxy, answer: Said
) -> None:
    spoil(gateway, answer)
    world.add(1)

    settle(world)

    (deposit,) = world.deposits(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", deposit["id"])
    assert [attempt.outcome for attempt in world.attempts(1)] == ["accepted"]


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_the_platforms_own_refusal_of_the_account_is_no_doubt(
    world: World, gateway: AlteringProxy, status: int
) -> None:
    refuse(gateway, said(status, {"statusMessage": "Not now"}))
    world.add(1)

    world.deposit()
    outcomes = {attempt.outcome for attempt in world.attempts(1)}
    refuse(gateway, None)
    settle(world, 8)

    assert outcomes == {"not_deposited"}
    assert len(world.deposits(1)) == 1
    assert world.row(1).technical_status == "validated"
