"""The commands that concern a platform, with an account on each kind of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.operator import Operator
from tests.platforms import secret_for

SIGNED = ("--why", "restored to Monday", "--who", "jane@desk", "--yes")
FORGET = """
truncate facteur.attempts, facteur.status_events, facteur.submissions;
update invoicing.invoices set technical_status = 'pending', submission_id = null
"""
LONG = b"%PDF-1.7\n" + b"0" * 51_000_000


@dataclass
class At:
    """A world whose only account deposits at one kind of platform."""

    world: World
    kind: str
    pdp: Simulator


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(running_simulator(platform=kind)) for kind in ("superpdp", "afnor")}


@pytest.fixture(params=["iopole", "superpdp", "afnor"])
def at(world: World, others: dict[str, Simulator], request: pytest.FixtureRequest) -> At:
    pdp = {"iopole": world.simulator, **others}[request.param]
    pdp.reset()
    world.put_secret("default", secret_for(request.param, pdp))
    return At(world, request.param, pdp)


def checks(operator: Operator) -> dict[str, Any]:
    return {each["check"]: each for each in operator.ask("doctor")["findings"]}


def test_a_deposit_that_a_restore_forgot_is_adopted_and_not_another_ones(at: At, operator: Operator) -> None:
    for rank in (1, 2):
        at.world.add(rank)
    at.world.deposit()
    kept = {each["number"]: each["id"] for each in at.pdp.ledger()}
    at.world.database.rows(FORGET)
    at.world.relay()
    mine, anothers = kept[sample_invoice(1).number], kept[sample_invoice(2).number]

    refused = operator.run("adopt", f"id:{at.world.ids[1]}", anothers, *SIGNED)
    adopted = operator.run("adopt", f"id:{at.world.ids[1]}", mine, *SIGNED)

    assert (refused.code, adopted.code) == (2, 0), adopted.err
    assert at.world.submission(1).platform_id == mine
    assert len(at.pdp.ledger()) == 2


def test_a_preview_judges_a_documents_length_by_the_accounts_platform(at: At, operator: Operator) -> None:
    at.world.add(1, content=LONG)
    at.world.add(2)
    at.world.relay()

    shown = operator.ask("preview", "--documents")["invoices"]

    problems = {each["invoice_id"]: each["problem"] for each in shown}
    too_long = problems[str(at.world.ids[1])]
    assert (too_long is None) is (at.kind == "afnor"), too_long
    assert problems[str(at.world.ids[2])] is None
    assert at.pdp.ledger() == []


def test_accounts_name_the_kind_and_its_address(at: At, operator: Operator) -> None:
    at.world.add(1)
    at.world.deposit()

    (account,) = operator.ask("accounts")["accounts"]

    assert account["pin"]["provider"] == at.kind
    assert account["pin"]["base_url"].startswith(at.pdp.base_url)


def test_doctor_looks_at_secret_token_access_and_sellers(at: At, operator: Operator) -> None:
    at.world.add(1)
    at.world.deposit()

    found = checks(operator)

    assert {name: found[name]["outcome"] for name in ("secret", "environment", "token", "access")} == dict.fromkeys(
        ("secret", "environment", "token", "access"), "ok"
    )


def test_doctor_says_which_address_is_wrong(at: At, operator: Operator) -> None:
    """Only one that such a secret may name."""
    keys = {"iopole": ("base_url", "auth_url"), "superpdp": ("base_url",), "afnor": ("flow_url", "token_url")}[at.kind]
    at.world.put_secret("default", secret_for(at.kind, at.pdp) | dict.fromkeys(keys, "ftp://platform.example"))

    secret = checks(operator)["secret"]

    assert f"missing or wrong {', '.join(keys)}. " in f"{secret['what']} "


def test_doctor_says_which_address_to_check_where_nobody_answers(at: At, operator: Operator) -> None:
    keys = {"iopole": ("base_url", "auth_url"), "superpdp": ("base_url",), "afnor": ("flow_url", "token_url")}[at.kind]
    at.world.put_secret("default", secret_for(at.kind, at.pdp) | dict.fromkeys(keys, "http://127.0.0.1:9"))

    token = checks(operator)["token"]

    named = {
        "iopole": "IOPOLE_BASE_URL and IOPOLE_AUTH_URL",
        "superpdp": "base_url in the secret",
        "afnor": "flow_url and token_url",
    }
    assert (token["outcome"], named[at.kind] in token["help"]) == ("failed", True), token


@pytest.mark.parametrize("at", ["superpdp"], indirect=True)
def test_doctor_shows_an_environment_that_the_platform_contradicts(at: At, operator: Operator) -> None:
    at.pdp.configure(sandbox=False)
    at.world.put_secret("default", secret_for(at.kind, at.pdp) | {"sandbox": True})

    found = checks(operator)

    assert found["environment"]["outcome"] == "failed"
    assert "says sandbox true, and the company is in production" in found["environment"]["what"]
    assert "correct the secret's sandbox" in found["environment"]["help"]
    assert found["token"]["outcome"] == "skipped"


@pytest.mark.parametrize("at", ["superpdp"], indirect=True)
def test_doctor_does_not_blame_the_credentials_of_a_company_that_is_not_verified(at: At, operator: Operator) -> None:
    at.pdp.configure(company_verification="needs_review")

    found = checks(operator)

    assert (found["environment"]["outcome"], found["token"]["outcome"]) == ("ok", "failed")
    assert "company not verified" in found["token"]["what"]
    assert "client_secret" not in found["token"]["help"]
    assert "ask it" in found["token"]["help"]


def test_doctor_blames_credentials_that_are_refused(at: At, operator: Operator) -> None:
    at.world.put_secret("default", secret_for(at.kind, at.pdp) | {"client_secret": "wrong"})

    assert "correct client_id and client_secret" in checks(operator)["token"]["help"]


@pytest.mark.parametrize("at", ["afnor"], indirect=True)
def test_doctor_does_not_blame_a_secret_for_what_the_platform_does_not_take(at: At, operator: Operator) -> None:
    at.pdp.script_endpoint("deposit", ["answer:501:json"])
    at.world.add(1)
    at.world.deposit()

    pause = checks(operator)["pause"]

    assert "not_implemented" in pause["what"]
    assert "the secret is right" in pause["help"]


def test_doctor_says_which_keys_a_secret_may_have(at: At, operator: Operator) -> None:
    at.world.put_secret("default", {"provider": at.kind, "client_id": "x"})

    secret = checks(operator)["secret"]

    assert secret["outcome"] == "failed"
    assert "missing or wrong client_secret" in secret["what"]
    assert {"iopole": "customer_id", "superpdp": "base_url", "afnor": "flow_url"}[at.kind] in secret["help"]
