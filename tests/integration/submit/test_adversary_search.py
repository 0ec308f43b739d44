"""What an adversary found about searches that show a deposit, and yet not which one or not all of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest

from facteur.errors import PlatformBusyError
from facteur.platforms.credentials import Credentials
from facteur.platforms.http import HttpClient
from facteur.platforms.iopole.client import TOKEN_PATH, Iopole
from facteur.platforms.oauth import BearerToken
from local.invoices import sample_invoice
from local.simulator.core.control import Simulator
from local.world.levers import NOW, World
from tests.raw_server import RawServer, http_answer, raw_servers

NUMBER = "F-1"
LONG_ENOUGH = 14  # rounds of 160 seconds: a doubt is settled after 600
CAP = 100  # an old page of the platform's guide has it as the highest limit
Searching = Callable[[list[dict[str, object]], int], Iopole]


def entry(number: str, platform_id: str | None) -> dict[str, object]:
    return {"metadata": {"invoiceId": platform_id, "direction": "OUTBOUND"}, "businessData": {"invoiceId": number}}


@pytest.fixture
def searching(simulator: Simulator) -> Iterator[Searching]:
    """A platform that shows these deposits for every search, so many at once."""
    with ExitStack() as stack:
        start = stack.enter_context(raw_servers())

        def client(url: str) -> HttpClient:
            opened = HttpClient(url, connect_timeout_seconds=2, read_timeout_seconds=2, connections=1)
            stack.callback(opened.drop_idle_connections)
            return opened

        def platform(entries: list[dict[str, object]], cap: int) -> Iopole:
            def behave(server: RawServer, connection: socket.socket) -> None:
                while server.read_request(connection):
                    path = server.received[-1].split(b" ")[1].decode()
                    offset = int(parse_qs(urlsplit(path).query)["offset"][0])
                    meta = {"offset": offset, "limit": cap, "count": len(entries)}
                    connection.sendall(http_answer(200, {"data": entries[offset : offset + cap], "meta": meta}))

            known = Credentials(
                simulator.client_id, simulator.client_secret, headers={"customer-id": simulator.customer_id}
            )
            token = BearerToken(client(simulator.auth_url), TOKEN_PATH, lambda _: known, "secret test")
            return Iopole(client(start(behave).url), token, sandbox=True)

        yield platform


def test_a_deposit_that_is_shown_without_its_id_makes_no_empty_search(searching: Searching) -> None:
    with pytest.raises(PlatformBusyError, match="without its id"):
        searching([entry(NUMBER, None)], CAP).find(NUMBER)


def test_another_numbers_deposit_without_its_id_hinders_no_search(searching: Searching) -> None:
    assert searching([entry("F-10", None)], CAP).find(NUMBER) == []


def test_a_page_that_the_platform_makes_shorter_than_asked_for_is_not_the_last(searching: Searching) -> None:
    others = [entry(f"{NUMBER}{place}", f"P-{place}") for place in range(CAP)]

    (found,) = searching([*others, entry(NUMBER, "P-OURS")], CAP).find(NUMBER)

    assert found.platform_id == "P-OURS"


def test_a_clock_far_behind_and_no_copy_shown_make_no_second_deposit(world: World) -> None:
    world.shift = 360
    world.database.rows(NOW.format(world.shift))
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.simulator.outage(1e9, "404", ["files", "download"])
    world.add(1)

    for _ in range(LONG_ENOUGH):
        world.deposit()
        world.advance(160)

    (deposit,) = world.deposits(1)  # number, seller, amount and currency agree: its date says nothing
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", deposit["id"])
