"""A platform that quotes what it was sent, wherever it can speak, is not quoted by us: in no table, log line or command."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator
from local.world.levers import World, platform_secret
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.operator import Operator

SECRET = "s3cr3t/of+the&account-Zq81"
CUSTOMER = "0198c0de-5ec2-7000-8000-00000c0ffee1"
PIECE = 16
REFUSALS = (400, 403, 404, 409, 422, 429, 503)


class Gossip:
    """A platform that has heard these, and says them at every occasion."""

    def __init__(self, proxy: AlteringProxy) -> None:
        self.heard: set[str] = set()
        self.answers = iter(REFUSALS)
        proxy.before, proxy.after = self.before, self.after

    def before(self, asked: Asked) -> Said | None:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        self.heard |= {headers.get("authorization", "").rpartition(" ")[2], headers.get("customer-id", "")} - {""}
        if not asked.is_deposit or (status := next(self.answers, None)) is None:
            return None
        body = {"statusMessage": f"No: {self.quotes()}", "code": f"NO {self.quotes()}", "headers": dict(asked.headers)}
        return Said(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def after(self, _asked: Asked, said: Said) -> Said:
        try:
            body = said.json()
        except ValueError:
            return said
        return Said(said.status, said.headers, json.dumps(self.gossiping(body)).encode())

    def gossiping(self, value: Any) -> Any:
        """The same with a quote in every text that means nothing to a machine."""
        if isinstance(value, list):
            return [self.gossiping(each) for each in value]
        if not isinstance(value, dict):
            return value
        words = {"message", "reason", "statusMessage", "networkReason", "content", "label", "destType"}
        result = {
            k: f"{v} {self.quotes()}" if k in words and isinstance(v, str) else self.gossiping(v)
            for k, v in value.items()
        }
        return result | {"extra": self.quotes(), "message": f"{result.get('message', 'so')} {self.quotes()}"}

    def quotes(self) -> str:
        basic = base64.b64encode(f"demo@facteur.example:{SECRET}".encode()).decode()
        spelt = [
            *self.heard,
            SECRET,
            quote(SECRET, safe=""),
            CUSTOMER.upper(),
            basic,
            *(each[4:26] for each in self.heard),
        ]
        return " | ".join([*spelt, f"Authorization: Bearer {max(self.heard, key=len, default='')}"])


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as before:
        yield before


@pytest.fixture
def settings(proxy: AlteringProxy) -> dict[str, str]:
    return {
        "IOPOLE_BASE_URL": proxy.url,
        "IOPOLE_AUTH_URL": proxy.url,
        "LOG_LEVEL": "DEBUG",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


def stored(world: World) -> str:
    """Every row of every table of ours and of the company."""
    tables = world.database.rows(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('facteur', 'invoicing')"
    )
    return "\n".join(
        str(row.text) for each in tables for row in world.database.rows(f"select t::text as text from {each.name} t")
    )


def found(secrets: Iterable[str], text: str) -> dict[str, list[str]]:
    """The pieces of each that a text shows, in any case; of those that it does not show nothing."""
    low = text.lower()
    shown = {low[i : i + PIECE] for i in range(len(low) - PIECE + 1)}
    pieces = {each: [each.lower()[i : i + PIECE] for i in range(len(each) - PIECE + 1)] for each in secrets}
    return {each: quoted for each, of in pieces.items() if (quoted := [piece for piece in of if piece in shown])}


def configured(world: World) -> None:
    world.simulator.configure(customer_id=CUSTOMER, client_secret=SECRET)
    world.put_secret("default", platform_secret(world.simulator) | {"client_secret": SECRET, "customer_id": CUSTOMER})


def test_a_platform_that_quotes_everything_is_quoted_nowhere(
    world: World,
    proxy: AlteringProxy,
    operator: Operator,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    configured(world)
    gossip = Gossip(proxy)
    for rank in range(len(REFUSALS) + 2):
        world.add(rank)
    world.simulator.script(sample_invoice(len(REFUSALS)).number, ["lost_answer"])

    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            world.deposit()
            world.poll()
            world.advance(400)
    commands = [operator.run("status").out, operator.run("list").out]
    commands += [operator.run("show", f"id:{key}").out for key in world.ids.values()]
    text = "\n".join([stored(world), caplog.text, *capfd.readouterr(), *commands])

    assert len(gossip.heard) >= 2
    assert "[hidden]" in text
    basic = base64.b64encode(f"demo@facteur.example:{SECRET}".encode()).decode()
    assert found((*gossip.heard, SECRET, quote(SECRET, safe=""), CUSTOMER, basic), text) == {}
