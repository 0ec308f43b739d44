"""The platforms beside Iopole quote what they were sent wherever they can speak: in each endpoint's refusals, words, and codes."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.integration.stack.test_secrecy_quotes import CUSTOMER, REFUSALS, SECRET, found, stored
from tests.operator import Operator
from tests.platforms import secret_for

LISTENED = {"authorization", "organization-id"}
ENDPOINTS = {
    "superpdp": ("token", "company", "deposit", "invoices", "events", "download", "directory"),
    "afnor": ("token", "deposit", "search", "flow", "directory"),
}
# Texts that mean nothing to a machine. All others are quotes as well once the platform is mad.
WORDS = {
    "message", "status_text", "reason", "comment", "name", "formal_name", "errorMessage", "reasonMessage", "error_description",
}  # fmt: skip
IN_XML = re.compile(rb"(<(?:\w+:)?(?:Reason|Content|Name|ProcessCondition)>)([^<]*)(<)")
ANY_IN_XML = re.compile(rb"(>)([^<>]*\S[^<>]*)(<)")


class Parrot:
    """A platform that says at every occasion whatever it has heard of who we are. `mad`: in the place of every text."""

    def __init__(self, proxy: AlteringProxy) -> None:
        self.heard: set[str] = set()
        self.mad = False
        proxy.before, proxy.after = self.before, self.after

    def before(self, asked: Asked) -> None:
        self.heard |= {
            value.rpartition(" ")[2] for name, value in asked.headers.items() if name.lower() in LISTENED and value
        }
        if "/oauth2/" in asked.path:
            self.heard |= set(parse_qs(asked.body.decode()).get("client_secret", ()))

    def after(self, _asked: Asked, said: Said) -> Said:
        if b"CrossDomainAcknowledgement" in said.body:
            return replace(said, body=self.in_xml(said.body))
        try:
            body = said.json()
        except ValueError:
            return said
        if "access_token" in body:
            self.heard.add(body["access_token"])
            return replace(said, body=json.dumps(body | {"scope": self.quotes(), "extra": self.quotes()}).encode())
        return replace(said, body=json.dumps(self.in_json(body)).encode())

    def in_xml(self, body: bytes) -> bytes:
        quotes = escape(self.quotes()).encode()
        return (ANY_IN_XML if self.mad else IN_XML).sub(lambda each: each[1] + each[2] + b" " + quotes + each[3], body)

    def in_json(self, value: Any, name: str = "") -> Any:
        if isinstance(value, list):
            return [self.in_json(each, name) for each in value]
        if isinstance(value, dict):
            shown = {key: self.in_json(each, key) for key, each in value.items()}
            return shown | {"extra": self.quotes(), self.quotes(): "as a key"}
        return f"{value} {self.quotes()}" if isinstance(value, str) and (self.mad or name in WORDS) else value

    def quotes(self) -> str:
        spelt = [
            *sorted(self.heard),
            SECRET,
            quote(SECRET, safe=""),
            basic_of(SECRET),
            *(each[4:26] for each in self.heard),
        ]
        return " | ".join([*spelt, f"Authorization: Bearer {max(self.heard, key=len, default='')}"])


def basic_of(secret: str) -> str:
    return base64.b64encode(f"demo@facteur.example:{secret}".encode()).decode()


@dataclass
class At:
    """A world whose only account deposits at one kind of platform, by way of a parrot."""

    world: World
    kind: str
    pdp: Simulator
    parrot: Parrot

    def work(self, rounds: int, seconds: float) -> None:
        for _ in range(rounds):
            self.world.deposit()
            self.world.poll()
            self.world.advance(seconds)
            self.pdp.advance(seconds)


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(running_simulator(platform=kind)) for kind in ENDPOINTS}


@pytest.fixture
def settings() -> dict[str, str]:
    return {"LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "DEBUG"}


@pytest.fixture(params=list(ENDPOINTS))
def at(world: World, others: dict[str, Simulator], request: pytest.FixtureRequest) -> Iterator[At]:
    kind, pdp = request.param, others[request.param]
    pdp.reset()
    pdp.add_account(pdp.client_id, SECRET, CUSTOMER)
    with altering(pdp.base_url) as proxy:
        parrot = Parrot(proxy)
        named = secret_for(kind, replace(pdp, base_url=proxy.url, auth_url=proxy.url, client_secret=SECRET))
        more = {"organization_id": CUSTOMER, "client_auth": "basic"} if kind == "afnor" else {}
        world.put_secret("default", named | more)
        yield At(world, kind, pdp, parrot)


@dataclass
class Heard:
    """All that was stored, logged and printed."""

    at: At
    operator: Operator
    caplog: pytest.LogCaptureFixture
    capfd: pytest.CaptureFixture[str]

    def text(self) -> str:
        world = self.at.world
        commands = ["status", "list", "doctor", "accounts", "preview", "dead-letters"]
        said = [self.operator.run(each) for each in commands]
        said += [self.operator.run("show", f"id:{key}") for key in world.ids.values()]
        day = world.database.row("select (facteur.now() at time zone 'UTC')::date::text as it").it
        said += [self.operator.run("reconcile", day)]
        printed = [each.out + each.err for each in said]
        logged = [str(vars(record)) for record in self.caplog.records]
        return "\n".join([stored(world), *logged, *self.capfd.readouterr(), *printed])


def assert_quoted_nowhere(at: At, text: str) -> None:
    assert "[hidden]" in text
    secrets = {*at.parrot.heard, SECRET, quote(SECRET, safe=""), basic_of(SECRET)}
    assert len(secrets) >= 4
    assert found(secrets, text) == {}


@pytest.fixture
def heard(
    at: At, operator: Operator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Heard]:
    with caplog.at_level(logging.DEBUG):
        yield Heard(at, operator, caplog, capfd)


def test_what_is_quoted_in_words_is_stored_logged_and_shown_nowhere(at: At, heard: Heard) -> None:
    at.pdp.configure(quotes=["statuses", "search"])
    for rank in range(1, 6):
        at.world.add(rank)
    at.pdp.script(sample_invoice(3).number, ["lost_answer"])
    at.pdp.script(sample_invoice(4).number, ["answer:400:quote"])
    at.pdp.script(sample_invoice(5).number, ["503"])

    at.work(8, 300)

    assert [at.world.submission(rank).state for rank in (1, 3, 4)] == ["submitted", "submitted", "rejected"]
    assert_quoted_nowhere(at, heard.text())


@pytest.mark.parametrize("status", REFUSALS)
def test_what_is_quoted_in_a_refusal_of_any_endpoint_is_quoted_nowhere(at: At, heard: Heard, status: int) -> None:
    if at.kind == "superpdp":
        at.pdp.configure(external_id_shown="absent")  # a look-up has to compare copies
    at.world.witness()

    for rank, endpoint in enumerate(ENDPOINTS[at.kind]):
        at.world.add(rank)
        at.pdp.script(sample_invoice(rank).number, ["lost_answer"])
        at.pdp.outage(1000, f"answer:{status}:quote", [endpoint])
        at.pdp.revoke_tokens()
        at.work(3, 310)
        heard.operator.run("doctor")
        at.pdp.clear_faults()

    refused = {each["endpoint"] for each in at.pdp.calls() if each["status"] == status}
    assert refused >= set(ENDPOINTS[at.kind])
    assert_quoted_nowhere(at, heard.text())


def test_what_is_quoted_in_the_place_of_every_code_and_id_is_quoted_nowhere(at: At, heard: Heard) -> None:
    for rank in (1, 2):
        at.world.add(rank)
    at.work(2, 300)
    at.pdp.configure(quotes=["codes"])
    at.parrot.mad = True
    at.world.new_container()
    for rank in (3, 4):
        at.world.add(rank)

    at.work(8, 300)

    assert_quoted_nowhere(at, heard.text())
