"""No token, in each way that a token endpoint can say so, on the platforms beside Iopole: nothing is sent, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.operator import Operator
from tests.platforms import secret_for
from tests.raw_server import closed_port
from tests.two_accounts import SHOW_ACCOUNTS

REFUSED = ("token_refused", "account_refused", "check its secret and the platform's address")
DOWN = ("platform_down", "It is tried again by itself")
# The way -> the fault of the endpoint, what is stored of it, the reason that is shown, the next step, and what else is said.
WAYS = {
    "invalid_client": ('answer:400:{"error": "invalid_client"}', *REFUSED, "HTTP 400: ", "The platform says: invalid_client."),
    "unauthorised": ('answer:401:{"error": "unauthorized_client"}', *REFUSED, "HTTP 401: ", "unauthorized_client"),
    "invalid_scope": ('answer:400:{"error": "invalid_scope"}', *REFUSED, "HTTP 400: ", "The platform says: invalid_scope."),
    "a page": ("403_html", *REFUSED, "HTTP 403: "),
    "no token": ('answer:200:{"token_type": "bearer", "expires_in": 1799}', *REFUSED, "HTTP 200: "),
    "a login page": ("answer:200:html", *REFUSED, "HTTP 200: "),
    "an outage": ("503", "token_unavailable", *DOWN, "HTTP 503: "),
    "no answer": ("reset", "connection_reset", *DOWN),
}  # fmt: skip


@dataclass
class At:
    """A world whose account `pdp` deposits at one kind of platform, beside `default` at Iopole."""

    world: World
    kind: str
    pdp: Simulator

    def put(self, **more: Any) -> None:
        self.world.put_secret("pdp", secret_for(self.kind, self.pdp) | more)

    def add(self, rank: int) -> None:
        self.world.add(rank)
        self.world.update(rank, account="pdp")

    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.pdp.advance(seconds)

    def work(self) -> None:
        """A minute: deposits, and the statuses of what was deposited."""
        self.world.deposit()
        self.world.poll()
        self.advance(60)

    def sent(self) -> int:
        """How many deposits were tried."""
        return self.pdp.call_counts().get("deposit", {"count": 0})["count"]


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(running_simulator(platform=kind)) for kind in ("superpdp", "afnor")}


@pytest.fixture(params=["superpdp", "afnor"])
def at(world: World, others: dict[str, Simulator], request: pytest.FixtureRequest) -> At:
    pdp = others[request.param]
    pdp.reset()
    world.database.rows(SHOW_ACCOUNTS)
    found = At(world, request.param, pdp)
    found.put()
    return found


@pytest.fixture
def token(at: At) -> Iterator[AlteringProxy]:
    """What lies before the token endpoint of the norm, which has an address of its own."""
    with altering(at.pdp.auth_url) as proxy:
        at.put(token_url=f"{proxy.url}/oauth2/token")
        yield proxy


def assert_waits(at: At, rank: int, code: str, *words: str) -> None:
    """Nothing was sent, refused or doubted, and who looks finds the account and the next step."""
    world, row = at.world, at.world.submission(rank)
    assert (world.row(rank).technical_status, row.state, row.last_error_code) == ("pending", "pending", code)
    for each in (f"secret {world.prefix}/pdp", *words):
        assert each in row.last_error_message
    assert row.waited.total_seconds() == 0
    assert world.attempts(rank) == []


def assert_deposited_once(at: At, *ranks: int) -> None:
    shown = {each["number"]: each["id"] for each in at.pdp.ledger()}
    assert shown == {sample_invoice(rank).number: at.world.submission(rank).platform_id for rank in ranks}
    assert len(at.pdp.ledger()) == at.sent() == len(ranks)
    assert {at.world.row(rank).technical_status for rank in ranks} == {"validated"}


@pytest.mark.parametrize("way", WAYS)
def test_an_account_without_a_token_waits_and_says_why(at: At, way: str, operator: Operator) -> None:
    fault, code, reason, *words = WAYS[way]
    at.add(1)
    at.world.add(2)
    at.pdp.outage(100_000, fault, ["token"])

    for _ in range(6):
        at.work()
        assert_waits(at, 1, code, *words)
    waiting = {(each["reason"], each["account"]) for each in operator.ask("status")["waiting"]}
    assert (reason, "pdp") in waiting
    assert at.world.submission(2).state == "submitted"
    assert at.sent() == 0

    at.pdp.clear_faults()
    for _ in range(8):
        at.work()
    assert_deposited_once(at, 1)


@pytest.mark.parametrize("way", ["invalid_client", "an outage"])
def test_a_token_that_ends_and_is_not_renewed_leaves_no_doubt(at: At, way: str) -> None:
    """The platform refuses it in its own words, and the document was sent in vain."""
    fault, code, _, *words = WAYS[way]
    at.add(1)
    at.world.deposit()
    at.pdp.revoke_tokens()
    at.pdp.outage(100_000, fault, ["token"])
    at.add(2)

    at.work()
    row, (attempt,) = at.world.submission(2), at.world.attempts(2)
    assert (row.state, row.last_error_code, attempt.outcome) == ("pending", code, "not_deposited")
    assert all(each in row.last_error_message for each in words)
    at.pdp.clear_faults()
    for _ in range(8):
        at.work()

    assert [each.outcome for each in at.world.attempts(2)] == ["not_deposited", "accepted"]
    assert [each["number"] for each in at.pdp.ledger()] == [sample_invoice(rank).number for rank in (1, 2)]


# --- the norm: how ids are given, and where the token is asked for -----------------------------------------------------


def basic_alone(asked: Asked) -> bool:
    return "authorization" not in map(str.lower, asked.headers)


def body_alone(asked: Asked) -> bool:
    return b"client_secret=" not in asked.body


@pytest.mark.parametrize(("right", "wrong", "lacks"), [("basic", "body", basic_alone), ("body", "basic", body_alone)])
@pytest.mark.parametrize("at", ["afnor"], indirect=True)
def test_ids_that_are_given_in_the_wrong_way_are_corrected_in_the_secret(
    at: At, token: AlteringProxy, right: str, wrong: str, lacks: Callable[[Asked], bool]
) -> None:
    refused = Said(401, {"Content-Type": "application/json"}, json.dumps({"error": "invalid_client"}).encode())
    token.before = lambda asked: refused if lacks(asked) else None
    at.put(token_url=f"{token.url}/oauth2/token", client_auth=wrong)
    at.add(1)

    for _ in range(6):
        at.work()
        assert_waits(at, 1, REFUSED[0], REFUSED[2], "HTTP 401: ", "invalid_client")
    at.put(token_url=f"{token.url}/oauth2/token", client_auth=right)
    for _ in range(8):
        at.work()

    assert_deposited_once(at, 1)


@pytest.mark.parametrize("at", ["afnor"], indirect=True)
def test_a_token_of_another_host_is_sent_to_the_platform_and_its_ids_are_not(at: At, token: AlteringProxy) -> None:
    with altering(at.pdp.base_url) as flows:
        at.put(token_url=f"{token.url}/oauth2/token", flow_url=f"{flows.url}/flow-service/v1", directory_url="")
        at.add(1)
        at.work()

        assert_deposited_once(at, 1)
        assert {each.path for each in token.requests} == {"/oauth2/token"}
        assert not [each for each in flows.requests if "oauth2" in each.path or b"client_secret" in each.body]
        assert all(each.headers["Authorization"].startswith("Bearer ") for each in flows.requests)


@pytest.mark.parametrize("at", ["afnor"], indirect=True)
def test_a_token_url_where_nobody_listens_is_corrected_in_the_secret(at: At) -> None:
    """Though the account's other address answers."""
    at.put(token_url=f"http://127.0.0.1:{closed_port()}/oauth2/token")
    at.add(1)

    for _ in range(6):
        at.work()
        assert_waits(at, 1, "platform_unreachable", DOWN[1])
    at.put()
    at.world.new_container()  # as after five minutes: silence is no reason to read a secret anew
    for _ in range(8):
        at.work()

    assert_deposited_once(at, 1)


@pytest.mark.parametrize("at", ["afnor"], indirect=True)
def test_a_token_url_of_a_host_that_is_none_is_corrected_in_the_secret(at: At, token: AlteringProxy) -> None:
    """Somebody else's page, and nobody's deposit is pinned to it."""
    token.before = lambda _asked: Said(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
    at.add(1)

    at.work()
    assert_waits(at, 1, "token_refused", REFUSED[2], "HTTP 200: ")
    at.put()
    at.world.new_container()
    for _ in range(8):
        at.work()

    assert_deposited_once(at, 1)
