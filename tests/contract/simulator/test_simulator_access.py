"""Tokens, customer ids, accounts and limits."""

from __future__ import annotations

import re

import pytest
import requests

from local.simulator.core.control import Simulator
from tests.contract.simulator.client import TOKEN_PATH, Client, ask_token, client_of

OTHER = {
    "client_id": "autre+client@facteur.example",
    "client_secret": "s3cret & co",
    "customer_id": "0198c0de-0000-7000-8000-000000000002",
}


def test_a_token_lives_as_long_as_iopoles(simulator: Simulator) -> None:
    answer = ask_token(simulator, simulator.client_id, simulator.client_secret)

    assert answer.status_code == 200
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (1740, "Bearer")
    assert len(answer.json()["access_token"]) > 1000


def test_a_wrong_secret_is_refused_in_keycloaks_words(simulator: Simulator) -> None:
    answer = ask_token(simulator, simulator.client_id, "wrong")

    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client", "error_description": "Invalid client credentials"}


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [({}, 400, "invalid_request"), ({"grant_type": "password"}, 400, "unsupported_grant_type")],
)
def test_another_grant_is_refused(simulator: Simulator, form: dict[str, str], status: int, error: str) -> None:
    answer = requests.post(simulator.auth_url + TOKEN_PATH, data={**form, "client_id": "x"}, timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_the_token_endpoint_reads_forms_only(simulator: Simulator) -> None:
    answer = requests.post(simulator.auth_url + TOKEN_PATH, json={"grant_type": "client_credentials"}, timeout=10)

    assert answer.status_code == 415


def test_basic_authentication_works_as_well(simulator: Simulator) -> None:
    answer = requests.post(
        simulator.auth_url + TOKEN_PATH,
        data={"grant_type": "client_credentials"},
        auth=(simulator.client_id, simulator.client_secret),
        timeout=10,
    )

    assert answer.status_code == 200


def test_a_request_without_token_is_unauthorised(client: Client) -> None:
    del client.headers["Authorization"]

    assert client.get("/v1/invoice/x").status_code == 401


def test_a_token_expires(client: Client) -> None:
    client.simulator.advance(1741)

    assert client.get("/v1/invoice/x").status_code == 401


def test_revoked_tokens_are_refused_and_new_ones_work(client: Client) -> None:
    client.simulator.revoke_tokens()

    assert client.deposit().status_code == 401
    assert client_of(client.simulator).deposit().status_code == 201
    assert len(client.simulator.ledger()) == 1


def test_a_switch_of_the_account_leaves_its_rotated_secret_alone(client: Client) -> None:
    simulator = client.simulator
    simulator.rotate_secret("new")

    simulator.configure(mode="PUSH")

    assert ask_token(simulator, simulator.client_id, "new").status_code == 200
    assert len(client.get("/v1/config/webhook").json()) == 1


def test_a_rotated_secret_leaves_tokens_alone(client: Client) -> None:
    simulator = client.simulator

    simulator.rotate_secret("new")

    assert ask_token(simulator, simulator.client_id, simulator.client_secret).status_code == 401
    simulator.configure(speed=2)
    assert ask_token(simulator, simulator.client_id, "new").status_code == 200
    assert client.deposit().status_code == 201


@pytest.mark.parametrize(
    ("check", "header", "status"),
    [
        ("if_given", None, 200),
        ("if_given", "somebody-else", 403),
        ("match", None, 403),
        ("match", "somebody-else", 403),
        ("required", None, 403),
        ("required", "somebody-else", 200),
        ("off", None, 200),
    ],
)
def test_the_customer_id_is_checked_as_strictly_as_wanted(
    client: Client, check: str, header: str | None, status: int
) -> None:
    client.simulator.configure(customer_id_check=check)
    client.headers.pop("customer-id")
    if header:
        client.headers["customer-id"] = header

    assert client.get("/v1/invoice/x").status_code == status


def test_the_customer_id_is_shown_as_html_to_who_does_not_know_it(client: Client) -> None:
    del client.headers["customer-id"]

    answer = client.get("/v1/config/customer/id")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text == client.simulator.customer_id


@pytest.mark.parametrize(("mode", "active"), [("PULL", []), ("PUSH", ["ACTIVE"])])
def test_the_webhook_that_makes_an_account_push_is_shown(client: Client, mode: str, active: list[str]) -> None:
    known = {name: getattr(client.simulator, name) for name in ("client_id", "client_secret", "customer_id")}
    client.simulator.add_account(**known, mode=mode)

    webhooks = client.get("/v1/config/webhook").json()

    assert [each["status"] for each in webhooks] == active
    assert client.simulator.client_secret not in str(webhooks)


def test_accounts_do_not_see_each_other(client: Client) -> None:
    client.simulator.add_account(**OTHER)
    other = client_of(client.simulator, **OTHER)

    mine, theirs = client.deposited(), other.deposited()

    client.simulator.advance(1)
    assert client.codes(theirs) == []
    assert client.get(f"/v1/invoice/{theirs}").json() == []
    assert client.get(f"/v1/invoice/{theirs}/download").status_code == 404
    assert other.found("invoiceId:F-1") == [theirs]
    assert {each["verdict"] for each in client.simulator.ledger()} == {"accepted"}
    assert mine != theirs


@pytest.mark.parametrize(
    ("retry_after", "shape"), [("none", "none"), ("seconds", r"^\d+$"), ("date", r"^\w{3}, \d\d \w{3} \d{4} .* GMT$")]
)
def test_the_rate_limit_answers_429(client: Client, retry_after: str, shape: str) -> None:
    client.simulator.configure(rate_limit=2, retry_after=retry_after)

    answers = [client.get("/v1/invoice/x") for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert re.fullmatch(shape, answers[-1].headers.get("Retry-After", "none"))


def test_the_rate_limit_can_reset_connections_instead(client: Client) -> None:
    client.simulator.configure(rate_limit=1, rate_limit_style="reset")
    client.get("/v1/invoice/x")

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.get("/v1/invoice/x")

    client.simulator.advance(61)
    assert client.get("/v1/invoice/x").status_code == 200


def test_an_unknown_path_is_404(client: Client) -> None:
    assert client.get("/v1/api/v1/invoice").status_code == 404
