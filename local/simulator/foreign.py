"""Invoices that our client never deposited: other software's, other sellers', received ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from local.simulator.clock import uuid7
from local.simulator.invoice import Format, Invoice, Party
from local.simulator.ledger import Deposit
from local.simulator.lifecycle import Fate, Status, Verdict
from local.simulator.world import World

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
    """Three foreign invoices of a number, made at first use: another seller's, last year's, an inbound one."""
    there = [each for each in world.ledger.by_number[account, number] if each.foreign]
    if there:
        return there
    own = next((each.invoice for each in world.ledger.by_number[account, number] if each.invoice), None)
    seller = seller or (own.seller.siren if own else None) or OTHER_SELLER
    same = ForeignInvoice(number, seller, account=account, statuses=("MADE_AVAILABLE",), age_seconds=0)
    wanted = [
        replace(same, seller=OTHER_SELLER),
        replace(same, issue_date="2025-10-10", age_seconds=31_536_000),
        replace(same, direction="INBOUND"),
    ]
    return [add(world, each) for each in wanted]
