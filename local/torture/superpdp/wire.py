"""SUPER PDP: how it is started and asked, and what may be struck there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from facteur.platforms.superpdp.client import TOKEN_PATH
from local.simulator.core.control import Simulator
from local.torture.points import FEED_VERBS
from local.torture.schedule import USUAL, USUAL_HAPPENINGS, Happening
from local.torture.superpdp.events import REFUSING, given, plain, token
from local.torture.superpdp.hostile import HOSTILITY
from local.torture.wire import Wire

FIRST_ID = 7_310_001  # ids that stand in no other words
# Points that only one source of statuses comes to; the feed comes to all others.
ONE_BY_ONE = ("http.events", "platform.history")
ENDINGS = {"me": "company", "invoices": "invoices", "download": "download", "invoice_events": "events"}


def source_that_reaches(point: str) -> str:
    """The source of statuses under which a point is come to."""
    return "history" if point.startswith(ONE_BY_ONE) else "auto"


def request_kind(method: str, path: str) -> str | None:
    """The name of a request to the platform; None for those nobody waits at."""
    if method == "POST":
        return "token" if path.startswith(TOKEN_PATH) else "deposit"
    return ENDINGS.get(path.partition("?")[0].rpartition("/")[2])


def environ(_simulator: Simulator) -> dict[str, str]:
    return {"PDP_PROVIDER": "superpdp"}


def secret(simulator: Simulator, client: Mapping[str, str]) -> dict[str, Any]:
    """Of one client, which here may deposit for any seller."""
    named = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    return {"provider": "superpdp", **named, "base_url": simulator.base_url, "sandbox": False}


def deposited(simulator: Simulator, key: str, name: str, content: bytes) -> str:
    headers = {"Authorization": f"Bearer {token(simulator, simulator.client_id, simulator.client_secret)}"}
    url = f"{simulator.base_url}/v1.beta/invoices?external_id={key}"
    answer = requests.post(url, headers=headers, files={"file_name": (name, content)}, timeout=30)
    return str(answer.json()["id"])


SUPERPDP = Wire(
    name="superpdp",
    verbs=FEED_VERBS,
    requests=("token", "company", "deposit", "invoices", "download", "events"),
    request_kind=request_kind,
    # what it calls a duplicate at once it does not store: then nobody would see that it was sent twice
    simulator={"company_number": "", "sandbox": False, "duplicates": "none", "first_id": FIRST_ID},
    second={"client_id": "second@facteur.example", "client_secret": "s3cret-of-the-second"},
    environ=environ,
    secret=secret,
    deposited=deposited,
    source_that_reaches=source_that_reaches,
    usual_orders=USUAL,
    usual_happenings=(
        *(each for each in USUAL_HAPPENINGS if each.what != "fail_requests"),
        Happening(2, "fail_requests", details={"endpoint": "events", "faults": ["503", "429", "empty", "400"]}),
        Happening(2, "refuse_statuses", details={"rows": 4, "rounds": 24}),
    ),
    usual_switches={},
    lied_to=("invoices", "download", "events"),
    given=given,
    plain=plain,
    refusing=REFUSING,
    closing=REFUSING | {"210"},
    hostility=HOSTILITY,
)
