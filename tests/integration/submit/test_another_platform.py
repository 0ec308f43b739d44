"""An account on another kind of platform: the toy of tests/contract/platform, through the whole job beside an account on Iopole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from facteur.aws.secrets_manager import Secrets
from facteur.errors import AccountRefusedError, EnvironmentMismatchError
from facteur.observability import PowertoolsJournal
from facteur.operate.reconcile.model import Code
from facteur.operate.reconcile.run import reconcile
from facteur.operate.reconcile.store import Reconciling
from facteur.operate.wiring import operate_services
from facteur.platforms.accounts import AccountPlatforms
from facteur.platforms.registry import PROVIDERS
from facteur.poll_statuses.run import poll_statuses
from facteur.poll_statuses.wiring import poll_services
from facteur.settings import Settings
from facteur.submit_invoices.run import submit_invoices
from facteur.submit_invoices.wiring import submit_services
from local.world.levers import World
from tests.altering import AlteringProxy, Said, altering
from tests.contract.platform.toy import TOY
from tests.contract.platform.toy_server import ToyServer, running_toy
from tests.two_accounts import SHOW_ACCOUNTS

JOURNAL = PowertoolsJournal("test")
CREDENTIALS = {"client_id": "toy-client", "client_secret": "toy-secret"}


@pytest.fixture
def toy() -> Iterator[ToyServer]:
    with running_toy() as server:
        yield server


@pytest.fixture
def proxy(toy: ToyServer) -> Iterator[AlteringProxy]:
    with altering(toy.url) as found:
        yield found


@pytest.fixture
def platforms(world: World, proxy: AlteringProxy) -> AccountPlatforms:
    """With a kind of platform more than this version has."""
    world.database.rows(SHOW_ACCOUNTS)
    put_toy(world, proxy.url)
    return built(world)


def built(world: World) -> AccountPlatforms:
    """As in a fresh container."""
    secrets = Secrets(lambda: world.aws.session.client("secretsmanager", endpoint_url=world.aws.endpoint_url))
    return AccountPlatforms(
        Settings.from_environ(os.environ).for_platforms(), secrets, world.database, {**PROVIDERS, TOY.name: TOY}
    )


def put_toy(world: World, url: str, **more: object) -> None:
    world.put_secret("toy", {"provider": "toy", "base_url": url, "auth_url": url, **CREDENTIALS, **more})


def add_to_toy(world: World, rank: int) -> None:
    world.add(rank)
    world.update(rank, account="toy")


def deposit(world: World, platforms: AccountPlatforms) -> None:
    world.relay()
    ids = [json.loads(message["body"])["submission_id"] for message in world.messages()]
    platforms.begin_invocation(float("inf"))
    submit_invoices(ids, replace(submit_services(JOURNAL), platforms=platforms))


def poll(platforms: AccountPlatforms) -> None:
    poll_statuses(replace(poll_services(JOURNAL), platforms=platforms))


def test_each_account_deposits_with_the_kind_that_its_secret_names(
    world: World, toy: ToyServer, platforms: AccountPlatforms
) -> None:
    add_to_toy(world, 1)
    world.add(2)

    deposit(world, platforms)

    assert [each.document for each in toy.kept] == [world.submission(1).platform_id]
    assert [each["id"] for each in world.simulator.ledger()] == [world.submission(2).platform_id]
    providers = world.database.rows("select name, provider from facteur.accounts order by name")
    assert {(each.name, each.provider) for each in providers} == {("default", "iopole"), ("toy", "toy")}


@pytest.mark.parametrize("answer", [502, 403])
def test_a_deposit_whose_answer_is_lost_is_found_there_and_not_sent_again(
    world: World, toy: ToyServer, proxy: AlteringProxy, platforms: AccountPlatforms, answer: int
) -> None:
    add_to_toy(world, 9)  # a witness
    deposit(world, platforms)
    lost = iter([Said(answer, {}, b"<html>bad gateway</html>")])
    proxy.after = lambda asked, said: next(lost, said) if asked.path == "/documents" else said
    add_to_toy(world, 1)
    deposit(world, platforms)
    assert world.submission(1).state == "in_doubt"

    for _ in range(5):
        world.advance(400)
        deposit(world, platforms)

    assert [each.document for each in toy.kept][1:] == [world.submission(1).platform_id]
    assert world.row(1).technical_status == "validated"


def test_a_deposit_that_never_arrived_is_sent_again_beside_a_witness(
    world: World, toy: ToyServer, proxy: AlteringProxy, platforms: AccountPlatforms
) -> None:
    add_to_toy(world, 9)
    deposit(world, platforms)
    lost = iter([Said(503, {}, b"")])
    proxy.before = lambda asked: next(lost, None) if asked.path == "/documents" else None
    add_to_toy(world, 1)

    for _ in range(8):
        deposit(world, platforms)
        world.advance(400)
        toy.shift += 400

    assert len(toy.kept) == 2
    assert world.submission(1).state == "submitted"


@pytest.mark.parametrize("source", ["sweep", "pull", "history"])
def test_statuses_of_a_kind_without_a_search_come_from_histories_whatever_the_source(
    world: World, toy: ToyServer, platforms: AccountPlatforms, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_SOURCE", source)
    world.new_container()
    add_to_toy(world, 1)
    deposit(world, platforms)
    toy.say(world.submission(1).platform_id, "205")

    for _ in range(6):
        world.advance(90_000)
        poll(platforms)

    assert world.submission(1).lifecycle_code == "205"


def test_a_sweep_that_asks_nobody_ends_no_accounts_waiting(
    world: World, toy: ToyServer, platforms: AccountPlatforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_SOURCE", "sweep")
    world.new_container()
    add_to_toy(world, 1)
    deposit(world, platforms)
    world.database.rows("select facteur.pause('account:toy', 300, 'account_refused', true)")
    recovery = "select recovery, failures from facteur.budgets where key = 'account:toy'"
    world.database.rows("update facteur.budgets set failures = 3 where key = 'account:toy'")
    before = world.database.row(recovery)
    world.advance(400)
    monkeypatch.setenv("HISTORY_REQUESTS_PER_MINUTE", "0.1")  # so that no history answers instead
    world.database.rows("update facteur.budgets set tokens = 0, refilled_at = facteur.now() where key = 'history'")
    world.new_container()

    poll(platforms)

    assert before.recovery == "read"
    assert world.database.row(recovery) == before


@pytest.mark.parametrize("provider", ["afnor_", "", 7, ["iopole"]])
def test_a_kind_that_there_is_not_stops_its_account_alone(
    world: World, platforms: AccountPlatforms, provider: object
) -> None:
    world.put_secret("toy", {"provider": provider, **CREDENTIALS})
    add_to_toy(world, 1)
    world.add(2)

    deposit(world, platforms)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "secret_malformed")
    assert "provider must be iopole or superpdp or afnor or toy" in world.submission(1).last_error_message
    assert world.submission(2).state == "submitted"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"provider": "superpdp", "flow_url": "https://pdp.example"}, "is one of superpdp and has keys of afnor: flow_url"),
        ({"provider": "superpdp", "customer_id": "7"}, "is one of superpdp and has keys of iopole: customer_id"),
        ({"token_url": "https://pdp.example/t", "flow_url": "https://pdp.example"}, "has keys of afnor: flow_url, token_url"),
        ({"provider": "afnor", "base_url": "https://pdp.example"}, "has keys of iopole or superpdp"),
        ({"customerid": "7"}, "has keys that iopole does not know: customerid (customer_id?)"),
        ({"provider": "afnor", "flow_url": "https://pdp.example", "token_url": "https://pdp.example/t", "organisation_id": "7"},
         "has keys that afnor does not know: organisation_id (organization_id?)"),
        ({"provider": "toy", "environment": "test"}, "has keys that toy does not know: environment"),
    ],
)  # fmt: skip
def test_a_secret_with_keys_that_are_not_its_kinds_is_sent_to_nobody(
    world: World, platforms: AccountPlatforms, secret: dict[str, str], said: str
) -> None:
    world.put_secret("toy", {**CREDENTIALS, **secret})
    add_to_toy(world, 1)

    deposit(world, platforms)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "secret_malformed")
    assert said in world.submission(1).last_error_message
    assert world.simulator.calls() == []


def test_another_kind_without_an_address_of_its_own_is_not_led_to_the_settings(
    world: World, platforms: AccountPlatforms
) -> None:
    world.put_secret("toy", {"provider": "toy", **CREDENTIALS})

    with pytest.raises(AccountRefusedError, match="names toy and no base_url"):
        platforms.of("toy")
    assert world.simulator.calls() == []


def test_an_account_whose_secret_names_another_kind_since_is_another_client(
    world: World, proxy: AlteringProxy, platforms: AccountPlatforms
) -> None:
    add_to_toy(world, 1)
    deposit(world, platforms)
    put_toy(world, proxy.url, provider="iopole")
    fresh = built(world)

    with pytest.raises(EnvironmentMismatchError, match="pinned to another platform"):
        fresh.of("toy")


def test_a_reconciliation_says_that_a_platform_without_a_search_cannot_be_compared(
    world: World, platforms: AccountPlatforms
) -> None:
    add_to_toy(world, 1)
    deposit(world, platforms)
    services = operate_services()
    books = services.reconciling().database
    services = replace(services, reconciling=lambda: Reconciling(books, lambda: platforms))

    rows = reconcile(services, day="2026-09-02", account="toy")
    deposits = reconcile(services, day="2026-09-02", account="toy", cursor=rows.next)

    assert [(each.code, each.what) for each in deposits.differences] == [
        (Code.NOT_COMPARED, "its platform has no search")
    ]
    assert deposits.next is None
