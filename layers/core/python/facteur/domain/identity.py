"""When a deposit that the platform shows is an invoice's, where there is no copy of the bytes to compare: pure functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol


class Named(Protocol):
    """What names an invoice; None: not known, or not shown."""

    @property
    def invoice_number(self) -> str | None: ...
    @property
    def seller_siren(self) -> str | None: ...
    @property
    def total(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...


def same_invoice(shown: Named, sent: Named) -> bool:
    """Number, seller, amount and currency are all shown, all known, and all agree."""
    return all(verdict is True for verdict in _compared(shown, sent).values())


def may_be_of(shown: Named, sent: Named) -> bool:
    """Nothing that is shown differs."""
    return all(verdict is not False for verdict in _compared(shown, sent).values())


def may_share_number(one: Named, other: Named) -> bool:
    """Neither number nor seller is known to differ: a seller gives a number once."""
    return not {"number", "seller"} & set(differing(one, other))


def not_shown(shown: Named, sent: Named) -> list[str]:
    """What there is to compare with and is not shown: no evidence for or against."""
    return [name for name, verdict in _compared(shown, sent).items() if verdict is None]


def differing(shown: Named, sent: Named) -> list[str]:
    return [name for name, verdict in _compared(shown, sent).items() if verdict is False]


def plain(number: str | None) -> str:
    """Case and spaces do not make another number."""
    return "".join(str(number or "").split()).casefold()


def _compared(shown: Named, sent: Named) -> dict[str, bool | None]:
    """Whether they agree in each; None where one of them does not say."""
    pairs = {
        "number": (plain(shown.invoice_number) or None, plain(sent.invoice_number) or None),
        "seller": (shown.seller_siren, sent.seller_siren),
        "amount": (shown.total, sent.total),
        "currency": (_upper(shown.currency), _upper(sent.currency)),
    }
    return {name: None if theirs is None or ours is None else theirs == ours for name, (theirs, ours) in pairs.items()}


def _upper(currency: str | None) -> str | None:
    return currency.strip().upper() or None if currency else None
