"""Invoices that our client never deposited: other software's, other sellers', received ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

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
    numbered = world.settings.first_id > 0
    there = len(world.ledger.deposits)
    deposit_id = world.ledger.new_id(world.settings, at, "foreign") if numbered else uuid7(at, "foreign", there)
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
