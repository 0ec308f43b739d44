"""Whoever answers for the platform: an invoice is deposited once, and its row shows the deposit that the platform has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering

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


def test_an_id_that_another_invoice_has_is_doubted_at_once(world: World, gateway: AlteringProxy) -> None:
    world.add(1)
    settle(world, 1)
    first = world.deposits(1)[0]["id"]
    spoil(gateway, said(201, {"type": "INVOICE", "id": first}))
    world.add(2)

    world.deposit()
    state, code = world.submission(2).state, world.submission(2).last_error_code
    settle(world)

    assert (state, code) == ("in_doubt", "platform_id_taken")
    (deposit,) = world.deposits(2)
    assert (world.row(1).submission_id, world.row(2).submission_id) == (first, deposit["id"])


def test_one_id_for_a_whole_batch_ends_with_each_invoices_own(world: World, gateway: AlteringProxy) -> None:
    world.add(0)
    settle(world, 1)
    spoil(gateway, said(201, {"type": "INVOICE", "id": "01a2b3c4-0000-7000-8000-0000000000aa"}), times=4)
    for rank in range(1, 5):
        world.add(rank)

    world.deposit()
    states = sorted(world.submission(rank).state for rank in range(1, 5))
    for _ in range(6):
        world.advance(160)
        world.deposit()

    assert states == ["in_doubt"] * 3 + ["submitted"]
    right = [rank for rank in range(1, 5) if world.row(rank).submission_id == world.deposits(rank)[0]["id"]]
    assert len(right) == 3  # of the fourth the platform shows another number: that rings elsewhere
    assert [len(world.deposits(rank)) for rank in range(1, 5)] == [1] * 4


def test_an_id_of_this_invoices_own_refused_deposit_is_doubted(world: World, gateway: AlteringProxy) -> None:
    world.add(1)
    settle(world, 1)
    refused = world.deposits(1)[0]["id"]
    world.simulator.add_status(refused, "REJECTED", reason="CALCULATION_ERROR")
    settle(world, 3)
    assert world.row(1).technical_status == "rejected"
    spoil(gateway, said(201, {"type": "INVOICE", "id": refused}))

    world.update(1, technical_status="pending")
    world.deposit()

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("in_doubt", "platform_id_taken")
    assert [attempt.platform_id for attempt in world.attempts(1)] == [refused, None]


def test_the_same_unknown_answer_three_times_ends_at_a_person_and_a_retry_looks_first(
    world: World, gateway: AlteringProxy
) -> None:
    world.witness()
    gateway.requests.clear()
    refuse(gateway, said(400, b"<html>Ray ID: 1234abcd</html>"))
    world.add(1)

    for _ in range(60):
        world.deposit()
        world.advance(400)
    failed = world.submission(1)
    sent = sum(asked.is_deposit for asked in gateway.requests)

    assert (failed.state, failed.last_error_code, sent) == ("failed", "unknown_thrice", 3)
    assert "HTTP 400" in failed.last_error_message
    assert world.row(1).technical_status == "error"

    refuse(gateway, None)
    world.update(1, technical_status="pending")
    world.relay()
    assert world.submission(1).state == "in_doubt"
    settle(world, 20)
    assert len(world.deposits(1)) == 1
    assert world.row(1).technical_status == "validated"


def break_off(world: World, fault: str, *, beside_others: bool, broken: int = 1) -> int:
    """The calls of so many invoices break for four hours; how often the first was sent."""
    world.witness()
    for rank in range(1, broken + 1):
        world.simulator.script(sample_invoice(rank).number, [fault] * 50)
        world.add(rank)
    for rank in range(broken + 1, 50):
        if beside_others:
            world.add(rank)
        world.deposit()
        world.deposit()
        world.advance(300)
    return len(world.attempts(1))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["reset", "close"])
def test_a_call_that_breaks_for_one_invoice_alone_ends_at_a_person(world: World, fault: str) -> None:
    assert break_off(world, fault, beside_others=True) == 3

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "unknown_thrice")
    assert world.row(1).technical_status == "error"


@pytest.mark.slow
def test_a_platform_that_leaves_some_unanswered_sends_none_of_them_to_a_person(world: World) -> None:
    assert break_off(world, "reset", beside_others=True, broken=2) > 3

    assert {world.submission(rank).state for rank in (1, 2)} <= {"in_doubt", "pending"}


@pytest.mark.slow
def test_a_platform_that_answers_nobody_sends_no_invoice_to_a_person(world: World) -> None:
    assert break_off(world, "reset", beside_others=False) > 3

    assert world.submission(1).state in {"in_doubt", "pending"}


def test_a_slow_token_endpoint_leaves_no_open_attempt(world: World) -> None:
    world.simulator.outage(600, "503", ["token"])
    world.add(1)

    world.deposit()

    assert (world.attempts(1), world.submission(1).state) == ([], "pending")
    world.advance(700)
    world.deposit()
    world.deposit()
    assert len(world.deposits(1)) == 1
