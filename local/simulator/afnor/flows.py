"""Flows: the same ledger as files that go out and come in. An invoice is one, and so is each status of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local.simulator.afnor.acknowledgement import Acknowledgement, planned
from local.simulator.afnor.versions import VERSIONS
from local.simulator.core.clock import iso
from local.simulator.core.invoice import Format
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, Status
from local.simulator.core.oddities import dated, spelt, with_date
from local.simulator.core.settings import Settings
from local.simulator.core.showing import visible
from local.simulator.core.world import World

SYNTAXES = {Format.CII: "CII", Format.UBL: "UBL", Format.FACTURX: "Factur-X"}
STEPS = {"seconds": 1.0, "millis": 0.001, "minutes": 60.0}
TO_THE_STATE = "PPF"  # statuses for the administration are none of the company's flows


@dataclass(frozen=True, slots=True)
class Signal:
    """What came with a file: the fields of flowInfo that are repeated, and the acknowledgement that it will get."""

    acknowledgement: Acknowledgement
    syntax: str | None = None
    profile: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A lifecycle message that the company sent."""

    signal: Signal
    name: str
    key: str
    content: bytes


@dataclass(slots=True)
class Signals:
    """What this wire remembers beside the ledger, by the ids of deposits and of statuses."""

    of_deposits: dict[str, Signal] = field(default_factory=dict)
    of_statuses: dict[str, Sent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """A file that the platform has: a deposited or received invoice, or the lifecycle message of a status."""

    id: str
    name: str
    type: str
    direction: str
    signal: Signal
    submitted_at: float
    updated_at: float
    deposit: Deposit
    key: str = ""
    status: Status | None = None
    content: bytes | None = None


def signal_of(deposit: Deposit, world: World) -> Signal:
    """What a client said of a deposit; what others deposited was acknowledged at once."""
    known = world.kept(Signals).of_deposits.get(deposit.id)
    if known is not None:
        return known
    at_once = Acknowledgement(deposit.at)
    return Signal(at_once if deposit.foreign else planned(deposit.at, deposit.fate, world.settings))


def flows(world: World, account: str, now: float) -> Iterator[Flow]:
    """Every flow of an account as the index has it by now."""
    for deposit in world.ledger.by_account[account]:
        if visible(world, deposit, world.clock.now()):
            yield invoice_flow(deposit, now, world)
        yield from lifecycle_flows(deposit, now, world)


def find(world: World, account: str, flow_id: str) -> Flow | None:
    """The flow with an id, as it is."""
    now = world.clock.now()
    deposit = world.ledger.find(flow_id, account)
    if deposit is not None:
        return invoice_flow(deposit, now, world)
    entries = world.ledger.by_status.get(flow_id, ())
    deposits = [world.ledger.shown[place][0] for _, place in entries]
    of_ours = (each for each in deposits if each.account == account)
    found = (flow for each in of_ours for flow in lifecycle_flows(each, now, world) if flow.id == flow_id)
    return next(found, None)


def invoice_flow(deposit: Deposit, now: float, world: World) -> Flow:
    signal, out = signal_of(deposit, world), deposit.direction == "OUTBOUND"
    changed = signal.acknowledgement.at if signal.acknowledgement.due(now) else None
    kind = "CustomerInvoice" if out else "SupplierInvoice"
    return Flow(
        deposit.id,
        deposit.filename,
        kind,
        "Out" if out else "In",
        signal,
        deposit.at,
        changed or deposit.at,
        deposit,
        deposit.key,
    )


def lifecycle_flows(deposit: Deposit, now: float, world: World) -> Iterator[Flow]:
    """A lifecycle message for each status that the company hears of, or sent."""
    silent = signal_of(deposit, world).acknowledgement.silent
    kind = "CustomerInvoiceLC" if deposit.direction == "OUTBOUND" else "SupplierInvoiceLC"
    for status in deposit.visible(now - world.settings.history_lag):
        if status.destination == TO_THE_STATE or (silent and status.reason is deposit.fate.reason):
            continue
        sent = world.kept(Signals).of_statuses.get(status.id)
        if sent is not None:
            yield sent_flow(sent, status, deposit, kind, now)
            continue
        name = f"CDV_{deposit.number or deposit.id}_{CODES.get(status.code, status.code)}.xml"
        signal = Signal(Acknowledgement(status.at), "CDAR")
        yield Flow(status.id, name, kind, "In", signal, status.at, status.at, deposit, "", status)


def sent_flow(sent: Sent, status: Status, deposit: Deposit, kind: str, now: float) -> Flow:
    ack = sent.signal.acknowledgement
    updated_at = ack.at if ack.at is not None and ack.due(now) else status.at
    return Flow(
        status.id, sent.name, kind, "Out", sent.signal, status.at, updated_at, deposit, sent.key, status, sent.content
    )


def shown(flow: Flow, now: float, settings: Settings) -> dict[str, Any]:
    """A flow as JSON."""
    undefined, signal, deposit = VERSIONS[settings.afnor_version].undefined, flow.signal, flow.deposit
    written_as = SYNTAXES.get(deposit.invoice.format) if deposit.invoice else None
    found: dict[str, Any] = {
        "flowId": flow.id,
        **tracking(flow, settings),
        "name": deposit.sent if "search" in settings.quotes else flow.name,
        "flowSyntax": signal.syntax or written_as or "CII",
        "flowProfile": signal.profile or undefined,
        "processingRule": signal.rule or ("B2B" if signal.acknowledgement.due(now) else undefined),
        "processingRuleSource": "Input" if signal.rule else "Computed",
        "flowType": spelt(flow.type, settings),
        "flowDirection": spelt(flow.direction, settings),
        "acknowledgement": acknowledged(flow, now, settings),
    }
    for name, at in (("submittedAt", flow.submitted_at), ("updatedAt", flow.updated_at)):
        with_date(found, name, date_shown(name, at, settings))
    return {name: value for name, value in found.items() if value is not None or name == "trackingId"}


def acknowledged(flow: Flow, now: float, settings: Settings) -> dict[str, object]:
    found = flow.signal.acknowledgement.shown(now)
    return {**found, "status": spelt(str(found["status"]), settings)}


def tracking(flow: Flow, settings: Settings) -> dict[str, str | None]:
    """The trackingId, or what a platform makes of it."""
    if not flow.key or settings.tracking_shown == "absent":
        return {}
    made: dict[str, str | None] = {
        "null": None, "lower": flow.key.lower(), "upper": flow.key.upper(), "cut": flow.key[: len(flow.key) // 2],
    }  # fmt: skip
    return {"trackingId": made.get(settings.tracking_shown, flow.key)}


def date_shown(name: str, at: float, settings: Settings) -> Any:
    """A date as it is written: whole seconds, or what the switches make of it."""
    if any(each.startswith(f"{name}@") for each in settings.status_dates):
        return dated(name, at, settings)
    written = iso(rounded(at, settings))
    return written if settings.flow_dates == "millis" else f"{written[:19]}Z"


def rounded(at: float, settings: Settings) -> float:
    """The instant that is shown and compared: no more exact than the platform is."""
    step = STEPS[settings.flow_dates]
    return round(at // step * step, 3)
