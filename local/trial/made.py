"""A document made from what the company's row says, where there is none of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from local.invoices import BUYERS, Company, Line, SampleInvoice, render


class DocumentError(Exception):
    """An invoice's document cannot be brought; the message goes on from the invoice's number."""


def made_from(row: Any) -> bytes:
    """An UBL invoice with the row's number, seller, date and total, to one of the simulator's buyers.

    Raises:
        DocumentError: the row does not say enough.
        ValueError: it cannot be an invoice, for instance because its number is too long.
    """
    lacking = [name for name in ("invoice_number", "seller_siren") if getattr(row, name) is None]
    if lacking:
        raise DocumentError(f"gets no document: its row does not say {', '.join(lacking)}")
    try:
        return render(_invoice(row), "ubl")
    except (ValueError, OverflowError) as error:
        raise DocumentError(f"gets no document: {error}") from None


def _invoice(row: Any) -> SampleInvoice:
    issued = row.issue_date or datetime.now(UTC).date()
    buyer = BUYERS[sum(row.invoice_id.encode()) % len(BUYERS)]
    return SampleInvoice(
        number=row.invoice_number,
        seller=Company("Vendeur", row.seller_siren),
        buyer=buyer,
        issue_date=issued,
        due_date=issued + timedelta(days=30),
        lines=tuple(_lines(Decimal("120.00") if row.total is None else _to_the_cent(row.total))),
    )


def _to_the_cent(total: Decimal) -> Decimal:
    if not total.is_finite():
        raise ValueError(f"its total is {total}")
    try:
        return total.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise ValueError(f"its total has too many digits: {total:.3e}") from None


def _lines(total: Decimal) -> Sequence[Line]:
    """Lines whose sum with VAT is the total, to the cent: what 20 % cannot hit, a line at 5.5 % of a few cents does."""
    sign = -1 if total < 0 else 1
    for small in range(20):
        rest = abs(total) - Decimal(small) / 100
        net = (rest / Decimal("1.2")).quantize(Decimal("0.01"))
        lines = [Line("D'après la ligne de la table", Decimal(sign), net)]
        if small:
            lines.append(Line("Arrondi", Decimal(sign), Decimal(small) / 100, Decimal("5.5")))
        if _sum(lines) == total:
            return lines
    raise ValueError(f"no lines make its total of {total}")


def _sum(lines: Sequence[Line]) -> Decimal:
    day = date(2026, 9, 1)
    return SampleInvoice("N", SOMEBODY, SOMEBODY, day, day, tuple(lines)).total


SOMEBODY = BUYERS[0]
