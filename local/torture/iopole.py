"""Iopole, as the torture knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from facteur.platforms.iopole.client import TOKEN_PATH
from local.simulator.core.control import Simulator
from local.torture.hostile import HOSTILITY
from local.torture.points import REQUESTS, VERBS
from local.torture.schedule import USUAL, USUAL_HAPPENINGS
from local.torture.wire import Wire

# Points that only one source of statuses comes to; the sweep comes to most.
PULLED = ("pulls.", "platform.not_seen", "platform.acknowledge", "http.not_seen", "http.mark_as_seen")
ONE_BY_ONE = ("statuses.claim_status_updates", "statuses.postpone_status_update")


def source_that_reaches(point: str) -> str:
    """The source of statuses under which a point is come to."""
    return "pull" if point.startswith(PULLED) else "history" if point.startswith(ONE_BY_ONE) else "sweep"


def request_kind(method: str, path: str) -> str | None:
    """The name of a request to the platform; None for those nobody waits at."""
    if method == "PUT":
        return "mark_as_seen"
    if method == "POST":
        return "token" if "/realms/" in path else "deposit"
    endings = {"search": "search", "files": "files", "status-history": "history", "notSeen": "not_seen"}
    return endings.get(path.partition("?")[0].rpartition("/")[2])


def plain(code: str) -> str:
    """A code, however it is spelt and whatever is quoted behind it."""
    return (code.upper().split() or [""])[0]


def environ(simulator: Simulator) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": simulator.base_url, "IOPOLE_AUTH_URL": simulator.auth_url}


def secret(simulator: Simulator, client: Mapping[str, str]) -> dict[str, Any]:
    return {**client, "sandbox": False}


def deposited(simulator: Simulator, _key: str, name: str, content: bytes) -> str:
    credentials = {"client_id": simulator.client_id, "client_secret": simulator.client_secret}
    form = credentials | {"grant_type": "client_credentials"}
    token = requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "customer-id": simulator.customer_id}
    files = {"file": (name, content)}
    answer = requests.post(f"{simulator.base_url}/v1/invoice", headers=headers, files=files, timeout=30)
    return str(answer.json()["id"])


IOPOLE = Wire(
    name="iopole",
    verbs=VERBS,
    requests=REQUESTS,
    request_kind=request_kind,
    simulator={"history_quota": 0},
    second={
        "client_id": "second@facteur.example", "client_secret": "s3cret-of-the-second",
        "customer_id": "0198c0de-0000-7000-8000-000000000002",
    },
    environ=environ,
    secret=secret,
    deposited=deposited,
    source_that_reaches=source_that_reaches,
    usual_orders=USUAL,
    usual_happenings=USUAL_HAPPENINGS,
    usual_switches={},
    lied_to=("search", "history", "files", "download", "not_seen"),
    given=None,
    plain=plain,
    refusing=frozenset(),
    closing=frozenset(),
    hostility=HOSTILITY,
)  # fmt: skip
