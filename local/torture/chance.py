"""Random schedules: the same seed makes the same one. How the processes interleave is the machine's own dice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from local.torture.company import OF_ANOTHER, seller_of
from local.torture.mixed import mixture
from local.torture.points import IN_A_BODY, KILL, STALL, Interrupt
from local.torture.refusing import REFUSALS as AWS_REFUSALS
from local.torture.resisting import REFUSALS
from local.torture.schedule import HUGE, LARGE, WITNESS, Happening, Order, Schedule
from local.torture.wire import Chance, Hostility, Wire
from local.torture.wires import USUAL_WIRE, WIRES

SPOILT = ("not JSON", "{}", '{"client_id": 3, "client_secret": "x"}', '["simulator"]')
LATEST_ROUND = 25
CAP_OF_MANY_PAGES = 20  # entries of a page
LATEST_SHOWN_SECONDS = 200.0  # of what shows late for its size; with the usual lag, before a doubt is sent again
STRUCK_IN_A_BODY = 0.4  # of the large documents
SKEWS = (90.0, 200.0, 3_600.0, 7_200.0, 6 * 3_600.0)  # of the database's clock against everybody else's, either way


def random_schedule(seed: int, mutant: str | None = None, platform: str = USUAL_WIRE) -> Schedule:
    """A run in which many things go wrong at once."""
    wire = WIRES[platform]
    if wire.parts:
        dice = Random(f"struck {seed}")  # noqa: S311  repeatable
        interrupts = tuple(_interrupt(dice, wire) for _ in range(dice.choice((0, 1, 1, 2, 3))))
        return mixture(seed, [_of_one(seed, each, mutant) for each in wire.parts], interrupts)
    return _of_one(seed, wire, mutant)


def _of_one(seed: int, wire: Wire, mutant: str | None) -> Schedule:
    dice = Random(seed)  # noqa: S311  repeatable
    contradictory = dice.random() < 0.1
    extra = Random(f"news {seed}")  # noqa: S311  repeatable
    source = extra.choice(wire.hostility.sources)
    clients = extra.choice(("one", "one", "one", "two", "same"))
    mute = Random(f"mute {seed}").random() < 0.08  # noqa: S311  repeatable
    happened = [
        *_happenings(dice, clients, wire.hostility),
        *_webhook(Random(f"webhook {seed}"), source, mute=mute),  # noqa: S311
        *_at_the_platform(Random(f"at the platform {seed}"), clients),  # noqa: S311
    ]
    happenings = tuple(sorted(happened, key=lambda happening: happening.at))
    orders = [
        order for _ in range(dice.randint(3, 9)) for order in _orders(dice, wire.hostility, contradictory=contradictory)
    ]
    sizes = Random(f"size {seed}")  # noqa: S311  repeatable
    orders = _sized(sizes, orders)
    if not mute:
        orders = _lacking(Random(f"lacking {seed}"), orders)  # noqa: S311
    rare = list(_rarely(Random(f"rare {seed}"), wire.hostility))  # noqa: S311
    switches = _shown_in_time(wire.hostility.switches(dice, extra, source, contradictory), [*orders, *rare])
    placed = _with_witnesses(extra, [*orders, Order("mute")] if mute else orders, clients)
    schedule = Schedule(
        name=str(seed),
        seed=seed,
        orders=(
            *placed,
            *_apart(Random(f"apart {seed}"), wire.hostility, placed[0]),  # noqa: S311
            *(replace(each, account=placed[0].account, seller=placed[0].seller) for each in rare),
        ),
        interrupts=(
            *(_interrupt(dice, wire) for _ in range(dice.choice((0, 1, 1, 2, 3)))),
            *(_in_a_body(sizes) for each in orders if each.size and sizes.random() < STRUCK_IN_A_BODY),
        ),
        happenings=happenings,
        switches=switches,
        strangers=wire.hostility.strangers(extra, switches),
        rates=_rates(dice, wire.hostility, long_searches=0 < switches["search_cap"] < CAP_OF_MANY_PAGES),
        settings=_settings(dice)
        | {"STATUS_SOURCE": source}
        | {
            "FOLLOW_UP_DAYS": "400"
            if mute
            else wire.hostility.followed(source, {each.what for each in happenings}, switches)
        },
        shuffled=True,
        stacks=extra.choice((1, 1, 1, 2)),
        mute=mute,
        clients=clients,
        stall_seconds=dice.choice((20.0, 160.0, 820.0, 5000.0)),
        mutant=mutant,
        platform=wire.name,
    )
    return wire.hostility.fitting(schedule)


def _orders(dice: Random, hostility: Hostility, *, contradictory: bool) -> list[Order]:
    faults = tuple(dice.choice(hostility.on_deposit) for _ in range(dice.choice((0, 0, 1, 1, 2, 3))))
    later = tuple(dice.choice(hostility.on_deposit) for _ in range(dice.choice((0, 1, 2))))
    kinds = ["good"] * 10 + list(hostility.kinds)
    kind = dice.choice(kinds if contradictory else [*kinds, "bounced"])  # contradicted rejections are not believed
    correct = kind in {"refused", "unroutable", "nameless", "bounced", "taken"} and dice.random() < 0.7
    same = kind == "unroutable" and correct and dice.random() < 0.5
    if kind in {"twin", "rival", "namesake"}:
        return [Order(faults=faults), Order(kind, later)]
    return [Order(kind, faults, correct, same, later)]


def _sized(dice: Random, orders: list[Order]) -> list[Order]:
    """Some of several blocks. A twin has the document of the one before."""
    found: list[Order] = []
    for order in orders:
        drawn = dice.choices((0, LARGE, HUGE), (89, 10, 1))[0]
        found.append(replace(order, size=found[-1].size if order.kind == "twin" and found else drawn))
    return found


def _lacking(dice: Random, orders: list[Order]) -> list[Order]:
    """Some are corrected without a document at first."""
    return [replace(each, lacks=each.correct and not each.same_document and dice.random() < 0.1) for each in orders]


def _shown_in_time(switches: dict[str, Any], orders: Sequence[Order]) -> dict[str, Any]:
    """Where large documents show later, the largest does so in time, and the small ones early."""
    largest = max(each.size for each in orders)
    if not largest or not switches["search_lag_per_kb"]:
        return switches
    return switches | {"search_lag_per_kb": LATEST_SHOWN_SECONDS * 1000 / largest}


def _in_a_body(dice: Random) -> Interrupt:
    return Interrupt(dice.choice((KILL, STALL, STALL)), IN_A_BODY, dice.choice((1, 2, 3, 5, 8)))


def _apart(dice: Random, hostility: Hostility, like: Order) -> Iterator[Order]:
    """Of the same account and seller as another, which has a witness."""
    for kind in hostility.apart:
        if dice.random() < 0.15:
            faults = tuple(dice.choice(hostility.on_deposit) for _ in range(dice.choice((0, 1, 2))))
            yield Order(kind, faults, account=like.account, seller=like.seller)


def _rarely(dice: Random, hostility: Hostility) -> Iterator[Order]:
    if dice.random() < 0.25:
        yield Order(faults=(dice.choice(hostility.rare),), size=dice.choice((0, 0, LARGE)))


def _with_witnesses(dice: Random, orders: list[Order], clients: str) -> tuple[Order, ...]:
    """Several sellers, each account's invoices, and for each account and seller one that nothing happens to."""
    accounts = ["default"] if clients == "one" else ["default", "second"]
    sellers = dice.choice((1, 1, 2, 3))
    spread: list[Order] = []
    for order in orders:
        # what takes the number of the one before is the same account's, and its seller's unless it says otherwise
        like = spread[-1] if order.kind in OF_ANOTHER and spread else None
        account, seller = (like.account, like.seller) if like else (dice.choice(accounts), dice.randrange(sellers))
        in_bucket = like.in_bucket if like else dice.random() < 0.25
        spread.append(replace(order, account=account, seller=seller, in_bucket=in_bucket))
    issued = dict.fromkeys((order.account, seller_of(order)) for order in spread)
    return (*(replace(WITNESS, account=account, seller=seller) for account, seller in issued), *spread)


def _interrupt(dice: Random, wire: Wire) -> Interrupt:
    points = [each for each in wire.points if each != IN_A_BODY]
    return Interrupt(dice.choice((KILL, KILL, STALL)), dice.choice(points), dice.choice((1, 1, 2, 3, 5, 8, 12)))


# fmt: off
NEVER: Chance = (0.0, False, lambda _: {})  # unless the platform's own stands there
# what -> how likely, during a pass or before it, and its details
CHANCES: Mapping[str, Chance] = {
    "touch": (0.4, True, lambda d: {"rows": d.randint(1, 5)}),
    "save_stale": (0.3, True, lambda d: {"rows": d.randint(1, 3)}),
    "unfinish": (0.15, False, lambda d: {"rows": d.randint(1, 2)}),
    "write_late": (0.3, False, lambda d: {"orders": _late(d), "rounds": d.randint(1, 6)}),
    "insert_late": (0.3, False, lambda d: {"orders": _late(d), "rounds": d.randint(1, 6)}),
    "lock_rows": (0.2, False, lambda d: {"rows": d.randint(1, 4), "rounds": d.randint(1, 8)}),
    "refuse_write_backs": (0.2, False, lambda d: {"rows": d.randint(1, 3), "rounds": d.choice((3, 8, None)), "how": d.choice(REFUSALS)}),
    "rename_table": (0.1, False, lambda d: {"rounds": d.randint(1, 3)}),
    "shake_queue": (0.4, False, lambda d: {"lose": d.choice((0.0, 0.3, 1.0)), "double": d.choice((0.0, 0.5, 1.0))}),
    "echo": (0.3, False, lambda d: {}),
    "spoil_secret": (0.15, False, lambda d: {"rounds": d.randint(1, 8), "text": d.choice(SPOILT)}),
    "refuse_aws": (0.2, False, lambda d: {"rounds": d.randint(1, 8), **_refusal(d)}),
    "rotate_secret": (0.2, False, lambda d: {"revoke": d.random() < 0.7}),
    "revoke_tokens": (0.1, True, lambda d: {}),
    "outage": NEVER,
    "refuse_connections": (0.1, False, lambda d: {"rounds": d.randint(1, 5)}),
    "crash_postgres": (0.06, True, lambda d: {}),
    "skew": (0.15, False, lambda d: {"seconds": d.choice((-1, 1)) * d.uniform(0.5, 1) * d.choice(SKEWS)}),
    "lie": NEVER,
    "sever": (0.4, True, lambda d: {"nth": d.randint(1, 25)}),
    "save_id": (0.2, True, lambda d: {"rows": d.randint(1, 3), "deposit_id": d.choice((None, "stale-1"))}),
    "person": (0.35, True, lambda d: d.choice(PERSONS)),
    "blow": (0.3, True, lambda d: {}),
}
# fmt: on


PERSONS: tuple[Mapping[str, Any], ...] = (
    {"operation": "retry"}, {"operation": "retry"}, {"operation": "retry"}, {"operation": "reject"},
    {"operation": "adopt", "own": True}, {"operation": "adopt", "own": True}, {"operation": "adopt", "own": False},
    {"operation": "pause", "account": "default", "seconds": 600.0}, {"operation": "resume", "account": "default"},
    {"operation": "repin", "account": "default"},
)  # fmt: skip
ROUTED: Mapping[str, Any] = {"operation": "route", "account": "default", "to": "second"}


def _happenings(dice: Random, clients: str, hostility: Hostility) -> list[Happening]:
    found: list[Happening] = []
    for what, (likely, during, details) in {**CHANCES, **hostility.chances}.items():
        for _ in range(2):
            if dice.random() < likely and not (found and what in {"crash_postgres", "skew"} and found[-1].what == what):
                found.append(Happening(dice.randint(2, LATEST_ROUND), what, during, details(dice)))
    if clients != "one" and dice.random() < 0.3:
        found.append(Happening(dice.randint(2, LATEST_ROUND), "person", details=ROUTED))
    return found


def _webhook(dice: Random, source: str, *, mute: bool) -> list[Happening]:
    """One that takes the statuses of a pull."""
    taken = source == "pull" and not mute and dice.random() < 0.1
    return [Happening(dice.randint(2, LATEST_ROUND), "webhook")] if taken else []


def _at_the_platform(dice: Random, clients: str) -> list[Happening]:
    """What persons do on its pages. Where the company changes clients, nobody says to the next one what was uploaded to the former."""
    found = [
        Happening(dice.randint(1, LATEST_ROUND), "by_hand", details={"rows": 1, "known": dice.random() < 0.5}),
        Happening(
            dice.randint(5, LATEST_ROUND), "refuse_late", details={"offset_seconds": dice.choice((0.0, -3600.0))}
        ),
    ]
    drawn = [each for each in found if dice.random() < 0.15]
    return [each for each in drawn if clients == "one" or each.what != "by_hand"]


def _late(dice: Random) -> tuple[Order, ...]:
    return tuple(Order(faults=dice.choice(((), ("lost_answer",), ("503",)))) for _ in range(dice.randint(1, 3)))


def _refusal(dice: Random) -> dict[str, str]:
    service = dice.choice(("s3", "s3", "sqs", "secretsmanager"))
    return {"service": service, "code": dice.choice(list(AWS_REFUSALS[service]))}


def _rates(dice: Random, hostility: Hostility, *, long_searches: bool) -> dict[str, dict[str, float]]:
    """Of faults by endpoint. Where a question takes many pages, few of them fail: else a run would not end in its leaps."""
    chosen: dict[str, dict[str, float]] = {}
    for endpoint, faults in hostility.by_endpoint.items():
        if dice.random() < 0.2:
            picked = dice.sample(faults, 3)
            rate = dice.choice((0.03, 0.1))
            chosen[endpoint] = dict.fromkeys(picked, 0.02 if long_searches and endpoint == hostility.searches else rate)
    return chosen


def _settings(dice: Random) -> dict[str, str]:
    return {
        "REQUESTS_PER_MINUTE": dice.choice(("60000", "60000", "150")),
        "HISTORY_REQUESTS_PER_MINUTE": dice.choice(("60000", "60000", "60")),
        "MAX_IN_FLIGHT": str(dice.choice((1, 2, 4, 8))),
    }
