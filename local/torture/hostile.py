"""What a platform may do to us in a random schedule, beside refusing an invoice for good: that is the invoice's own kind.

Left out is what no client can distinguish from the truth: a refusal in the platform's own words of what it stored, the 201 of
something that it did not store, an index that shows younger deposits and hides an older one for longer than the product waits, be it behind
others of its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from local.torture.schedule import Schedule
from local.torture.wire import Hostility

# By code, or by what stands before the platform; stored or not.
ANSWERED = (
    "302", "400_html", "401", "403", "403_html", "404", "408", "429", "429_seconds", "429_date", "500", "502", "503", "504",
    "408_stored", "500_stored", "502_stored", "503_stored", "504_stored", "empty", "unreadable", "html", "no_id", "202",
    "answer:403:html", "stored:403:html", "stored:401:html", "stored:404:html", "stored:404:empty", "stored:429:text",
    "answer:429:html", 'stored:404:{"message": "no Route matched"}', "stored:400:html", "stored:400:{}", "stored:204:empty",
    "stored:302:html", "stored:500:json", "stored:503:quote", "answer:403:quote", "answer:429:quote", "stored:502:odd",
    "stored:200:[]", "stored:409:text", "stored:599:binary",
)  # fmt: skip
# How an answer, or none, travels.
TRAVELLED = (
    "reset_unread", "reset", "lost_answer", "close", "close_stored", "timeout", "timeout_stored", "slow:0.2", "slow:0.7",
    "stored_late:0.7", "truncated", "103", "102:0.1", "103:0.1:3", "103:0:25", "103+lost_answer", "102+503", "103+stored:403:html",
    "drip:0.01", "drip_head:0.05", "half", "half_head", "stall:0.2", "stall_head:0.1", "stall_head", "extra", "extra:0.05",
    "previous", "previous+drip_head:0.002", "early+stored:503:html", "early+answer:403:html", "slow_read:0.01",
)  # fmt: skip
# Good answers that lie, and odd lives of what was deposited.
ODD = (
    "deposit_ids=previous", "deposit_ids=odd", "deposit_ids=number", "status_ids=counted", "status_ids=odd",
    "status_ids=unprintable", "lifecycle_twists=twice", "lifecycle_twists=early",
)  # fmt: skip
ON_DEPOSIT = ANSWERED + TRAVELLED + ODD
# What a good invoice of its own meets in some runs. A deposit whose id nobody can ask for is a person's; where no status is shown, no
# refusal would be.
UNHEARD = ("lifecycle_twists=never", "lifecycle_twists=state_only")
NAMELESS = ("deposit_ids=long", "deposit_ids=unprintable")
RARE = (*UNHEARD, *NAMELESS, "status_ids=long", "stall_read", "stall_read:0.3")
ON_READING = (
    "401", "403", "404", "408", "429", "429_seconds", "500", "502", "503", "reset", "close", "empty", "unreadable", "html",
    "truncated", "103", "102:0.05", "103:0:25", "drip_body:0.02", "half_head", "stall:0.2", "extra", "extra:0.02", "previous",
    "answer:403:html", "answer:403:quote", "answer:200:{}", "answer:200:text", "answer:404:html", "answer:500:huge", "answer:400:odd",
)  # fmt: skip
ON_SEARCH = (
    *ON_READING, "search_terms=1", "search_terms=5", "search_most=3",
    "search_cap=1", "search_shift=1", "search_shift=-1", "search_endless=on", "search_cache=previous",
    "search_hides=all", "search_hides=share:0.5", "search_count=zero", "search_count=none", "search_count=text", "search_count=long",
    "search_omits=metadata", "search_omits=invoiceId", "search_omits=number,seller", "spellings=OUTBOUND=EMITTED",
    "quotes=search", "date_header=still", "date_header=none", 'answer:200:{"data": []}',
)  # fmt: skip
# A 404 says "no history yet", and here nobody is followed for 400 days: it would be the last word. The answer to another
# request may be such a one.
STATUSES = (
    *(fault for fault in ON_READING if "404" not in fault and fault != "previous"),
    "quotes=statuses",
    "status_omits=json",
    "status_omits=statusId",
    "status_omits=destType",
    "status_omits=date",
    "status_omits=xml",
)
ON_HISTORY = (*STATUSES, "status_omits=invoiceId", "status_omits=status")
ON_FEED = (*STATUSES, "not_seen_noise=50", "not_seen_limit=1", "quotes=statuses", "status_omits=status")
ON_ACKNOWLEDGING = ("401", "404", "429", "500", "503", "reset", "103", "half_head", "answer:403:html")
ON_TOKEN = (
    "429",
    "500",
    "503",
    "reset",
    "empty",
    "unreadable",
    "no_id",
    "103",
    "drip_body:0.001",
    "answer:401:quote",
    "half",
)
BY_ENDPOINT = {
    "deposit": ON_DEPOSIT, "search": ON_SEARCH, "files": ON_READING, "download": ON_READING, "history": ON_HISTORY,
    "token": ON_TOKEN, "not_seen": ON_FEED, "mark_as_seen": ON_ACKNOWLEDGING,
}  # fmt: skip
ALL_BUT_TOKENS = tuple(
    endpoint for endpoint in BY_ENDPOINT if endpoint != "token"
)  # a client whose rights were taken away
# For minutes or hours, of everything or of some endpoints.
DURING_OUTAGE = (
    "503", "502", "429", "reset", "close", "403", "503_stored", "lost_answer", "empty", "401", "answer:403:html", "stored:403:html",
    "103", "half", "stored:429:html", "answer:404:html",
)  # fmt: skip
DURING_LIES = (
    "search_hides=all", "search_cache=first", "search_cache=previous", "search_omits=metadata", "search_omits=businessData",
    "search_omits=number", "spellings=OUTBOUND=OUT", "search_cap=1", "search_endless=on", "search_count=zero", "search_hides=younger:400",
    "search_terms=2", "search_terms=5",
    "date_header=still", "date_header=none", 'answer:200:{"data": []}', "history_refused=500", "quotes=search", "search_count=long",
    "history_refused=empty", "quotes=codes",
)  # fmt: skip
DATES = (
    "7200", "-7200", "MADE_AVAILABLE@7200", "local", "REJECTED@null", "null", "absent", "text", "epoch_ms", "year9999", "year1",
    "SUBMITTED@year9999", "createDate@null", "createDate@7200", "createDate@year1", "ISSUED@86400",
)  # fmt: skip
OMITTED = (
    "businessData", "lastStatusData", "seller", "monetary", "amount", "currency", "number", "direction", "state", "createDate",
)  # fmt: skip
SPELT = (
    "OUTBOUND=outbound", "OUTBOUND=EMITTED", "DELIVERED=delivered", "OPERATOR=operator", "INVALID=invalid",
    "WRONG_ROUTING=wrong_routing", "lower",
)  # fmt: skip
UNMARKED = frozenset({"businessData", "seller", "direction", "number", "amount", "monetary", "currency"})


def strangers(dice: Random, switches: Mapping[str, Any]) -> tuple[str, ...]:
    """Which lookalikes others deposit under our numbers. Where nothing distinguishes them from ours, they are conflicting evidence."""
    drawn = tuple(name for name in ("seller", "year", "inbound", "amount") if dice.random() < 0.06)
    return () if UNMARKED & set(switches["search_omits"]) else drawn


def switches(dice: Random, extra: Random, source: str, contradictory: bool) -> dict[str, Any]:
    """How the platform is, and lies, in all of a run."""
    return (
        _usual_oddities(dice, contradictory=contradictory)
        | _lies(extra, source)
        | {"search_dates": extra.random() < 0.8}
    )


def followed(source: str, happenings: set[str], switches: Mapping[str, Any]) -> str:
    """For how many days, where it matters: longer than the clock jumps, than the platform lies, than faults hold up statuses.

    Where a search shows no status, a history is read each day.
    """
    days = [
        ("3", "lastStatusData" in switches["search_omits"]),
        ("3", "refuse_late" in happenings),  # a history is read a day after the one before
        ("3", "webhook" in happenings),  # a pull is not believed after a day without a word
        ("1", "skew" in happenings),
        ("0.2", "lie" in happenings),
        ("0.02", source == "pull"),
    ]
    return next((each for each, needed in days if needed), "0.001")


def _usual_oddities(dice: Random, *, contradictory: bool) -> dict[str, Any]:
    twists = [twist for twist in ("reversed", "shuffled", "duplicated", "nulls") if dice.random() < 0.15]
    unknown = ["unknown_codes"] if dice.random() < 0.1 else []
    return {
        "search_lag": dice.choice((0, 0, 0, 100, 300)),
        "search_loose": dice.random() < 0.15,
        "search_order": dice.choice(("newest", "oldest")),
        "search_fields": dice.choice(("both", "prefixed", "bare")),
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


def _lies(dice: Random, source: str) -> dict[str, Any]:
    omits = [name for name in OMITTED if dice.random() < 0.04]
    lies: dict[str, Any] = {
        "search_omits": omits,
        "search_cap": dice.choice((0,) * 8 + (1, 3, 20)),
        "search_terms": dice.choice((0,) * 12 + (1, 4)),
        "search_count": dice.choice(("total",) * 6 + ("page", "zero", "short", "text", "none")),
        "search_endless": dice.random() < 0.05,
        "search_lag_per_kb": dice.choice((0.0,) * 9 + (20.0,)),
        "spellings": [each for each in SPELT if dice.random() < 0.06],
        "quotes": [each for each in ("statuses", "search") if dice.random() < 0.15],
        "status_ids": dice.choice(("uuid7",) * 9 + ("counted", "odd", "unprintable", "constant")),
        "status_dates": [dice.choice(DATES)] if dice.random() < 0.25 else [],
        "deposit_ids": dice.choice(("uuid7",) * 14 + ("odd", "counted", "number")),
        "date_header": dice.choice(("right",) * 12 + ("none",)),
        "customer_id_check": dice.choice(("if_given", "match")),
    }
    if source == "pull":
        lies |= {
            "not_seen_noise": dice.choice((0,) * 6 + (50, 100)),
            "acks_refused": dice.choice((0.0,) * 6 + (0.3,)),
            "acks_forgotten": dice.choice((0.0,) * 6 + (0.3,)),
        }
    return lies


def with_ids(schedule: Schedule) -> Schedule:
    """The same with ids that can be asked for, where the search shows nothing else that says whose a deposit is: one without either spoils
    each answer that it is in, and every doubt that was asked for with it is a person's."""
    kept = [not set(NAMELESS) & set(order.faults) for order in schedule.orders]
    return replace(
        schedule,
        orders=tuple(o if keep else replace(o, faults=()) for o, keep in zip(schedule.orders, kept, strict=True)),
    )


def fitting(schedule: Schedule) -> Schedule:
    return with_ids(schedule) if {"businessData", "number"} & set(schedule.switches["search_omits"]) else schedule


def _struck(dice: Random) -> tuple[str, ...]:
    return dice.choice(((), ("search",), ("deposit",), ("token",), ("history",), ("files", "download")))


# fmt: off
HOSTILITY = Hostility(
    sources=("sweep", "sweep", "pull", "history"),
    on_deposit=ON_DEPOSIT,
    by_endpoint=BY_ENDPOINT,
    kinds=("refused", "unroutable", "declined", "nameless", "twin", "rival", "namesake", "taken"),
    apart=("scanned",),
    rare=RARE,
    searches="search",
    switches=switches,
    strangers=strangers,
    followed=followed,
    fitting=fitting,
    chances={
        "outage": (0.2, False, lambda d: {"seconds": d.choice((30, 600, 8000)), "fault": d.choice(DURING_OUTAGE), "endpoints": _struck(d)}),
        "lie": (0.25, False, lambda d: {"seconds": d.choice((60, 600, 8000)), "fault": d.choice(DURING_LIES)}),
    },
)
# fmt: on
