"""Somebody's invoices that a search by number finds besides: they look like ours but for one thing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from local.simulator.core.foreign import OTHER_SELLER, ForeignInvoice, add
from local.simulator.core.invoice import Invoice
from local.simulator.core.ledger import Deposit
from local.simulator.core.world import World


def strangers(world: World, account: str, number: str, seller: str | None) -> list[Deposit]:
    """Foreign invoices that a search by number finds besides, made at first use: of the kinds that the switch names."""
    there = world.ledger.by_number[account, number]
    own = next((each.invoice for each in there if each.invoice and not each.foreign), None)
    known = {each.filename: each for each in world.strangers[account, number]}
    for kind in world.settings.search_strangers:
        wanted = stranger(kind, number, seller, own, account)
        if wanted is not None and wanted.filename not in known:
            known[wanted.filename] = add(world, wanted)
    world.strangers[account, number] = list(known.values())
    return [each for kind in world.settings.search_strangers if (each := known.get(f"stranger-{kind}.xml"))]


def stranger(kind: str, number: str, seller: str | None, own: Invoice | None, account: str) -> ForeignInvoice | None:
    """Somebody's invoice that looks like ours but for one thing; None where there is nothing to look like yet."""
    seller = seller or (own.seller.siren if own else None) or OTHER_SELLER
    same = ForeignInvoice(
        number, seller, account=account, statuses=("MADE_AVAILABLE",), age_seconds=0, filename=f"stranger-{kind}.xml"
    )
    if kind == "seller":
        return replace(same, seller=OTHER_SELLER)
    if kind == "year":
        return replace(same, issue_date="2025-10-10", age_seconds=31_536_000)
    if kind == "inbound":
        return replace(same, direction="INBOUND")
    if own is None or own.total is None:
        return None
    like_ours = replace(same, total=own.total, issue_date=str(own.issue_date), buyer=own.buyer.siren or same.buyer)
    other_total = str(Decimal(own.total) + 1)
    return {"amount": replace(like_ours, total=other_total), "number": replace(like_ours, number=f"{number}-A")}.get(
        kind, like_ours
    )
