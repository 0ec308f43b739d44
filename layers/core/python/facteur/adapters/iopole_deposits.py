"""Deposits as Iopole's search shows them with their numbers: what a reconciliation compares with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from facteur.adapters.http import HttpAnswer
from facteur.adapters.iopole_answers import expect, listed
from facteur.adapters.iopole_news import SearchedNews
from facteur.adapters.iopole_reading import candidate, number_in, sighting
from facteur.news import PAGE
from facteur.operate.reconcile_model import ShownDeposit, ShownPage

OUTBOUND = "OUTBOUND"


class SearchedDeposits:
    """The port ShownDeposits."""

    def __init__(self, search: Callable[[dict[str, str]], HttpAnswer]) -> None:
        self._answer: HttpAnswer | None = None
        self._search = search
        self._searched = SearchedNews(self._expanded)

    def between(self, since: datetime, until: datetime, offset: int) -> ShownPage | None:
        page = self._searched.between(since, until, offset)
        return None if page is None else self._page()

    def under(self, numbers: Sequence[str], offset: int) -> ShownPage:
        page = self._searched.under(numbers, offset)
        return self._page(page.numbers)

    def _expanded(self, params: dict[str, str]) -> HttpAnswer:
        self._answer = self._search(params | {"expand": "businessData,lastStatusData"})
        return self._answer

    def _page(self, numbers: int = 0) -> ShownPage:
        assert self._answer is not None  # noqa: S101  a page was just read from it
        entries = listed(expect(self._answer, (dict, list)))
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
