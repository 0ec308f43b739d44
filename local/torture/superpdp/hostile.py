"""What SUPER PDP may do to us in a random schedule, as local/torture/hostile.py has it for Iopole.

Left out is what no client can distinguish from the truth: a list or a feed that leaves out what it has, whichever way it is asked; ids
that are none; a last reading that is not the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from local.torture import hostile
from local.torture.schedule import Schedule
from local.torture.wire import Hostility

ON_DEPOSIT = (
    *hostile.ANSWERED, *hostile.TRAVELLED, "stored:422:html", "stored:413:text", "stored:400:text", "stored:400:gateway",
    "deposit_ids=previous", "deposit_ids=counted", "lifecycle_twists=twice", "lifecycle_twists=early",
)  # fmt: skip
RARE = (*hostile.UNHEARD, "deposit_ids=long", "stall_read", "stall_read:0.3")
ON_LIST = (
    *hostile.ON_READING, "search_most=3", "search_cap=1", "search_shift=1", "search_shift=-1", "search_hides=all",
    "search_hides=share:0.5", "search_count=zero", "search_count=text", "list_omits=id", "list_omits=created_at",
    "list_omits=direction", "list_omits=events", "list_omits=en_invoice", "external_id_shown=absent", "external_id_shown=null",
    "external_id_shown=upper", "external_id_shown=truncated", "external_id_shown=spaces", "list_order=asc", "has_more=never",
    "has_more=always", "cursor=ignored", "cursor=refused", "cursor=inclusive", "spellings=out=OUT", "quotes=search",
    "date_header=still", "date_header=none", "deposit_ids=counted", 'answer:200:{"data": []}',
)  # fmt: skip
ON_EVENTS = (
    *(fault for fault in hostile.ON_READING if fault != "previous"), "400", "search_cap=1", "search_shift=-1", "event_ids=twice",
    "event_ids=text", "event_ids=constant", "events_order=reversed", "events_order=shuffled", "events_strange=2", "has_more=never",
    "has_more=absent", "cursor=ignored", "cursor=refused", "cursor=inclusive", "event_omits=id", "event_omits=invoice_id",
    "event_omits=created_at", "event_omits=data", "quotes=statuses", "quotes=codes", "date_header=none",
)  # fmt: skip
ON_COMPANY = (
    "401", "403", "429", "500", "503", "reset", "empty", "unreadable", "html", "103", "half", "answer:200:{}",
    'answer:200:{"env": "sandbox"}', 'answer:200:{"env": 3}', "answer:403:html", "answer:403:quote",
)  # fmt: skip
BY_ENDPOINT = {
    "deposit": ON_DEPOSIT, "invoices": ON_LIST, "download": hostile.ON_READING, "events": ON_EVENTS, "company": ON_COMPANY,
    "token": hostile.ON_TOKEN,
}  # fmt: skip
DURING_LIES = (
    "search_hides=all", "search_hides=younger:400", "search_cap=1", "search_count=zero", "list_omits=id", "list_omits=en_invoice",
    "list_omits=events", "external_id_shown=absent", "external_id_shown=lower", "external_id_shown=truncated", "list_order=asc",
    "list_order=desc", "cursor=ignored", "cursor=refused", "cursor=inclusive", "has_more=never", "has_more=text",
    "events_gone=20", "events_order=shuffled", "event_ids=constant", "event_ids=twice", "event_omits=id", "event_omits=invoice_id",
    "event_omits=status_code", "events_strange=3", "quotes=search", "quotes=codes", "date_header=still", "date_header=none",
    'answer:200:{"data": []}', "spellings=out=OUT",
)  # fmt: skip
STRUCK = (
    (), ("invoices",), ("deposit",), ("token",), ("events",), ("download",), ("company",), ("invoices", "events"),
)  # fmt: skip
DATES = (
    "7200", "-7200", "fr:203@7200", "local", "fr:213@null", "null", "absent", "text", "epoch_ms", "year9999", "year1",
    "fr:200@year9999", "createDate@null", "createDate@7200", "createDate@year1", "fr:201@86400",
)  # fmt: skip
KEYS_SHOWN = ("absent", "null", "empty", "upper", "lower", "truncated", "spaces")
LIST_OMITTED = ("company_id", "created_at", "direction", "events", "en_invoice")
EVENT_OMITTED = ("id", "invoice_id", "created_at", "status_text", "data")
SPELT = ("out=OUT", "in=IN", "fr:203=203", "fr:213=213", "fr:205=Fr:205")
# What an account may be for a while, and what it is else.
ACCOUNTS = ({"company_verification": "needs_review"}, {"sandbox": True}, {"company_number": "999999999"})
USUALLY = {"company_verification": "verified", "sandbox": False, "company_number": ""}
LATE_SECONDS = (30.0, 200.0, 500.0)  # within the ten minutes


def switches(dice: Random, extra: Random, _source: str, contradictory: bool) -> dict[str, Any]:
    """How the platform is, and lies, in all of a run."""
    drawn = _oddities(dice, contradictory=contradictory) | _lies(extra)
    if drawn["search_cap"] == 1:  # a page would show its cursor and nothing else
        drawn["cursor"] = "right"
    if drawn["search_cap"]:  # pages that end nowhere: nobody could read on
        drawn["event_omits"] = [each for each in drawn["event_omits"] if each != "id"]
        drawn |= {"event_ids": "right", "list_order": "asked"}
    return drawn


def _oddities(dice: Random, *, contradictory: bool) -> dict[str, Any]:
    unknown = ["unknown_codes"] if dice.random() < 0.1 else []
    return {
        "search_lag": dice.choice((0, 0, 0, 100, 300)),
        "events_late": dice.choice((0.0, 0.0, 0.1, 0.5)),
        "events_late_seconds": dice.choice(LATE_SECONDS),
        "events_strange": dice.choice((0, 0, 0, 1, 3)),
        "events_order": dice.choice(("right", "right", "reversed", "shuffled")),
        "has_more": dice.choice(("right", "right", "right", "never", "always", "absent", "text")),
        "ppf_events": dice.random() < 0.8,
        "ppf_delay": dice.choice((1.0, 1.0, 600.0)),
        "duplicates": dice.choice(("none", "none", "none", "none", "content", "number")),
        "external_id_twice": dice.choice(("accepted", "accepted", "refused")),
        "unknown_id": dice.choice((404, 404, 400)),
        "lifecycle_twists": unknown + (["contradictory"] if contradictory else []),
        "token_seconds": dice.choice((1799, 60)),
        "rate_limit": dice.choice((0, 0, 0, 0, 120)),
        "rate_limit_style": dice.choice(("429", "reset")),
        "retry_after": dice.choice(("none", "seconds", "date")),
    }


def _lies(dice: Random) -> dict[str, Any]:
    return {
        "external_id_shown": dice.choice(("right",) * 10 + KEYS_SHOWN),
        "list_order": dice.choice(("asked",) * 10 + ("asc", "desc")),
        "list_omits": [each for each in LIST_OMITTED if dice.random() < 0.06],
        "cursor": dice.choice(("right",) * 12 + ("inclusive",)),
        "event_ids": dice.choice(("right",) * 9 + ("twice", "text", "constant")),
        "event_omits": [each for each in EVENT_OMITTED if dice.random() < 0.05],
        "events_gone": dice.choice((0,) * 10 + (5, 25)),
        "search_cap": dice.choice((0,) * 8 + (1, 3, 20)),
        "search_count": dice.choice(("total",) * 6 + ("page", "zero", "short", "text", "none")),
        "search_lag_per_kb": dice.choice((0.0,) * 9 + (20.0,)),
        "history_lag": dice.choice((0.0,) * 5 + (60.0,)),
        "spellings": [each for each in SPELT if dice.random() < 0.06],
        "quotes": [each for each in ("statuses", "search") if dice.random() < 0.15],
        "status_dates": [dice.choice(DATES)] if dice.random() < 0.25 else [],
        "deposit_ids": dice.choice(("number",) * 14 + ("counted",)),
        "date_header": dice.choice(("right",) * 12 + ("none",)),
    }


def strangers(dice: Random, switches: Mapping[str, Any]) -> tuple[str, ...]:
    """Which lookalikes others deposit under our numbers. Where nothing distinguishes them from ours, they are conflicting evidence."""
    drawn = tuple(name for name in ("seller", "year", "inbound", "amount") if dice.random() < 0.06)
    return () if {"en_invoice", "direction"} & set(switches["list_omits"]) else drawn


def followed(source: str, happenings: set[str], _switches: Mapping[str, Any]) -> str:
    """For how many days: longer than the clock jumps, than the platform lies, than events are late."""
    days = [
        ("3", "refuse_late" in happenings),
        ("1", "skew" in happenings),
        ("0.2", "lie" in happenings),
        ("0.02", True),
    ]
    return next(each for each, needed in days if needed)


def lists_truly(schedule: Schedule) -> bool:
    """Whether its list shows at once what it has, by its key: then a refusal of what it stored is found out."""
    said = schedule.switches
    lies = {each.what for each in schedule.happenings} & {"lie", "outage", "refuse_connections", "throw"}
    lagging = said["search_lag"] or said["search_lag_per_kb"] or said["search_cap"]
    return not (
        lies or lagging or "invoices" in schedule.rates or said["external_id_shown"] != "right" or said["list_omits"]
        or said["list_order"] != "asked" or said["rate_limit"]
    )  # fmt: skip


def fitting(schedule: Schedule) -> Schedule:
    """The same without refusals of what was stored, where nobody could find out."""
    if schedule.switches["list_omits"] or schedule.switches["external_id_shown"] != "right":
        schedule = hostile.with_ids(schedule)
    if lists_truly(schedule):
        return schedule
    orders = tuple(replace(each, kind="good") if each.kind == "denied" else each for each in schedule.orders)
    return replace(schedule, orders=orders)


def bare(schedule: Schedule) -> bool:
    """Whether its list shows neither a number nor a key as it was sent: the copies alone say whose a deposit is."""
    said = schedule.switches
    return "en_invoice" in said.get("list_omits", ()) and said.get("external_id_shown", "right") != "right"


def _outage(dice: Random) -> dict[str, Any]:
    seconds, fault = dice.choice((30, 600, 8000)), dice.choice(hostile.DURING_OUTAGE)
    return {"seconds": seconds, "fault": fault, "endpoints": dice.choice(STRUCK)}


# fmt: off
HOSTILITY = Hostility(
    sources=("auto", "auto", "auto", "history"),
    on_deposit=ON_DEPOSIT,
    by_endpoint=BY_ENDPOINT,
    kinds=("refused", "unroutable", "declined", "nameless", "twin", "rival", "namesake", "loaded", "denied"),
    searches="invoices",
    switches=switches,
    strangers=strangers,
    followed=followed,
    fitting=fitting,
    rare=RARE,
    bare=bare,
    chances={
        "outage": (0.2, False, _outage),
        "lie": (0.25, False, lambda d: {"seconds": d.choice((60, 600, 8000)), "fault": d.choice(DURING_LIES)}),
        "throw": (0.15, False, lambda d: {"rounds": d.randint(1, 6), "switches": d.choice(ACCOUNTS), "back": USUALLY}),
        "refuse_statuses": (0.15, False, lambda d: {"rows": d.randint(1, 3), "rounds": d.choice((3, 10, 30))}),
    },
)
# fmt: on
