"""All platforms in one installation: each has an account, and invoices are spread over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from random import Random

from local.torture.afnor.wire import AFNOR
from local.torture.company import OF_ANOTHER
from local.torture.iopole import IOPOLE
from local.torture.points import Interrupt
from local.torture.schedule import LARGE, USUAL_HAPPENINGS, WITNESS, Happening, Order, Schedule
from local.torture.site import ACCOUNTS
from local.torture.superpdp.wire import SUPERPDP
from local.torture.wire import Wire

PARTS = (IOPOLE, SUPERPDP, AFNOR)
OF_A_PLATFORM = frozenset({"outage", "lie", "throw", "crowd", "fail_requests", "refuse_connections", "revoke_tokens"})
OF_NOBODY = frozenset(
    {"webhook", "by_hand"}
)  # a pull's; and of an upload nobody says anything to the platform that comes next
MOST_ORDERS = 6  # of a platform, in a random schedule
SETTINGS = {"STATUS_SOURCE": "auto"}
MOVED = Happening(6, "person", details={"operation": "route", "account": "default", "to": "second"})
USUAL = (
    Order(),
    Order(size=LARGE),
    Order(faults=("lost_answer",)),
    Order(faults=("503_stored",)),
    Order("unroutable", correct=True),
)


def joined(verbs: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Every port with all its verbs."""
    ports = dict.fromkeys(chain.from_iterable(verbs))
    return {port: tuple(dict.fromkeys(verb for each in verbs for verb in each.get(port, ()))) for port in ports}


def request_kind(method: str, path: str) -> str | None:
    """By the platform that has such paths."""
    for part, beginning in ((AFNOR, "/flow-service/"), (SUPERPDP, "/v1.beta/"), (SUPERPDP, "/oauth2/"), (IOPOLE, "/")):
        if path.startswith(beginning):
            return part.request_kind(method, path)
    return None


def source_that_reaches(_point: str) -> str:
    return SETTINGS["STATUS_SOURCE"]


MIXED = replace(
    IOPOLE,
    name="mixed",
    verbs=joined([each.verbs for each in PARTS]),
    requests=tuple(dict.fromkeys(request for each in PARTS for request in each.requests)),
    request_kind=request_kind,
    source_that_reaches=source_that_reaches,
    parts=PARTS,
)


def usual(name: str, interrupts: tuple[Interrupt, ...], mutant: str | None) -> Schedule:
    """Some invoices of each platform, with one move from the first to the second."""
    whole = Schedule(name, 0, (), interrupts, settings=SETTINGS, mutant=mutant)
    parts = [replace(whole, orders=_orders_of(USUAL, account), platform=each.name) for each, account in _placed()]
    return _together(whole, parts, [*USUAL_HAPPENINGS, MOVED])


def mixture(seed: int, parts: Sequence[Schedule], interrupts: tuple[Interrupt, ...]) -> Schedule:
    """One schedule of those of the platforms; what the company, AWS and persons do is the first one's."""
    dice = Random(f"mixed {seed}")  # noqa: S311  repeatable
    first, days = parts[0], max(float(each.settings["FOLLOW_UP_DAYS"]) for each in parts)
    settings = {**first.settings, **SETTINGS, "FOLLOW_UP_DAYS": str(days)}
    fitted = [
        replace(
            part, orders=_orders_of(_plain(part.orders)[:MOST_ORDERS], account), strangers=(), mute=False, clients="one",
            settings=settings, interrupts=(),
            happenings=tuple(replace(each, platform=part.platform) for each in part.happenings if each.what in OF_A_PLATFORM),
        )
        for part, (_, account) in zip(parts, _placed(), strict=True)
    ]  # fmt: skip
    others = [each for each in first.happenings if each.what not in OF_A_PLATFORM | OF_NOBODY and not _is_routing(each)]
    moved = [replace(MOVED, at=dice.randint(2, 20))] if dice.random() < 0.4 else []
    whole = replace(first, orders=(), interrupts=interrupts, settings=settings, mute=False, clients="one", strangers=())
    return _together(whole, fitted, [*others, *moved])


def _together(whole: Schedule, parts: Sequence[Schedule], others: Sequence[Happening]) -> Schedule:
    happenings = [*others, *(happening for part in parts for happening in part.happenings)]
    return replace(
        whole, orders=tuple(order for part in parts for order in part.orders), platform=MIXED.name, rates={}, switches={},
        happenings=tuple(sorted(happenings, key=lambda each: each.at)), parts={part.platform: part for part in parts},
    )  # fmt: skip


def _placed() -> list[tuple[Wire, str]]:
    return list(zip(PARTS, ACCOUNTS, strict=True))


def _plain(orders: Sequence[Order]) -> list[Order]:
    """Without those that are never heard of, and without the witnesses, which are an account's; whose number the next takes stays."""
    found = [each for each in orders if each.kind != "mute"]
    named = [each.kind in OF_ANOTHER for each in found[1:]] + [False]
    return [
        each
        for each, taken in zip(found, named, strict=True)
        if taken or each.faults or each.later or each.kind != "good"
    ]


def _orders_of(orders: Sequence[Order], account: str) -> tuple[Order, ...]:
    """These, and for each seller one that nothing happens to."""
    placed = [replace(each, account=account) for each in orders]
    while placed and placed[0].kind in OF_ANOTHER:
        del placed[0]
    sellers = dict.fromkeys((each.seller + (each.kind == "namesake")) % 3 for each in placed)
    return (*(replace(WITNESS, account=account, seller=seller) for seller in sellers), *placed)


def _is_routing(happening: Happening) -> bool:
    return happening.details.get("operation") == "route"
