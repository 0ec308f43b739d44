"""What waits to be deposited, and old rows that may be, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Previewed:
    """A pending submission with its row as it is now. `problem` None: nothing is wrong, as far as was looked."""

    invoice_id: str
    account: str
    invoice_number: str | None
    seller_siren: str | None
    issue_date: date | None
    total: Decimal | None
    currency: str | None
    document: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class BacklogFilter:
    """Issue dates from `since` to `until`, both included."""

    since: date
    until: date | None
    account: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What would be set to pending: `invoices`; `skipped` would not be ready, and stay as they are.

    `also_ready`: rows that say pending already, which a lower submit_from alone would make ready; only the first portion counts them.
    """

    invoices: int
    skipped: int
    totals: Mapping[str, str]  # by currency
    first: str | None
    last: str | None
    without_document: int
    without_number: int
    without_seller: int
    submit_from: str | None
    also_ready: int

    @property
    def examined(self) -> int:
        return self.invoices + self.skipped


@dataclass(frozen=True, slots=True)
class BacklogPortion(Backlog):
    """The same of one portion."""

    after: str | None  # where the next portion begins; None: there are no more


@dataclass(frozen=True, slots=True)
class Portion:
    """What one transaction did. `skipped` rows would not have become ready; `last` None: there are no more."""

    submitted: int
    skipped: int
    last: str | None
