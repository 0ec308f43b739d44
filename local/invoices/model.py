"""What a sample invoice says, and its arithmetic; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Syntax = Literal["facturx", "cii", "ubl"]

CENT = Decimal("0.01")
NUMBER_LENGTH = 20  # the reform's limit for BT-1


@dataclass(frozen=True, slots=True)
class Company:
    """A French company: its SIREN is its legal identity (scheme 0002) and its electronic address (scheme 0225)."""

    name: str
    siren: str
    street: str = "1 rue de la Paix"
    postcode: str = "75002"
    city: str = "Paris"

    @property
    def vat_number(self) -> str:
        return f"FR{(12 + 3 * (int(self.siren) % 97)) % 97:02}{self.siren}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; the unit is a UN/ECE code (C62: piece, HUR: hour, DAY: day)."""

    name: str
    quantity: Decimal
    unit_price: Decimal
    vat_percent: Decimal = Decimal(20)
    unit: str = "C62"

    @property
    def net(self) -> Decimal:
        return _to_cents(self.quantity * self.unit_price)


@dataclass(frozen=True, slots=True)
class SampleInvoice:
    """An invoice in euros. `process` is BT-23: S1 a deposit of services, B1 of goods."""

    number: str
    seller: Company
    buyer: Company
    issue_date: date
    due_date: date
    lines: tuple[Line, ...]
    process: str = "S1"

    def __post_init__(self) -> None:
        if not 0 < len(self.number) <= NUMBER_LENGTH:
            raise ValueError(f"an invoice number has 1 to {NUMBER_LENGTH} characters, not {self.number!r}")
        if not self.lines:
            raise ValueError("an invoice needs at least one line")

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal("0.00"))

    @property
    def net_by_vat_percent(self) -> Mapping[Decimal, Decimal]:
        """The taxable base of each rate, in the order of the rates."""
        bases: dict[Decimal, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            bases[line.vat_percent] += line.net
        return dict(sorted(bases.items()))

    @property
    def vat(self) -> Decimal:
        return sum((vat_on(net, percent) for percent, net in self.net_by_vat_percent.items()), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """What is to be paid, VAT included (BT-112)."""
        return self.net + self.vat


def vat_on(net: Decimal, percent: Decimal) -> Decimal:
    return _to_cents(net * percent / 100)


def _to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
