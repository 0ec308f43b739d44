"""What the platform has given by now: its feed, read as the platform is when it does not lie."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import requests

from facteur.platforms.superpdp.client import TOKEN_PATH
from local.simulator.core.control import Simulator
from local.torture.wire import Asked

# Events that are deleted, or not shown yet, were not given.
HONEST: Mapping[str, Any] = {
    "event_ids": "right", "event_omits": [], "events_order": "right", "cursor": "right", "search_cap": 0, "search_shift": 0,
    "list_order": "asked", "spellings": [], "quotes": [], "rate_limit": 0, "deposit_ids": "number", "token_seconds": 1799,
}  # fmt: skip
READER = "s3cret-of-a-reader"
PAGE = 1000
REFUSING = frozenset({"213", "api:invalid"})


def plain(code: str) -> str:
    """A code, however it is spelt and whatever is quoted behind it."""
    return (code.lower().split() or [""])[0].removeprefix("fr:")


def given(simulator: Simulator, asked: Asked) -> dict[str, Counter[str]]:
    """The codes of each deposit's events."""
    simulator.clear_faults()
    simulator.configure(**HONEST)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for client_id in asked.clients:
        for event in _events(simulator, client_id):
            found[str(event["invoice_id"])][plain(event["status_code"])] += 1
    return found


def token(simulator: Simulator, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    answer = requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=30)
    return str(answer.json()["access_token"])


def _events(simulator: Simulator, client_id: str) -> list[dict[str, Any]]:
    simulator.rotate_secret(READER, client_id)
    headers = {"Authorization": f"Bearer {token(simulator, client_id, READER)}"}
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else 0
        url = f"{simulator.base_url}/v1.beta/invoice_events?starting_after_id={after}&limit={PAGE}"
        page = requests.get(url, headers=headers, timeout=30).json()["data"]
        if not page:
            return found
        found += page
