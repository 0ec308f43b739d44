"""Which deposits a list shows by now: all of them, or what a platform makes of it."""

from __future__ import annotations

from random import Random

from local.simulator.core.ledger import Deposit
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
