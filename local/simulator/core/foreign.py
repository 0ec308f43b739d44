"""Invoices that our client never deposited: other software's, other sellers', received ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from local.simulator.core.clock import uuid7
from local.simulator.core.invoice import Format, Invoice, Party
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Fate, Status, Verdict
from local.simulator.core.world import World

OTHER_SELLER = "999999998"


@dataclass(frozen=True, slots=True)
class ForeignInvoice:
    """What to invent; `statuses` are the codes of its life cycle, `age_seconds` how long ago it was deposited."""

    number: str
    seller: str = OTHER_SELLER
    buyer: str = "222222222"
    total: str = "1.00"
    issue_date: str = "2026-10-10"
    direction: str = "OUTBOUND"
    account: str | None = None
    age_seconds: float = 60.0
    statuses: tuple[str, ...] = ("SUBMITTED", "MADE_AVAILABLE")
    filename: str = "foreign.xml"


def add(world: World, wanted: ForeignInvoice) -> Deposit:
    """Put a foreign invoice into an account: search, reads and notSeen show it, uniqueness ignores it."""
    at = world.clock.now() - wanted.age_seconds
    deposit_id = uuid7(at, "foreign", len(world.ledger.deposits))
    invoice = Invoice(
        Format.CII, "en16931", wanted.number, date.fromisoformat(wanted.issue_date), "380",
        party(wanted.seller), party(wanted.buyer), wanted.total, "EUR",
    )  # fmt: skip
    deposit = Deposit(
        deposit_id, wanted.account or world.settings.client_id, at, wanted.filename, b"<foreign/>", "0" * 64,
        invoice, Fate(Verdict.ACCEPTED), wanted.direction, foreign=True,
    )  # fmt: skip
    world.ledger.keep(deposit)
    for index, code in enumerate(wanted.statuses):
        world.ledger.add_status(deposit, Status(uuid7(at, deposit_id, index), at + index / 1000, code))
    return deposit


def party(siren: str) -> Party:
    return Party(f"Société {siren}", siren, f"0225:{siren}", "FR")


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
