"""Which deposits a search shows on a page: all of them in order, or what a platform makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from local.simulator.core.ledger import Deposit
from local.simulator.core.settings import Settings
from local.simulator.core.world import World


def visible(world: World, deposit: Deposit, now: float) -> bool:
    """Whether the index has a deposit by now; a large document takes longer."""
    settings = world.settings
    lag = settings.search_lag + settings.search_lag_per_kb * len(deposit.content) / 1000
    return deposit.at <= now - lag and not any(hides(rule, deposit, now) for rule in settings.search_hides)


def hides(rule: str, deposit: Deposit, now: float) -> bool:
    """Whether a rule such as older:3600 keeps a deposit from being shown; received ones are never ours to hide."""
    kind, _, value = rule.partition(":")
    invoice = deposit.invoice
    if deposit.foreign:
        return False
    if kind in {"older", "younger"}:
        return (now - deposit.at > float(value)) == (kind == "older")
    if kind == "share":
        return Random(deposit.id).random() < float(value)  # noqa: S311  repeatable
    known = {
        "seller": invoice.seller.siren if invoice else None,
        "buyer": invoice.buyer.siren if invoice else None,
        "number": deposit.number,
    }
    return kind == "all" or (kind in known and known[kind] == value)


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
