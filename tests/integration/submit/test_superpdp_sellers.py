"""An invoice whose seller is not the company of its account, on SUPER PDP: it is a person's, and no other invoice waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.platforms import secret_for
from tests.two_accounts import SHOW_ACCOUNTS

STRANGER = "999999999"
OTHERWISE = "Le vendeur du fichier n'est pas l'entreprise liée à cette session"


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture
def pdp(world: World, started: Simulator) -> Simulator:
    started.reset()
    world.database.rows(SHOW_ACCOUNTS)
    world.put_secret("pdp", secret_for("superpdp", started))
    return started


@pytest.fixture
def proxy(world: World, pdp: Simulator) -> Iterator[AlteringProxy]:
    with altering(pdp.base_url) as altered:
        world.put_secret("pdp", secret_for("superpdp", pdp) | {"base_url": altered.url})
        yield altered


def is_deposit(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.startswith("/v1.beta/invoices")


def refuse_otherwise(proxy: AlteringProxy, status: int, words: str = OTHERWISE) -> None:
    """What it refuses it refuses with another code, and in other words."""
    body = json.dumps({"http_status_code": status, "message": words}).encode()

    def after(asked: Asked, said: Said) -> Said:
        return (
            Said(status, {"Content-Type": "application/json"}, body)
            if is_deposit(asked) and said.status == 400
            else said
        )

    proxy.after = after


def add(world: World, rank: int) -> None:
    world.add(rank)
    world.update(rank, account="pdp")


def add_of_a_stranger(world: World, rank: int) -> None:
    good = sample_invoice(rank)
    content = render(replace(good, seller=replace(good.seller, siren=STRANGER)), "cii")
    world.add(rank, content=content)
    world.update(rank, account="pdp", seller_siren=STRANGER)


def worked_off(world: World, pdp: Simulator, times: int, seconds: float = 300.0) -> None:
    for _ in range(times):
        world.deposit()
        world.advance(seconds)
        pdp.advance(seconds)


@pytest.mark.parametrize("status", [pytest.param(400, marks=pytest.mark.slow), 403, 422])
def test_whatever_its_words_another_companys_number_says_whose_mistake_it_is(
    world: World, pdp: Simulator, proxy: AlteringProxy, status: int
) -> None:
    refuse_otherwise(proxy, status)
    add(world, 9)
    world.deposit()
    add_of_a_stranger(world, 1)

    worked_off(world, pdp, 1)

    said = world.submission(1)
    assert (said.state, said.last_error_code, world.row(1).technical_status) == ("failed", "other_seller", "error")
    for part in (
        f"HTTP {status}",
        "/pdp is of company 130000011",
        STRANGER,
        OTHERWISE,
        "Account pdp cannot",
        "own account",
    ):
        assert part in said.last_error_message
    waits = "select paused_until, recovery, deposits_wait from facteur.budgets where key = 'account:pdp'"
    assert tuple(world.database.row(waits)) == (None, None, None)


@pytest.mark.parametrize("status", [400, pytest.param(422, marks=pytest.mark.slow)])
def test_an_invoice_of_the_accounts_own_company_is_rejected_for_what_it_lacks(
    world: World, pdp: Simulator, proxy: AlteringProxy, status: int
) -> None:
    proxy.before = lambda asked: (
        Said(
            status,
            {"Content-Type": "application/json"},
            json.dumps({"http_status_code": status, "message": "no BT-2"}).encode(),
        )
        if is_deposit(asked)
        else None
    )
    add(world, 1)

    worked_off(world, pdp, 1)

    assert world.submission(1).state == "rejected"


def test_a_403_of_the_account_itself_is_no_mistake_of_the_invoice(
    world: World, pdp: Simulator, proxy: AlteringProxy
) -> None:
    """Its company is not verified any more, since the token was given."""
    add(world, 9)
    world.deposit()
    pdp.configure(company_verification="needs_review")
    add_of_a_stranger(world, 1)

    worked_off(world, pdp, 1)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "account_refused")


def test_accepted_deposits_ask_for_the_company_once(world: World, pdp: Simulator) -> None:
    for rank in (1, 7, 9):
        add(world, rank)
        world.deposit()

    assert len(pdp.calls("company")) == 1


def test_invoices_of_a_stranger_slow_down_no_other_of_their_account(world: World, pdp: Simulator) -> None:
    """The next good one waited for two hours, and they never ended."""
    add(world, 9)
    world.deposit()
    for rank in (1, 3, 5):
        add_of_a_stranger(world, rank)
        worked_off(world, pdp, 4)
    add(world, 11)

    world.deposit()

    assert world.submission(11).state == "submitted"
    assert {world.submission(rank).state for rank in (1, 3, 5)} == {"failed"}
    world.update(1, account="default", technical_status="pending")
    worked_off(world, pdp, 2)
    assert world.submission(1).state == "submitted"


def test_an_account_that_never_deposited_may_have_the_wrong_secret_and_its_invoices_wait(
    world: World, pdp: Simulator
) -> None:
    pdp.configure(company_number=STRANGER)
    for rank in (1, 7):
        add(world, rank)
    add_of_a_stranger(world, 3)

    world.deposit()

    assert {(world.submission(rank).state, world.submission(rank).last_error_code) for rank in (1, 7)} == {
        ("pending", "other_seller")
    }
    assert "Correct the secret of account pdp" in world.submission(1).last_error_message
    assert world.submission(3).state == "submitted"
    pdp.configure(company_number="130000011")
    world.new_container()
    world.database.rows("update facteur.accounts set pin = null")
    worked_off(world, pdp, 16)
    assert {world.submission(rank).state for rank in (1, 7)} == {"submitted"}


def test_one_that_waits_for_its_account_ends_at_a_person(world: World, pdp: Simulator) -> None:
    pdp.configure(company_number=STRANGER)
    add(world, 1)

    worked_off(world, pdp, 1)
    world.database.rows("update facteur.submissions set waited = interval '3 days' where account = 'pdp'")
    worked_off(world, pdp, 14)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "other_seller")
    assert pdp.ledger() == []
