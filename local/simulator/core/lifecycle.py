"""What becomes of a deposit: its verdict, and every status it will show with the instant of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from local.simulator.core.clock import identifier
from local.simulator.core.companies import UNREACHABLE
from local.simulator.core.settings import Settings

CODES = {
    "SUBMITTED": "200", "ISSUED": "201", "RECEIVED": "202", "MADE_AVAILABLE": "203", "IN_HAND": "204",
    "APPROVED": "205", "PARTIALLY_APPROVED": "206", "DISPUTED": "207", "SUSPENDED": "208", "COMPLETED": "209",
    "REFUSED": "210", "PAYMENT_SENT": "211", "PAYMENT_RECEIVED": "212", "REJECTED": "213", "CANCELLED": "220",
    "UNACCEPTABLE": "501",
}  # fmt: skip
NAMES = {number: code for code, number in CODES.items()}
FINAL = {"REFUSED", "REJECTED", "CANCELLED", "UNACCEPTABLE"}
OPPOSITES = {"APPROVED": "REFUSED", "REFUSED": "APPROVED"}
UNKNOWN_CODE = "TELEPORTED"
REASONS = {
    "206": ("QUANTITY_INCORRECT", "QTE_ERR", "Two of three boxes arrived"),
    "207": ("ITEM_QUALITY_INSUFFICIENT", "QUALITE_ERR", "Half of the boxes were wet"),
    "208": ("MISSING_DOCUMENTS", "JUSTIF_ABS", "The delivery note is missing"),
    "210": ("LEGAL_INFORMATION_MISSING", "NON_CONFORME", "The late-payment mention is missing"),
    "213": ("EINVOICING_ADDRESS_INCORRECT", "ADR_ERR", "The recipient's platform does not serve this address"),
}


class Verdict(StrEnum):
    """What the platform thinks of a deposit."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    VIOLATION = "violation"
    DUPLICATE = "duplicate"
    NO_ROUTE = "no route"
    UNREACHABLE = "unreachable"

    @property
    def refused(self) -> bool:
        return self not in {Verdict.ACCEPTED, Verdict.UNREACHABLE}


SEARCH_STATES = {
    Verdict.UNREADABLE: "INVALID",
    Verdict.VIOLATION: "INVALID",
    Verdict.DUPLICATE: "DUPLICATED",
    Verdict.NO_ROUTE: "WRONG_ROUTING",
    Verdict.UNREACHABLE: "NOT_TRANSMITTED",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a status says no; `errors` are the schema's or the rules' own words."""

    code: str
    message: str
    network_code: str | None = None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """One entry of a life cycle; `author` is PLATFORM, BUYER or SELLER."""

    id: str
    at: float
    code: str
    destination: str = "OPERATOR"
    author: str = "PLATFORM"
    reason: Reason | None = None
    network_code: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """A verdict with its reason, and the code at which a good invoice stops (see companies.BEHAVIOURS)."""

    verdict: Verdict
    reason: Reason | None = None
    stops_at: str = "203"


def plan(deposit_id: str, at: float, fate: Fate, settings: Settings) -> tuple[Status, ...]:
    """Every status that the deposit will ever get from platform and buyer, in order."""
    if fate.verdict.refused:
        code = "UNACCEPTABLE" if fate.verdict is Verdict.UNREADABLE else "REJECTED"
        steps = [(settings.delay_submitted, code, "OPERATOR", "PLATFORM", fate.reason)]
    else:
        steps = with_twists(good_steps(fate.stops_at, settings), settings.lifecycle_twists)
    if "twice" in settings.lifecycle_twists:
        steps = [again for step in steps for again in (step, step)]
    moments = [at if "early" in settings.lifecycle_twists else at + step[0] / settings.speed for step in steps]
    return tuple(
        Status(status_id(settings, moment, index, deposit_id), moment, code, destination, author, reason,
               network_code(code, author))
        for index, (moment, (_, code, destination, author, reason)) in enumerate(zip(moments, steps, strict=True))
    )  # fmt: skip


def status_id(settings: Settings, at: float, index: int, deposit_id: str) -> str:
    if settings.status_ids == "constant":
        return f"S-{deposit_id}"
    return identifier(settings.status_ids, at, index + 1, deposit_id, index)


Step = tuple[float, str, str, str, Reason | None]


def good_steps(stops_at: str, settings: Settings) -> list[Step]:
    """Delay, code, destination, author and reason of each status of an invoice that passed the platform's checks."""
    steps: list[Step] = [
        (settings.delay_submitted, "SUBMITTED", "PPF", "PLATFORM", None),
        (settings.delay_submitted, "SUBMITTED", "OPERATOR", "PLATFORM", None),
        (settings.delay_issued, "ISSUED", "OPERATOR", "PLATFORM", None),
        (settings.delay_received, "RECEIVED", "OPERATOR", "PLATFORM", None),
        (settings.delay_available, "MADE_AVAILABLE", "OPERATOR", "PLATFORM", None),
        (settings.delay_in_hand, "IN_HAND", "OPERATOR", "BUYER", None),
    ]
    if stops_at == UNREACHABLE:
        return steps[:2]
    if stops_at in {"201", "202", "203", "204"}:
        return steps[: int(stops_at) - 198]
    if stops_at == "213":
        return [*steps[:3], decision("213", settings, author="PLATFORM")]
    if stops_at == "211":
        return [*steps, decision("205", settings), (settings.delay_payment, "PAYMENT_SENT", "OPERATOR", "BUYER", None)]
    return [*steps, decision(stops_at, settings)]


def with_twists(steps: list[Step], twists: tuple[str, ...]) -> list[Step]:
    """The same steps and, at the instant of the last one, what a client must survive."""
    delay, code, *_ = steps[-1]
    more: list[Step] = []
    if "contradictory" in twists:
        more.append((delay, OPPOSITES.get(code, "DISPUTED"), "OPERATOR", "BUYER", None))
    if "unknown_codes" in twists:
        more.append((delay, UNKNOWN_CODE, "OPERATOR", "PLATFORM", None))
    return steps + more


def decision(number: str, settings: Settings, author: str = "BUYER") -> Step:
    found = REASONS.get(number)
    reason = Reason(found[0], found[2], found[1]) if found else None
    return (settings.delay_decision, NAMES[number], "OPERATOR", author, reason)


def network_code(code: str, author: str) -> str | None:
    """Iopole leaves the French number out of what it says itself, so clients must not depend on it."""
    return CODES.get(code) if author != "PLATFORM" or code in {"RECEIVED", "MADE_AVAILABLE"} else None


def state(verdict: Verdict, latest: str | None) -> str:
    """The search state of a deposit whose newest visible status is `latest`."""
    if latest is None:
        return "PENDING"
    if verdict in SEARCH_STATES:
        return SEARCH_STATES[verdict]
    if latest == "REJECTED":
        return "NOT_DELIVERED"
    return {"SUBMITTED": "VALID", "ISSUED": "DELIVERY_PENDING"}.get(latest, "DELIVERED")
