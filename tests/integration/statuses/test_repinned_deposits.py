"""What an account deposited as another client, before it was repinned, is not followed any more: that is said, and not silent."""

from __future__ import annotations

import pytest

from local.world.levers import World
from tests.operator import Operator
from tests.two_accounts import SECOND

UNFOLLOWED = "1 deposit of a former client is not followed"


def troubles(operator: Operator) -> str:
    return " ".join(each["what"] for each in operator.ask("status")["troubles"])


def repinned(world: World, operator: Operator) -> None:
    result = operator.run("repin", "default", "--yes", "--unverified", "--why", "a new client")
    assert result.code == 0, result.err
    world.new_container()


@pytest.fixture
def deposited(world: World) -> World:
    world.add(1)
    world.deposit()
    assert world.submission(1).state == "submitted"
    return world


def test_a_new_client_does_not_follow_what_the_former_one_deposited(deposited: World, operator: Operator) -> None:
    deposited.simulator.add_account(**SECOND)
    deposited.put_secret("default", SECOND)
    repinned(deposited, operator)
    assert UNFOLLOWED not in troubles(operator), "as long as no other client is known"

    deposited.add(2)
    deposited.deposit()

    assert UNFOLLOWED in troubles(operator)


def test_after_a_restore_the_same_client_follows_all(deposited: World, operator: Operator) -> None:
    repinned(deposited, operator)
    deposited.add(2)
    deposited.deposit()

    assert UNFOLLOWED not in troubles(operator)
