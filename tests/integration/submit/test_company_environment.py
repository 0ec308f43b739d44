"""A platform of the norm with one host for sandbox and production: its company says which, before anything is deposited."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from facteur.aws.secrets_manager import Secrets
from facteur.observability import PowertoolsJournal
from facteur.platforms.accounts import AccountPlatforms
from facteur.platforms.credentials import Credentials
from facteur.platforms.registry import PROVIDERS
from facteur.settings import Settings
from facteur.submit_invoices.run import submit_invoices
from facteur.submit_invoices.wiring import submit_services
from local.simulator.core.control import Simulator, running_simulator
from local.world.accounts import account_secret
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.two_accounts import SHOW_ACCOUNTS

COMPANY = "/v1.beta/companies/me"


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


@pytest.fixture
def pdp(world: World, started: Simulator) -> Simulator:
    started.reset()
    world.database.rows(SHOW_ACCOUNTS)
    return started


@pytest.fixture
def proxy(pdp: Simulator) -> Iterator[AlteringProxy]:
    with altering(pdp.base_url) as found:
        yield found


def company_says(proxy: AlteringProxy, *answers: Said) -> None:
    """One after the other, the last for good."""
    said = list(answers)

    def before(asked: Asked) -> Said | None:
        if asked.path != COMPANY:
            return None
        return said.pop(0) if len(said) > 1 else said[0]

    proxy.before = before


def company(env: object, status: int = 200) -> Said:
    return Said(status, {"Content-Type": "application/json"}, json.dumps({"name": "Lavoie", "env": env}).encode())


def platforms(world: World, url: str) -> AccountPlatforms:
    """As for a host that serves both: this one is the proxy's."""
    afnor = PROVIDERS["afnor"]

    def read_secret(secret: Mapping[str, Any], secret_id: str) -> Credentials:
        found = afnor.read_secret(secret, secret_id)
        return replace(found, company_url=None if found.sandbox is None else f"{url}{COMPANY}")

    secrets = Secrets(lambda: world.aws.session.client("secretsmanager", endpoint_url=world.aws.endpoint_url))
    providers = {**PROVIDERS, "afnor": replace(afnor, read_secret=read_secret)}
    return AccountPlatforms(Settings.from_environ(os.environ).for_platforms(), secrets, world.database, providers)


def deposit(world: World, found: AccountPlatforms) -> None:
    world.relay()
    ids = [json.loads(message["body"])["submission_id"] for message in world.messages()]
    found.begin_invocation(float("inf"))
    submit_invoices(ids, replace(submit_services(PowertoolsJournal("test")), platforms=found))


def put(world: World, pdp: Simulator, sandbox: bool | None) -> None:
    world.put_secret("pdp", account_secret("afnor", pdp, sandbox=sandbox))
    world.add(1)
    world.update(1, account="pdp")


@pytest.mark.parametrize(
    ("sandbox", "env", "deposited"),
    [
        (True, "sandbox", True),
        (True, "Sandbox", True),
        (False, "production", True),
        (None, "production", True),
        (True, "production", False),
        (False, "sandbox", False),
        (False, None, False),
        (True, "test", False),
        (False, 7, False),
    ],
)
def test_nothing_is_deposited_before_the_company_is_where_the_secret_says(
    world: World, pdp: Simulator, proxy: AlteringProxy, sandbox: bool | None, env: object, deposited: bool
) -> None:
    company_says(proxy, company(env))
    put(world, pdp, sandbox)

    deposit(world, platforms(world, proxy.url))

    assert len(pdp.ledger()) == deposited
    row = world.submission(1)
    assert (row.state, row.last_error_code) == (
        ("submitted", None) if deposited else ("pending", "environment_mismatch")
    )


@pytest.mark.parametrize("answer", [company("sandbox", 403), company("sandbox", 503), Said(200, {}, b"<html>")])
def test_a_company_that_cannot_be_asked_lets_nothing_be_deposited_until_it_can(
    world: World, pdp: Simulator, proxy: AlteringProxy, answer: Said
) -> None:
    company_says(proxy, answer, company("sandbox"))
    put(world, pdp, True)
    found = platforms(world, proxy.url)

    deposit(world, found)
    assert (world.submission(1).state, pdp.ledger()) == ("pending", [])
    for _ in range(3):
        world.advance(400)
        deposit(world, found)

    assert (world.submission(1).state, len(pdp.ledger())) == ("submitted", 1)
