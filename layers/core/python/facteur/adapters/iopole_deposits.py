"""Deposits as Iopole's search shows them with their numbers: what a reconciliation compares with."""

from __future__ import annotations

from typing import Any

from facteur.adapters.iopole_news import Search, Searched
from facteur.adapters.iopole_reading import candidate, number_in, sighting
from facteur.news import PAGE
from facteur.operate.reconcile_model import ShownDeposit, ShownPage

OUTBOUND = "OUTBOUND"


def searched_deposits(search: Search) -> Searched[ShownPage]:
    """The port ShownDeposits."""
    return Searched(search, "businessData,lastStatusData", _page)


def _page(entries: list[Any], numbers: int) -> ShownPage:
    return ShownPage(tuple(found for each in entries if (found := shown(each))), len(entries) >= PAGE, numbers)


def shown(entry: Any) -> ShownDeposit | None:
    """A search entry; None where it is inbound, or does not say which deposit it is about."""
    seen = sighting(entry)
    if seen is None or (entry["metadata"].get("direction") or OUTBOUND) != OUTBOUND:
        return None
    found = candidate(entry)
    return ShownDeposit(
        seen.platform_id, number_in(entry), found.seller_siren, found.total, seen.code, found.refused, seen.created_at
    )
