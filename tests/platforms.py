"""Simulators of every kind of platform beside each other, and the secret with which an account deposits at one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.simulator.core.control import Simulator
from local.world.levers import World


def secret_for(kind: str, simulator: Simulator) -> dict[str, Any]:
    """An account's whole secret: which kind of platform, where it is, and a client there."""
    client = {"provider": kind, "client_id": simulator.client_id, "client_secret": simulator.client_secret}
    addresses = {
        "iopole": {"customer_id": simulator.customer_id, "base_url": simulator.base_url, "auth_url": simulator.auth_url},
        "superpdp": {"base_url": simulator.base_url},
        "afnor": {
            "flow_url": f"{simulator.base_url}/flow-service/v1", "token_url": f"{simulator.auth_url}/oauth2/token",
            "directory_url": f"{simulator.base_url}/directory-service/v1",
        },
    }  # fmt: skip
    return client | addresses[kind]


@dataclass
class Move:
    """A world whose account `default` leaves one platform, and the account `new` that it is routed to."""

    world: World
    old: Simulator
    new: Simulator
    rows: dict[int, str] = field(default_factory=dict)

    def advance(self, seconds: float) -> None:
        """Every clock; each simulator's once."""
        self.world.advance(seconds)
        for simulator in (self.old, self.new):
            if simulator is not self.world.simulator:
                simulator.advance(seconds)

    def work(self, times: int, seconds: float, also: Callable[[], None] = lambda: None) -> None:
        for _ in range(times):
            self.world.deposit()
            also()
            self.advance(seconds)
