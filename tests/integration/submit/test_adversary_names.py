"""What an adversary found about one client under two names, as after an account was renamed."""

from __future__ import annotations

import pytest

from local.measure.ground import prepare
from local.world.levers import World, platform_secret


@pytest.fixture
def settings() -> dict[str, str]:
    return {"STATUS_SOURCE": "pull"}


def test_a_renamed_account_takes_no_verdict_from_what_was_deposited_before(world: World) -> None:
    prepare(world)
    world.put_secret("renamed", platform_secret(world.simulator))
    world.add(1)
    world.deposit()
    world.advance(600)
    world.poll()
    world.add(2)
    world.update(2, account="renamed")
    world.deposit()
    world.simulator.add_status(world.row(1).submission_id, "REJECTED")

    for _ in range(5):
        world.advance(86400)
        world.poll()

    assert world.row(1).technical_status == "rejected"
    assert world.database.rows("select from facteur.unmatched_statuses") == []
