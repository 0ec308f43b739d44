"""Deposits as Iopole's search shows them with their numbers: what a reconciliation compares with."""

from __future__ import annotations

from typing import Any

from facteur.operate.reconcile_model import ShownDeposit, ShownPage
from facteur.platforms.iopole.reading import candidate, inbound, sighting
from facteur.platforms.iopole.statuses import Answered, Search, Searched


def searched_deposits(search: Search) -> Searched[ShownPage]:
    """The port ShownDeposits."""
    return Searched(search, "businessData,lastStatusData", _page)


def _page(answered: Answered) -> ShownPage:
    deposits = tuple(found for each in answered.entries if (found := shown(each)))
    return ShownPage(deposits, answered.ids, answered.announced, answered.numbers)


def shown(entry: Any) -> ShownDeposit | None:
    """A search entry; None where it is inbound, or does not say which deposit it is about."""
    seen = sighting(entry)
    if seen is None or inbound(entry):
        return None
    found = candidate(entry)
    return ShownDeposit(
        seen.platform_id, found.invoice_number, found.seller_siren, found.total, found.currency, seen.code, found.refused,
        seen.created_at,
    )  # fmt: skip
