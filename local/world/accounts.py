"""The secret of an account at each simulator, as an operator writes it for the platform itself."""

from __future__ import annotations

from local.simulator.core.control import Simulator


def account_secret(platform: str, simulator: Simulator, **more: object) -> dict[str, object]:
    """Of the simulator's own client, for a sandbox; `more` goes before it."""
    own = {"client_id": simulator.client_id, "client_secret": simulator.client_secret, "sandbox": True}
    return {**own, **_PLACES[platform](simulator), **more}


def _iopole(simulator: Simulator) -> dict[str, object]:
    """The settings say where it is."""
    return {"customer_id": simulator.customer_id}


def _superpdp(simulator: Simulator) -> dict[str, object]:
    return {"provider": "superpdp", "base_url": simulator.base_url}


def _afnor(simulator: Simulator) -> dict[str, object]:
    return {
        "provider": "afnor",
        "flow_url": f"{simulator.base_url}/flow-service/v1",
        "directory_url": f"{simulator.base_url}/directory-service/v1",
        "token_url": f"{simulator.auth_url}/oauth2/token",
    }


_PLACES = {"iopole": _iopole, "superpdp": _superpdp, "afnor": _afnor}
