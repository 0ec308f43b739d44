"""Which deposits a search shows on a page: all of them in order, or what a platform makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from local.simulator.core.ledger import Deposit
from local.simulator.core.settings import Settings
from local.simulator.core.world import World


def cached(world: World, account: str, found: list[Deposit]) -> list[Deposit]:
    """The right answer, or one that a cache gives without a look at the question."""
    how, kept = world.settings.search_cache, world.cached_searches.get(account)
    if how == "off" or kept is None or how == "previous":
        world.cached_searches[account] = found
    return found if how == "off" or kept is None else kept


def page(found: Sequence[Deposit], offset: int, limit: int, settings: Settings) -> Sequence[Deposit]:
    """The entries of one page."""
    size = min(limit, settings.search_cap or limit)
    start = max(0, offset + settings.search_shift) if offset else 0
    if settings.search_endless and start >= len(found):
        start = max(0, len(found) - size)
    return found[start : start + size]


def meta(
    found: Sequence[object], shown: Sequence[object], offset: int, limit: int, settings: Settings
) -> dict[str, object]:
    """`meta` beside the entries: what the count counts is anybody's guess."""
    total = len(found)
    counts = {
        "total": total, "page": len(shown), "zero": 0, "short": max(0, total - 1), "long": total + 7, "text": str(total),
    }  # fmt: skip
    kind = settings.search_count
    return {"offset": offset, "limit": limit, **({} if kind == "none" else {"count": counts[kind]})}
