"""A world with two accounts, default and second."""

from __future__ import annotations

from typing import Any

from local.world.levers import World

FIRST = "M-000001"  # the number that the ground gives the first invoice
SECOND: dict[str, Any] = {"client_id": "second@facteur.example", "client_secret": "second", "customer_id": "customer-2"}


def deposited_by(world: World) -> list[str]:
    return [deposit["account"] for deposit in world.simulator.ledger()]
