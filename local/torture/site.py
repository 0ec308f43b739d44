"""Where a lane's accounts deposit: a platform, its simulator, and the account that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.simulator.core.control import Simulator
from local.torture.wire import Wire

ACCOUNTS = ("default", "second", "third")  # of several platforms each has one


@dataclass(frozen=True, slots=True)
class Site:
    """One platform of a lane."""

    wire: Wire
    simulator: Simulator
    account: str

    @property
    def name(self) -> str:
        return self.wire.name

    def secret(self) -> dict[str, Any]:
        """Of its first client."""
        simulator = self.simulator
        client = {
            "client_id": simulator.client_id, "customer_id": simulator.customer_id, "client_secret": simulator.client_secret,
        }  # fmt: skip
        return dict(self.wire.secret(simulator, client))
