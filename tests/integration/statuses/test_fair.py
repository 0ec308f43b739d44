"""The poll is fair: no account of any kind waits until another one, which has thousands open, has nothing more to be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from functions.poll_statuses import app as poll
from local.demo.companies import ACCOUNTS, OTHERS, naming
from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.accounts import account_secret
from local.world.crowd import crowd
from local.world.levers import World

MARGIN_SECONDS, ANSWER_SECONDS = 3.0, 8.0  # what a run keeps to record in, and for the last answer
RUN_SECONDS = 3.0  # what is left of it
MOST_RUNS = 10
OPENED = {"superpdp": 3000, "afnor": 300}  # invoices that make far more to read than a run has calls


@dataclass(frozen=True, slots=True)
class Context:
    """Of a function that is stopped soon."""

    aws_request_id: str = "a-run"

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (MARGIN_SECONDS + ANSWER_SECONDS + RUN_SECONDS))


@pytest.fixture
def settings() -> dict[str, str]:
    """A bucket of ten calls, and one more each second."""
    return {
        "STATUS_SOURCE": "auto", "REQUESTS_PER_MINUTE": "60", "HISTORY_REQUESTS_PER_MINUTE": "60", "CONNECT_TIMEOUT_SECONDS": "2",
        "READ_TIMEOUT_SECONDS": "6",
    }  # fmt: skip


@pytest.fixture
def platforms(world: World) -> Iterator[dict[str, Simulator]]:
    """That of each account, all of them deposited one invoice each."""
    with ExitStack() as running:
        found = {"default": world.simulator}
        for each in OTHERS:
            switches: dict[str, Any] = {"company_number": ""} if each.kind == "superpdp" else {}
            found[each.name] = running.enter_context(running_simulator(platform=each.kind, **switches))
            world.put_secret(each.name, account_secret(each.kind, found[each.name]))
        world.database.rows(naming(OTHERS))
        for rank, each in enumerate(ACCOUNTS.values(), start=1):
            document = render(sample_invoice(rank, seller=each.seller), "cii")
            world.add(rank, siren=each.seller.siren, content=document)
        world.deposit()
        yield found


def crowded(world: World, account: str, simulator: Simulator) -> None:
    if account == "default":
        crowd(world, 3000, apart=1.0)
        return
    simulator.add_foreign_invoices([{"number": f"X-{rank}"} for rank in range(OPENED[account])])


def read(world: World) -> set[str]:
    """The accounts whose own invoice shows what the platform says of it."""
    deposited = [world.submission(rank) for rank in range(1, len(ACCOUNTS) + 1)]
    return {each.account for each in deposited if each.lifecycle_code}


@pytest.mark.parametrize(
    "account",
    [pytest.param("default", marks=pytest.mark.slow), pytest.param("superpdp", marks=pytest.mark.slow), "afnor"],
)
def test_no_account_starves_while_another_has_thousands_open(
    world: World, platforms: dict[str, Simulator], account: str
) -> None:
    crowded(world, account, platforms[account])
    for each in platforms.values():
        each.advance(300)
    world.database.rows("update facteur.submissions set due_at = facteur.now() where state = 'submitted'")
    others = {*ACCOUNTS} - {account}

    runs = 0
    while not others <= read(world):
        assert (runs := runs + 1) <= MOST_RUNS, f"{others - read(world)} had no turn"
        poll.handler({}, Context())


def test_an_account_that_gets_no_permit_has_had_no_turn_and_is_first_next_time(
    world: World, platforms: dict[str, Simulator]
) -> None:
    for each in platforms.values():
        each.advance(300)
    world.database.rows("update facteur.budgets set tokens = 0, refilled_at = facteur.now() + interval '1 hour'")

    poll.handler({}, None)

    assert world.database.rows("select * from facteur.feeds") == []
    world.database.rows("update facteur.budgets set tokens = 10, refilled_at = facteur.now()")
    for longest_ago, other in (("superpdp", "afnor"), ("afnor", "superpdp")):
        world.database.rows(f"select facteur.take_feed('{longest_ago}', 1)")
        world.database.rows(f"select facteur.take_feed('{other}', 1)")
        asked = "select account from facteur.accounts_with_feed(array['superpdp', 'afnor'])"
        assert [row.account for row in world.database.rows(asked)] == [longest_ago, other]
        world.database.rows("update facteur.feeds set taken_until = '-infinity'")


@pytest.mark.parametrize("source", ["sweep", "pull"])
def test_a_wanted_history_gets_a_permit_however_much_there_is_to_be_swept_or_pulled(
    world: World, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Seed 236338505: each sweep took the whole bucket, and no history was read in ten months."""
    monkeypatch.setenv("STATUS_SOURCE", source)
    world.new_container()
    world.add(1)
    world.deposit()
    world.simulator.advance(300)
    world.simulator.configure(search_cap=1, search_order="oldest", not_seen_limit=1, not_seen_noise=50)
    crowd(world, 300, apart=1.0)
    statement = (
        "update facteur.submissions set {}, history_due_at = facteur.now(), history_rank = 1 where invoice_id = %(id)s"
    )
    world.database.rows(statement.format("unread_since = facteur.now()"), {"id": str(world.ids[1])})

    for _ in range(3):
        world.database.rows("update facteur.submissions set due_at = facteur.now() where state = 'submitted'")
        world.database.rows("update facteur.budgets set tokens = 10, refilled_at = facteur.now()")
        poll.handler({}, None)

    read = "select e.code from facteur.status_events e join facteur.submissions s on s.id = e.submission_id where s.invoice_id = %(id)s"
    assert world.database.rows(read, {"id": str(world.ids[1])})


def test_a_sweep_comes_on_though_each_listing_has_more_pages_than_the_budget_admits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others deposited before ours, under our numbers, and a page is one entry: a bucket ends among theirs each time."""
    monkeypatch.setenv("STATUS_SOURCE", "sweep")
    world.new_container()
    ranks = range(1, 7)
    for rank in ranks:
        other = {
            "number": sample_invoice(rank).number,
            "account": world.simulator.client_id,
            "statuses": ["MADE_AVAILABLE"],
        }
        world.simulator.add_foreign_invoices([{**other, "seller": "999999998"}, {**other, "seller": "999999997"}])
    for rank in ranks:
        world.add(rank)
    world.deposit()
    world.simulator.advance(300)
    world.simulator.configure(search_cap=1, search_order="oldest")
    world.database.rows("select facteur.sweep_by_number('default', 86400)")

    for _ in range(20):
        world.database.rows(
            "update facteur.submissions set due_at = facteur.now() where state = 'submitted' and swept_code is null"
        )
        world.database.rows("update facteur.budgets set tokens = 10, refilled_at = facteur.now()")
        poll.handler({}, None)

    assert all(world.submission(rank).swept_code for rank in ranks)
