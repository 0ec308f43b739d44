"""Random schedules: the same seed makes the same one. How the processes interleave is the machine's own dice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from local.torture.points import KILL, POINTS, STALL, Interrupt
from local.torture.schedule import Happening, Order, Schedule

# Everything the simulator can do to a deposit but refuse it for good: that an invoice is refused is its kind's business.
ON_DEPOSIT = (
    "302", "400_html", "401", "403", "403_html", "404", "408", "429", "429_seconds", "429_date", "500", "502", "503", "504",
    "408_stored", "500_stored", "502_stored", "503_stored", "504_stored", "reset_unread", "reset", "lost_answer", "close",
    "close_stored", "timeout", "timeout_stored", "slow:0.2", "slow:0.7", "stored_late:0.7", "empty", "unreadable", "html", "no_id",
    "truncated", "202",
)  # fmt: skip
ON_READING = (
    "401", "403", "404", "408", "429", "429_seconds", "500", "502", "503", "reset", "close", "empty", "unreadable", "html", "truncated",
)  # fmt: skip
# A 404 says "no history yet", and here nobody is followed for 400 days: it would be the last word.
ON_HISTORY = tuple(fault for fault in ON_READING if fault != "404")
ON_TOKEN = ("429", "500", "503", "reset", "empty", "unreadable", "no_id")
DURING_OUTAGE = ("503", "502", "429", "reset", "close", "403", "503_stored", "lost_answer", "empty", "401")
SPOILT = ("not JSON", "{}", '{"client_id": 3, "client_secret": "x"}', '["simulator"]')
LATEST_ROUND = 25
SKEW_SECONDS = (
    200.0  # within what the product allows between its database and the platform, and what the search lag leaves
)


def random_schedule(seed: int, mutant: str | None = None) -> Schedule:
    """A run in which many things go wrong at once."""
    dice = Random(seed)  # noqa: S311  repeatable
    contradictory = dice.random() < 0.1
    news = Random(f"news {seed}")  # noqa: S311  repeatable
    source = news.choice(("sweep", "sweep", "pull", "history"))
    happenings = tuple(sorted(_happenings(dice), key=lambda happening: happening.at))
    return Schedule(
        name=str(seed),
        seed=seed,
        orders=tuple(order for _ in range(dice.randint(3, 9)) for order in _orders(dice, contradictory=contradictory)),
        interrupts=tuple(_interrupt(dice) for _ in range(dice.choice((0, 1, 1, 2, 3)))),
        happenings=happenings,
        switches=_switches(dice, contradictory=contradictory) | {"search_dates": news.random() < 0.8},
        rates=_rates(dice),
        settings=_settings(dice, skewed=any(happening.what == "skew" for happening in happenings))
        | {"STATUS_SOURCE": source}
        | ({"FOLLOW_UP_DAYS": "0.02"} if source == "pull" else {}),  # longer than its statuses are held up by faults
        shuffled=True,
        stall_seconds=dice.choice((20.0, 160.0, 820.0, 5000.0)),
        mutant=mutant,
    )


def _orders(dice: Random, *, contradictory: bool) -> list[Order]:
    faults = tuple(dice.choice(ON_DEPOSIT) for _ in range(dice.choice((0, 0, 1, 1, 2, 3))))
    later = tuple(dice.choice(ON_DEPOSIT) for _ in range(dice.choice((0, 1, 2))))
    kinds = ["good"] * 10 + ["refused", "unroutable", "declined", "nameless", "twin", "taken"]
    kind = dice.choice(kinds if contradictory else [*kinds, "bounced"])  # contradicted rejections are not believed
    mend = kind in {"refused", "unroutable", "nameless", "bounced", "taken"} and dice.random() < 0.7
    same = kind == "unroutable" and mend and dice.random() < 0.5
    if kind == "twin":
        return [Order(faults=faults), Order("twin", later)]
    return [Order(kind, faults, mend, same, later)]


def _interrupt(dice: Random) -> Interrupt:
    return Interrupt(dice.choice((KILL, KILL, STALL)), dice.choice(POINTS), dice.choice((1, 1, 2, 3, 5, 8, 12)))


Dice = Callable[[Random], Mapping[str, Any]]
# fmt: off
# what -> how likely, during a pass or before it, and its details
CHANCES: Mapping[str, tuple[float, bool, Dice]] = {
    "touch": (0.4, True, lambda d: {"rows": d.randint(1, 5)}),
    "save_stale": (0.3, True, lambda d: {"rows": d.randint(1, 3)}),
    "unfinish": (0.15, False, lambda d: {"rows": d.randint(1, 2)}),
    "write_late": (0.3, False, lambda d: {"orders": _late(d), "rounds": d.randint(1, 6)}),
    "insert_late": (0.3, False, lambda d: {"orders": _late(d), "rounds": d.randint(1, 6)}),
    "lock_rows": (0.2, False, lambda d: {"rows": d.randint(1, 4), "rounds": d.randint(1, 8)}),
    "refuse_write_backs": (0.2, False, lambda d: {"rows": d.randint(1, 3), "rounds": d.choice((3, 8, None)), "deferred": d.random() < 0.5}),
    "shake_queue": (0.4, False, lambda d: {"lose": d.choice((0.0, 0.3, 1.0)), "double": d.choice((0.0, 0.5, 1.0))}),
    "echo": (0.3, False, lambda d: {}),
    "spoil_secret": (0.15, False, lambda d: {"rounds": d.randint(1, 8), "text": d.choice(SPOILT)}),
    "rotate_secret": (0.2, False, lambda d: {"revoke": d.random() < 0.7}),
    "revoke_tokens": (0.1, True, lambda d: {}),
    "outage": (0.2, False, lambda d: {"seconds": d.choice((30, 600, 8000)), "fault": d.choice(DURING_OUTAGE), "endpoints": _struck(d)}),
    "refuse_connections": (0.1, False, lambda d: {"rounds": d.randint(1, 5)}),
    "crash_postgres": (0.06, True, lambda d: {}),
    "skew": (0.15, False, lambda d: {"seconds": d.uniform(-SKEW_SECONDS, SKEW_SECONDS)}),
    "blow": (0.3, True, lambda d: {}),
}
# fmt: on


def _happenings(dice: Random) -> list[Happening]:
    found: list[Happening] = []
    for what, (likely, during, details) in CHANCES.items():
        for _ in range(2):
            if dice.random() < likely and not (found and what in {"crash_postgres", "skew"} and found[-1].what == what):
                found.append(Happening(dice.randint(2, LATEST_ROUND), what, during, details(dice)))
    return found


def _late(dice: Random) -> tuple[Order, ...]:
    return tuple(Order(faults=dice.choice(((), ("lost_answer",), ("503",)))) for _ in range(dice.randint(1, 3)))


def _struck(dice: Random) -> tuple[str, ...]:
    return dice.choice(((), ("search",), ("deposit",), ("token",), ("history",), ("files", "download")))


def _rates(dice: Random) -> dict[str, dict[str, float]]:
    chosen: dict[str, dict[str, float]] = {}
    for endpoint, faults in (
        ("deposit", ON_DEPOSIT), ("search", ON_READING), ("files", ON_READING), ("history", ON_HISTORY), ("token", ON_TOKEN)
    ):  # fmt: skip
        if dice.random() < 0.25:
            picked = dice.sample(faults, 3)
            chosen[endpoint] = dict.fromkeys(picked, dice.choice((0.03, 0.1)))
    return chosen


def _switches(dice: Random, *, contradictory: bool) -> dict[str, Any]:
    twists = [twist for twist in ("reversed", "shuffled", "duplicated", "nulls") if dice.random() < 0.15]
    omits = [name for name in ("businessData", "lastStatusData", "seller", "monetary") if dice.random() < 0.1]
    strangers = dice.random() < 0.15 and not {"businessData", "seller"} & set(
        omits
    )  # else they look like conflicting evidence
    unknown = ["unknown_codes"] if dice.random() < 0.1 else []
    return {
        "search_lag": dice.choice((0, 0, 0, 100, 300)),
        "search_strangers": strangers,
        "search_loose": dice.random() < 0.15,
        "search_order": dice.choice(("newest", "oldest")),
        "search_fields": dice.choice(("both", "prefixed", "bare")),
        "search_omits": omits,
        "create_date_key": dice.choice(("createDate", "date")),
        "history_twists": twists,
        "history_shape": dice.choice(("array", "data")),
        "history_young": dice.choice((200, 404)),
        "lifecycle_twists": unknown + (["contradictory"] if contradictory else []),
        "token_seconds": dice.choice((1740, 60)),
        "rate_limit": dice.choice((0, 0, 0, 0, 120)),
        "rate_limit_style": dice.choice(("429", "reset")),
        "retry_after": dice.choice(("none", "seconds", "date")),
    }


def _settings(dice: Random, *, skewed: bool) -> dict[str, str]:
    return {
        "FOLLOW_UP_DAYS": "0.006" if skewed else "0.001",  # longer than the skew, or it would end before the life cycle
        "REQUESTS_PER_MINUTE": dice.choice(("60000", "60000", "150")),
        "HISTORY_REQUESTS_PER_MINUTE": dice.choice(("60000", "60000", "60")),
        "MAX_IN_FLIGHT": str(dice.choice((1, 2, 4, 8))),
    }
