"""One client id that means several customers of a platform: an organisation, or a token endpoint, decides whose deposits are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from facteur import container
from facteur.errors import AccountRefusedError, EnvironmentMismatchError
from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World, platform_secret
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.two_accounts import SHOW_ACCOUNTS

FIRST, OTHER = {"client_id": "org-a", "client_secret": "a"}, {"client_id": "org-b", "client_secret": "b"}
TOKEN, OTHERS_TOKEN = "/oauth2/token", "/b/oauth2/token"


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


@pytest.fixture
def pdp(world: World, started: Simulator) -> Simulator:
    started.reset()
    started.configure(organization_check="off", afnor_version="1.3")
    for each in (FIRST, OTHER):
        started.add_account(**each)
    world.database.rows(SHOW_ACCOUNTS)
    return started


@pytest.fixture
def tenants(pdp: Simulator) -> Iterator[AlteringProxy]:
    """A platform where one client id is two customers: by the organisation that a call names, or by the address of its token."""
    with altering(pdp.base_url) as proxy:
        tokens = {each["client_id"]: granted(pdp, each) for each in (FIRST, OTHER)}
        by_token = set[str]()

        def whose(asked: Asked) -> str:
            said = asked.headers.get("Organization-Id")
            return said or ("org-b" if asked.headers.get("Authorization") in by_token else "org-a")

        def before(asked: Asked) -> Said | None:
            if asked.path.endswith("/oauth2/token"):
                said = proxy.platform_says(replace(asked, path=TOKEN))
                if asked.path == OTHERS_TOKEN:
                    by_token.add(f"Bearer {said.json()['access_token']}")
                return said
            return proxy.platform_says(
                replace(asked, headers={**asked.headers, "Authorization": f"Bearer {tokens[whose(asked)]}"})
            )

        proxy.before = before
        yield proxy


def granted(pdp: Simulator, client: dict[str, str]) -> str:
    form = {"grant_type": "client_credentials", **client}
    return str(requests.post(f"{pdp.auth_url}{TOKEN}", data=form, timeout=30).json()["access_token"])


def put(world: World, pdp: Simulator, tenants: AlteringProxy, account: str, token: str = TOKEN, **more: Any) -> None:
    secret = {
        "provider": "afnor", "client_id": pdp.client_id, "client_secret": pdp.client_secret,
        "flow_url": f"{tenants.url}/flow-service", "token_url": f"{tenants.url}{token}",
    }  # fmt: skip
    world.put_secret(account, {**secret, **more})


def add(world: World, rank: int, account: str, **columns: Any) -> None:
    world.add(rank, **columns)
    world.update(rank, account=account)


def advance(world: World, pdp: Simulator, seconds: float) -> None:
    world.advance(seconds)
    pdp.advance(seconds)


def in_doubt(world: World, pdp: Simulator) -> None:
    """Invoice 1 was stored, its answer lost, and no search shows it yet."""
    add(world, 9, "pdp")
    world.deposit()
    pdp.script_endpoint("deposit", ["lost_answer"])
    add(world, 1, "pdp")
    world.deposit()
    assert world.submission(1).state == "in_doubt"


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another organisation": ({"organization_id": "org-a"}, {"organization_id": "org-b"}),
    "an organisation at last": ({}, {"organization_id": "org-b"}),
    "no organisation any more": ({"organization_id": "org-b"}, {}),
    "another token endpoint": ({}, {"token": OTHERS_TOKEN}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_tenant_of_a_client_is_another_client(
    world: World, pdp: Simulator, tenants: AlteringProxy, change: str
) -> None:
    """Its deposits are no witnesses that what the former one was sent is not there: it would be sent again."""
    before, after = CHANGES[change]
    put(world, pdp, tenants, "pdp", **before)
    in_doubt(world, pdp)
    put(world, pdp, tenants, "pdp", **after)
    world.new_container()
    for rank in (7, 11):
        add(world, rank, "pdp")

    with pytest.raises(EnvironmentMismatchError, match="pinned to another platform or client than its secret names"):
        world.deposit()
    world.database.rows("update facteur.accounts set pin = null")  # as a person may who did not see what changed
    for _ in range(14):
        world.deposit()
        advance(world, pdp, 600)

    assert [each["number"] for each in pdp.ledger()].count(sample_invoice(1).number) == 1
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "other_client")
    assert {world.submission(rank).state for rank in (7, 11)} == {"submitted"}


def test_a_secret_that_names_another_organization_meanwhile_is_not_followed(
    world: World, pdp: Simulator, tenants: AlteringProxy
) -> None:
    """In a container that was built for the former one, before its account is pinned: its token is the former one's."""
    put(world, pdp, tenants, "pdp", organization_id="org-a")
    platforms = container.platforms()
    platforms.of("pdp")
    put(world, pdp, tenants, "pdp", organization_id="org-b")
    platforms.named_by_secret("pdp")  # reads it anew

    with pytest.raises(AccountRefusedError, match="names another platform or client than a moment ago"):
        platforms.identity("pdp")


def test_a_client_without_a_tenant_is_known_by_its_id_alone(world: World) -> None:
    """Iopole knows an operator's id by its token."""
    salt = world.database.row("select salt::text as salt from facteur.installation").salt
    client_id = world.simulator.client_id

    world.put_secret("default", platform_secret(world.simulator) | {"customer_id": "another"})

    identity = container.platforms().identity("default")
    assert identity["client"] == hashlib.sha256(f"{salt}{client_id}".encode()).hexdigest()


def test_two_organizations_of_a_client_have_a_feed_each(world: World, pdp: Simulator, tenants: AlteringProxy) -> None:
    for account, rank in (("orga", 2), ("orgb", 4)):
        put(world, pdp, tenants, account, organization_id=f"org-{account[-1]}")
        document = sample_invoice(rank)
        refused = replace(document.buyer, siren=f"213{document.buyer.siren[3:]}")
        add(world, rank, account, content=render(replace(document, buyer=refused), "cii"))
    world.deposit()

    for _ in range(6):
        advance(world, pdp, 300)
        world.poll()

    assert {(each["account"], each["id"]) for each in pdp.ledger()} == {
        (f"org-{account[-1]}", world.submission(rank).platform_id) for account, rank in (("orga", 2), ("orgb", 4))
    }
    assert {world.submission(rank).lifecycle_code for rank in (2, 4)} == {"213"}
    assert len(world.database.rows("select from facteur.feeds")) == 2


def test_two_accounts_of_one_organization_share_a_feed(world: World, pdp: Simulator, tenants: AlteringProxy) -> None:
    for account, rank in (("orga", 2), ("again", 4)):
        put(world, pdp, tenants, account, organization_id="org-a")
        add(world, rank, account)
    world.deposit()

    for _ in range(6):
        advance(world, pdp, 300)
        world.poll()

    assert None not in {world.submission(rank).lifecycle_code for rank in (2, 4)}
    assert len(world.database.rows("select from facteur.feeds")) == 1
