"""What a browser finds at the simulator's root."""

from __future__ import annotations

import requests

from local.simulator.core.control import Simulator
from tests.contract.simulator.client import Client

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_is_shown_what_this_is_and_what_was_deposited(simulator: Simulator, client: Client) -> None:
    client.deposited()
    simulator.configure(history_quota=5)

    answer = requests.get(simulator.base_url, headers=BROWSER, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for words in (
        "no real platform",
        "Ledger: 1 deposits",
        "<td>deposit</td><td>201</td><td>1</td>",
        "<b>history_quota</b></td><td>5<",
    ):
        assert words in answer.text


def test_what_was_deposited_never_becomes_markup(simulator: Simulator) -> None:
    requests.get(f"{simulator.base_url}/<script>alert(1)</script>", timeout=10)
    simulator.configure(spellings=["OUTBOUND=<b>"])

    text = requests.get(simulator.base_url, headers=BROWSER, timeout=10).text

    assert "<script>" not in text
    assert "OUTBOUND=&lt;b&gt;" in text


def test_a_client_of_the_api_is_answered_by_the_api(simulator: Simulator) -> None:
    for accept in ("application/json", "*/*"):
        assert requests.get(simulator.base_url, headers={"Accept": accept}, timeout=10).status_code == 401
    assert requests.post(simulator.base_url, headers=BROWSER, timeout=10).status_code == 401
