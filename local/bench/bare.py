"""Floors: what the libraries themselves cost, with nothing of Facteur around them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from local.simulator.core.control import Simulator

UPDATE = "update invoicing.invoices set technical_status = %s, submission_id = %s, last_technical_update = now() where invoice_number = %s"

UPDATE_MANY = """
update invoicing.invoices i set technical_status = %s, submission_id = f.platform_id, last_technical_update = now()
from unnest(%s::text[], %s::text[]) f(number, platform_id) where i.invoice_number = f.number
"""


def token(simulator: Simulator) -> str:
    """A bearer token, fetched once."""
    form = {
        "grant_type": "client_credentials",
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
    }
    answer = requests.post(f"{simulator.auth_url}/realms/iopole/protocol/openid-connect/token", data=form, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def session(simulator: Simulator, bearer: str) -> requests.Session:
    """A kept-alive session that may deposit."""
    opened = requests.Session()
    opened.headers.update({"Authorization": f"Bearer {bearer}", "customer-id": simulator.customer_id})
    return opened


def deposit(opened: requests.Session, simulator: Simulator, path: Path) -> str:
    """Read the document, post it, parse the answer: the platform's id."""
    files = {"file": (path.name, path.read_bytes(), "application/xml")}
    answer = opened.post(f"{simulator.base_url}/v1/invoice", files=files, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["id"])


def deposit_in_threads(simulator: Simulator, paths: tuple[Path, ...], threads: int) -> None:
    """As many posts in flight as threads, each on its own kept-alive connection; nothing else is done."""
    bearer, own = token(simulator), threading.local()

    def one(path: Path) -> None:
        if not hasattr(own, "session"):
            own.session = session(simulator, bearer)
        deposit(own.session, simulator, path)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, paths):
            pass


def send_bare(send: Callable[[list[int]], Any], ids: list[int], threads: int, batch: int = 10) -> None:
    """Hand ids to `send` in batches, as many at once as threads."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(send, [ids[start : start + batch] for start in range(0, len(ids), batch)]):
            pass
