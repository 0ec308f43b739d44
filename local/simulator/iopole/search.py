"""Search over deposits: which fields there are, who matches, and what a result looks like."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from local.simulator.core import showing
from local.simulator.core.clock import iso
from local.simulator.core.invoice import Format, Invoice, Party
from local.simulator.core.ledger import Deposit
from local.simulator.core.settings import Settings
from local.simulator.core.world import World
from local.simulator.iopole import dialect, paging, query, strangers
from local.simulator.iopole.query import Node, QueryError
from local.simulator.iopole.render import business_data

CANONICAL = {
    "invoiceid": "number",
    "state": "state",
    "direction": "direction",
    "createddate": "created",
    "createdate": "created",
    "invoicedate": "issued",
    "total": "total",
    "seller.name": "seller.name",
    "sendername": "seller.name",
    "seller.siren": "seller.siren",
    "seller.electronicaddress": "seller.address",
    "buyer.name": "buyer.name",
    "receivername": "buyer.name",
    "buyer.siren": "buyer.siren",
    "buyer.electronicaddress": "buyer.address",
}
STATE_FIELDS, DATE_FIELDS = {"state", "direction"}, {"created"}


def canonical(node: Node, settings: Settings) -> Node:
    """The query with the simulator's own field names; QueryError for fields that this account does not have."""
    if isinstance(node, query.Term):
        term = replace(node, field=field_name(node.field, settings))
        loose = settings.search_loose and term.field == "number" and term.operator in {"", "="}
        return replace(term, operator=query.LOOSE) if loose else term
    if isinstance(node, query.Not):
        return query.Not(canonical(node.inner, settings))
    parts = node.parts[: settings.search_terms or None] if isinstance(node, query.Or) else node.parts
    return replace(node, parts=tuple(canonical(part, settings) for part in parts))


def field_name(written: str, settings: Settings) -> str:
    prefixed = written.startswith("invoice.")
    name = CANONICAL.get(written.removeprefix("invoice.").lower())
    spelling_refused = settings.search_fields == ("bare" if prefixed else "prefixed")
    withheld = (not settings.search_dates and name in DATE_FIELDS) or (
        not settings.search_states and name in STATE_FIELDS
    )
    if name is None or spelling_refused or withheld:
        raise QueryError(f"unknown field {written}")
    return name


def find(world: World, account: str, written: str) -> list[Deposit]:
    """All deposits of an account that match, in the order of the results; an empty query matches everything."""
    settings, now = world.settings, world.clock.now() - world.settings.search_lag
    node = canonical(query.parse(written), settings) if written.strip() else None
    numbers = query.alternatives(node, "number") if node and settings.search_strangers else None
    pool = candidates(world, account, node)
    there = [each for each in pool if showing.visible(world, each, world.clock.now())]
    found = [each for each in there if node is None or node.matches(View(each, now))]
    for number in sorted(numbers or ()):
        met = strangers.strangers(world, account, number, query.required(node, "seller.siren") if node else None)
        found += [each for each in met if each not in found]
    ordered = sorted(found, key=lambda each: each.at, reverse=settings.search_order == "newest")
    return paging.cached(world, account, ordered[: settings.search_most or None])


def candidates(world: World, account: str, node: Node | None) -> list[Deposit]:
    """Those that may match: by number or by date where the query says so plainly, else all."""
    numbers = query.alternatives(node, "number") if node and not world.settings.search_loose else None
    if numbers is not None:
        return [each for number in numbers for each in world.ledger.by_number[account, number]]
    pool = world.ledger.by_account[account]
    low, high = query.span_of(node, "created") if node else (-math.inf, math.inf)
    return pool[bisect_left(pool, low, key=deposited) : bisect_right(pool, high, key=deposited)]


def deposited(deposit: Deposit) -> float:
    return deposit.at


@dataclass(frozen=True, slots=True)
class View:
    """A deposit as the index sees it: a field is worked out when the query asks for it."""

    deposit: Deposit
    now: float

    def __getitem__(self, field: str, /) -> query.Value:
        return GETTERS[field](self.deposit, self.deposit.invoice or NOTHING, self.now)


NOTHING = Invoice(Format.CII, "", None, None, None, Party(), Party(), None, None)
GETTERS: dict[str, Callable[[Deposit, Invoice, float], query.Value]] = {
    "number": lambda deposit, invoice, now: invoice.number,
    "state": lambda deposit, invoice, now: deposit.state(now),
    "direction": lambda deposit, invoice, now: deposit.direction,
    "created": lambda deposit, invoice, now: deposit.at,
    "seller.name": lambda deposit, invoice, now: invoice.seller.name,
    "seller.siren": lambda deposit, invoice, now: invoice.seller.siren,
    "seller.address": lambda deposit, invoice, now: invoice.seller.address,
    "buyer.name": lambda deposit, invoice, now: invoice.buyer.name,
    "buyer.siren": lambda deposit, invoice, now: invoice.buyer.siren,
    "buyer.address": lambda deposit, invoice, now: invoice.buyer.address,
    "total": lambda deposit, invoice, now: float(invoice.total) if invoice.total else None,
    "issued": lambda deposit, invoice, now: midnight(invoice.issue_date) if invoice.issue_date else None,
}


def midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def result(deposit: Deposit, expand: set[str], world: World) -> dict[str, object]:
    """One element of `data`."""
    now = world.clock.now() - world.settings.search_lag
    latest = deposit.latest(now)
    shown: dict[str, object] = {
        "metadata": {
            "invoiceId": deposit.id,
            "state": deposit.state(now),
            "direction": deposit.direction,
            world.settings.create_date_key: iso(deposit.at),
        }
    }
    if "lastStatusData" in expand:
        shown["lastStatusData"] = latest and {"code": latest.code, "state": "DELIVERED", "date": iso(latest.at)}
    if "businessData" in expand:
        shown["businessData"] = business_data(deposit.invoice)
    return dialect.entry(shown, latest, deposit, world.settings)
