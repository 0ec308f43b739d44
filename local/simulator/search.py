"""Search over deposits: which fields there are, who matches, and what a result looks like."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

from local.simulator import query
from local.simulator.clock import iso, uuid7
from local.simulator.invoice import Invoice
from local.simulator.ledger import Deposit
from local.simulator.lifecycle import Fate, Verdict
from local.simulator.query import Node, QueryError, Record
from local.simulator.render import business_data
from local.simulator.settings import Settings
from local.simulator.world import World

CANONICAL = {
    "invoiceid": "number", "state": "state", "direction": "direction", "createddate": "created",
    "createdate": "created", "seller.name": "seller.name", "sendername": "seller.name",
    "seller.siren": "seller.siren", "seller.electronicaddress": "seller.address", "buyer.name": "buyer.name", "receivername": "buyer.name",
    "buyer.siren": "buyer.siren", "buyer.electronicaddress": "buyer.address", "invoicedate": "issued", "total": "total",
}  # fmt: skip
STATE_FIELDS, DATE_FIELDS = {"state", "direction"}, {"created"}


def canonical(node: Node, settings: Settings) -> Node:
    """The query with the simulator's own field names; QueryError for fields that this account does not have."""
    if isinstance(node, query.Term):
        return replace(node, field=field_name(node.field, settings))
    if isinstance(node, query.Not):
        return query.Not(canonical(node.inner, settings))
    return replace(node, parts=tuple(canonical(part, settings) for part in node.parts))


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
    number = query.required(node, "number") if node else None
    pool = world.ledger.by_number[account, number] if number is not None else world.ledger.by_account[account]
    matching = [each for each in pool if each.at <= now and (node is None or node.matches(record(each, now)))]
    if number is not None and settings.search_strangers:
        matching += [stranger for each in matching[:1] for stranger in strangers(each)]
    return sorted(matching, key=lambda each: each.at, reverse=settings.search_order == "newest")


def record(deposit: Deposit, now: float) -> Record:
    invoice = deposit.invoice
    base: dict[str, query.Value] = dict.fromkeys(CANONICAL.values())
    base |= {"state": deposit.state(now), "direction": deposit.direction, "created": deposit.at}
    if invoice is None:
        return base
    issued = datetime.combine(invoice.issue_date, time(), UTC).timestamp() if invoice.issue_date else None
    base |= {"number": invoice.number, "issued": issued, "total": float(invoice.total) if invoice.total else None}
    for role, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
        base |= {f"{role}.name": party.name, f"{role}.siren": party.siren, f"{role}.address": party.address}
    return base


def strangers(deposit: Deposit) -> list[Deposit]:
    """Foreign invoices of the same number: another seller's, last year's, and an inbound one."""
    invoice = deposit.invoice
    if invoice is None:
        return []
    other = replace(invoice, seller=replace(invoice.seller, siren="999999998", address="0225:999999998"))
    last_year = replace(
        invoice,
        issue_date=invoice.issue_date and invoice.issue_date.replace(day=1, year=invoice.issue_date.year - 1),
        total="1.00",
    )
    return [
        stranger(deposit, other, "OUTBOUND", 1),
        stranger(deposit, last_year, "OUTBOUND", 2),
        stranger(deposit, invoice, "INBOUND", 3),
    ]


def stranger(deposit: Deposit, invoice: Invoice, direction: str, index: int) -> Deposit:
    at = deposit.at - index
    return Deposit(
        uuid7(at, deposit.id, index), deposit.account, at, "x.xml", b"", "", invoice, Fate(Verdict.ACCEPTED), direction
    )


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
    return shown
