"""A platform of AFNOR XP Z12-013: how it is started and asked, and what may be struck there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from local.simulator.afnor.http_token import PATH
from local.simulator.core.control import Simulator
from local.torture.afnor.flows import CLOSING, EXACT, REFUSING, SERVICE, given, plain, token
from local.torture.afnor.hostile import HOSTILITY
from local.torture.points import FEED_VERBS
from local.torture.schedule import USUAL, USUAL_HAPPENINGS, Happening
from local.torture.wire import Wire

# A place that a platform refuses is left for the dates: nothing is read from its beginning.
VERBS = {
    **FEED_VERBS,
    "feeds": (*(verb for verb in FEED_VERBS["feeds"] if verb != "reset"), "bearers"),
}
# Points that only one source of statuses comes to; the feed comes to all others.
ONE_BY_ONE = ("http.flow", "platform.history")


def source_that_reaches(point: str) -> str:
    """The source of statuses under which a point is come to."""
    return "history" if point.startswith(ONE_BY_ONE) else "auto"


def request_kind(method: str, path: str) -> str | None:
    """The name of a request to the platform; None for those nobody waits at."""
    named = urlsplit(path)
    if method == "POST":
        endings = {"token": "token", "flows": "deposit", "search": "search"}
        return endings.get(named.path.rpartition("/")[2])
    if "/flows/" in named.path:
        return "original" if "docType=Original" in named.query else "flow"
    return None


def environ(_simulator: Simulator) -> dict[str, str]:
    return {"PDP_PROVIDER": "superpdp"}  # which needs no settings: each secret says where its platform is


def secret(simulator: Simulator, client: Mapping[str, str]) -> dict[str, Any]:
    return {
        "provider": "afnor", "client_id": client["client_id"], "client_secret": client["client_secret"],
        "organization_id": client["customer_id"], "flow_url": f"{simulator.base_url}{SERVICE}/v1",
        "token_url": f"{simulator.auth_url}{PATH}", "sandbox": False,
    }  # fmt: skip


def deposited(simulator: Simulator, key: str, name: str, content: bytes) -> str:
    headers = {"Authorization": f"Bearer {token(simulator, simulator.client_id, simulator.client_secret)}"}
    said = {"flowInfo": json.dumps({"name": name, "flowSyntax": "CII", "trackingId": key})}
    answer = requests.post(
        f"{simulator.base_url}{SERVICE}/v1/flows",
        headers=headers,
        data=said,
        files={"file": (name, content)},
        timeout=30,
    )
    return str(answer.json()["flowId"])


AFNOR = Wire(
    name="afnor",
    verbs=VERBS,
    requests=("token", "deposit", "search", "flow", "original"),
    request_kind=request_kind,
    simulator={"afnor_version": "1.2"},
    second={
        "client_id": "second@facteur.example", "client_secret": "s3cret-of-the-second",
        "customer_id": "0198c0de-0000-7000-8000-000000000002",
    },
    environ=environ,
    secret=secret,
    deposited=deposited,
    source_that_reaches=source_that_reaches,
    usual_orders=USUAL,
    usual_happenings=(
        *(each for each in USUAL_HAPPENINGS if each.what != "fail_requests"),
        Happening(2, "fail_requests", details={"endpoint": "search", "faults": ["503", "429", "empty", "400"]}),
        Happening(2, "fail_requests", details={"endpoint": "flow", "faults": ["503", "cdar_twists=cut"]}),
        Happening(2, "refuse_statuses", details={"rows": 4, "rounds": 24}),
        Happening(
            3, "throw",
            details={"rounds": 3, "switches": {"afnor_version": "1.3"}, "back": {"afnor_version": "1.2"}},
        ),
    ),
    usual_switches={},
    lied_to=("search", "flow"),
    given=given,
    plain=plain,
    refusing=REFUSING,
    closing=CLOSING,
    hostility=HOSTILITY,
    path=SERVICE,
    exact=EXACT,
)  # fmt: skip
