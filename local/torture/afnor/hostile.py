"""What a platform of the norm may do to us in a random schedule, as local/torture/hostile.py has it for Iopole.

Left out is what no client can distinguish from the truth: a refusal in the platform's own words of what it stored while its search does not
show it; a search that leaves a flow out whichever way it is asked; a file of ours that is called a duplicate, where it is the only one.
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
    "stored:501:html", "answer:501:json", "deposit_ids=previous", "lifecycle_twists=twice", "lifecycle_twists=early", "acks=pending",
    "afnor_version=1.3", "processing_rule=501",
)  # fmt: skip
RARE = (*hostile.UNHEARD, "deposit_ids=long", "deposit_ids=unprintable", "stall_read", "stall_read:0.3")
SHOWN_OTHERWISE = (
    "tracking_shown=absent", "tracking_shown=null", "tracking_shown=upper", "tracking_shown=cut", "search_ignores=trackingId",
    "search_ignores=flowType", "search_ignores=updatedAfter", "search_ignores=updatedBefore", "flow_order=newest",
    "flow_order=shuffled", "flow_dates=millis", "flow_dates=minutes", "afnor_version=1.2", "afnor_version=1.3", "cursors=refused",
    "cursors=back", "cursors=stuck", "cursors=absent", "spellings=Ok=OK,Error=error", "spellings=CustomerInvoiceLC=CustomerInvoiceLc",
    "status_dates=updatedAt@absent", "status_dates=updatedAt@year9999", "status_dates=submittedAt@null", "date_header=none",
)  # fmt: skip
ON_SEARCH = (
    *hostile.ON_READING, *SHOWN_OTHERWISE, "400", "answer:501:json", "search_cap=1", "search_cap=3", "search_most=3", "search_shift=1",
    "search_shift=-1", "search_hides=all", "search_hides=share:0.5", "search_count=zero", "search_count=text", "search_count=long",
    "total_in_limit=on", "quotes=search", "known_flow_types=CustomerInvoice", 'answer:200:{"results": []}', 'answer:200:{"results": {}}',
    "date_header=still",
)  # fmt: skip
SPOILT = tuple(
    f"cdar_twists={each}"
    for each in (
        "no_xml", "html", "cut", "entities", "deep", "another_document", "unknown_invoice", "other_seller", "no_date", "odd_date",
        "no_number", "no_code", "several",
    )
)  # fmt: skip
ON_FLOW = (
    *(fault for fault in hostile.ON_READING if fault != "previous"), *SPOILT, "originals=page", "originals=absent", "accept=strict",
    "quotes=statuses", "quotes=codes", "cdar_zone=utc", "status_dates=213@null", "tracking_shown=absent", "cdar_twists=other_year",
)  # fmt: skip
BY_ENDPOINT = {"deposit": ON_DEPOSIT, "search": ON_SEARCH, "flow": ON_FLOW, "token": hostile.ON_TOKEN}
DURING_LIES = (
    *SHOWN_OTHERWISE, "search_hides=all", "search_hides=younger:400", "search_cap=3", "search_count=zero", "search_count=long",
    "total_in_limit=on", "quotes=search", "known_flow_types=CustomerInvoice", 'answer:200:{"results": []}', "date_header=still",
    "cdar_twists=no_xml", "cdar_twists=no_number", "cdar_twists=other_seller", "originals=absent", "originals=page", "history_lag=300",
)  # fmt: skip
STRUCK = ((), ("search",), ("deposit",), ("token",), ("flow",), ("search", "flow"))
DATES = (
    "7200", "-7200", "203@7200", "local", "213@null", "null", "absent", "text", "year9999", "year1", "200@year9999",
    "submittedAt@absent", "submittedAt@year1", "submittedAt@7200", "201@86400",
)  # fmt: skip
SPELT = (
    "Ok=OK",
    "Error=ERROR",
    "CustomerInvoice=CUSTOMERINVOICE",
    "CustomerInvoiceLC=CustomerInvoiceLc",
    "In=IN",
    "lower",
)
KEYS_SHOWN = ("absent", "null", "upper", "lower", "cut")
LATE_SECONDS = (30.0, 200.0, 400.0)  # within the ten minutes
VERSIONS = ("1.2", "1.3")


def switches(dice: Random, extra: Random, _source: str, contradictory: bool) -> dict[str, Any]:
    """How the platform is, and lies, in all of a run."""
    drawn = _oddities(dice, contradictory=contradictory) | _lies(extra)
    later = Random(repr(drawn))  # noqa: S311  repeatable, and what came later leaves the former draws as they were
    return drawn | {"dates_compared": later.choice(("shown", "shown", "shown", "exactly"))}


def _oddities(dice: Random, *, contradictory: bool) -> dict[str, Any]:
    unknown = ["unknown_codes"] if dice.random() < 0.1 else []
    return {
        "afnor_version": dice.choice(VERSIONS),
        "search_lag": dice.choice((0, 0, 0, 100, 300)),
        "history_lag": dice.choice((0.0, 0.0, 0.0, *LATE_SECONDS)),
        "tracking_repeated": dice.choice(("accepted", "accepted", "422", "ack")),
        "duplicate_shown": dice.choice(("ack", "ack", "lifecycle", "both")),
        "violations": dice.choice(("lifecycle", "ack")),
        "flow_dates": dice.choice(("seconds", "seconds", "seconds", "millis", "minutes")),
        "flow_order": dice.choice(("oldest", "oldest", "newest", "shuffled")),
        "organization_check": dice.choice(("if_given", "required", "off")),
        "accept": dice.choice(("usual", "strict", "off")),
        "checksum_mismatch": dice.choice(("ack", "400")),
        "processing_rule": dice.choice(("accepted", "501")),
        "cdar_zone": dice.choice(("paris", "paris", "utc")),
        "total_in_limit": dice.random() < 0.15,
        "lifecycle_twists": unknown + (["contradictory"] if contradictory else []),
        "token_seconds": dice.choice((1740, 60)),
        "rate_limit": dice.choice((0, 0, 0, 0, 120)),
        "rate_limit_style": dice.choice(("429", "reset")),
        "retry_after": dice.choice(("none", "seconds", "date")),
    }


def _lies(dice: Random) -> dict[str, Any]:
    return {
        "tracking_shown": dice.choice(("right",) * 12 + KEYS_SHOWN),
        "search_ignores": dice.choice(((),) * 12 + (("trackingId",), ("flowType",), ("flowDirection",))),
        "cursors": dice.choice(("right",) * 8 + ("refused", "back", "stuck", "absent")),
        "cdar_twists": dice.choice(((),) * 10 + (("no_date",), ("odd_date",), ("several",))),
        "search_cap": dice.choice((0,) * 9 + (3, 20)),
        "search_count": dice.choice(("none",) * 6 + ("total", "page", "zero", "short", "long", "text")),
        "search_lag_per_kb": dice.choice((0.0,) * 9 + (20.0,)),
        "spellings": [each for each in SPELT if dice.random() < 0.06],
        "quotes": [each for each in ("statuses", "search") if dice.random() < 0.15],
        "status_dates": [dice.choice(DATES)] if dice.random() < 0.25 else [],
        "date_header": dice.choice(("right",) * 12 + ("none",)),
    }


def strangers(dice: Random, switches: Mapping[str, Any]) -> tuple[str, ...]:
    """Which lookalikes others deposit under our numbers. Where keys are asked for in vain, nothing distinguishes them from ours."""
    drawn = tuple(name for name in ("seller", "year", "inbound", "amount") if dice.random() < 0.06)
    return () if switches["search_ignores"] or switches["tracking_shown"] != "right" else drawn


def followed(source: str, happenings: set[str], _switches: Mapping[str, Any]) -> str:
    """For how many days: longer than the clock jumps, than the platform lies, than messages are late."""
    days = [
        ("3", "refuse_late" in happenings),
        ("1", "skew" in happenings),
        ("0.2", "lie" in happenings or "outage" in happenings),
        ("0.02", True),
    ]
    return next(each for each, needed in days if needed)


def shows_truly(schedule: Schedule) -> bool:
    """Whether its search shows at once what it has, by its key: then a refusal of what it stored is found out."""
    said = schedule.switches
    lies = {each.what for each in schedule.happenings} & {"lie", "outage", "refuse_connections", "throw"}
    return not (
        lies or said["search_lag"] or said["search_lag_per_kb"] or said["search_cap"] or said["search_ignores"] or said["rate_limit"]
        or said["tracking_shown"] != "right" or said["spellings"] or said["flow_order"] != "oldest" or "search" in schedule.rates
    )  # fmt: skip


def fitting(schedule: Schedule) -> Schedule:
    """The same without refusals of what was stored, where nobody could find out; nor is our clock set ahead where the platform does not
    say the time: what it shows late just then may be missed (docs/platforms.md)."""
    if schedule.switches["date_header"] == "none":
        happenings = tuple(each for each in schedule.happenings if each.what != "skew" or each.details["seconds"] < 0)
        schedule = replace(schedule, happenings=happenings)
    if schedule.switches["search_ignores"] or schedule.switches["tracking_shown"] != "right":
        schedule = hostile.with_ids(schedule)
    if shows_truly(schedule):
        return schedule
    orders = tuple(replace(each, kind="good") if each.kind == "denied" else each for each in schedule.orders)
    return replace(schedule, orders=orders)


def _outage(dice: Random) -> dict[str, Any]:
    seconds, fault = dice.choice((30, 600, 8000)), dice.choice(hostile.DURING_OUTAGE)
    return {"seconds": seconds, "fault": fault, "endpoints": dice.choice(STRUCK)}


def _other_version(dice: Random) -> dict[str, Any]:
    thrown, back = ({"afnor_version": dice.choice(VERSIONS)} for _ in range(2))
    return {"rounds": dice.randint(1, 8), "switches": thrown, "back": back}


def _crowd(dice: Random) -> dict[str, Any]:
    return {"invoices": dice.choice((60, 110)), "age_seconds": dice.choice((0.0, 5.0, 60.0))}


# fmt: off
HOSTILITY = Hostility(
    sources=("auto", "auto", "auto", "history"),
    on_deposit=ON_DEPOSIT,
    by_endpoint=BY_ENDPOINT,
    kinds=("refused", "unroutable", "declined", "nameless", "twin", "rival", "namesake", "loaded", "denied"),
    searches="search",
    switches=switches,
    strangers=strangers,
    followed=followed,
    fitting=fitting,
    rare=RARE,
    chances={
        "outage": (0.2, False, _outage),
        "lie": (0.25, False, lambda d: {"seconds": d.choice((60, 600, 8000)), "fault": d.choice(DURING_LIES)}),
        "throw": (0.3, False, _other_version),
        "crowd": (0.1, False, _crowd),
        "refuse_statuses": (0.15, False, lambda d: {"rows": d.randint(1, 3), "rounds": d.choice((3, 10, 30))}),
    },
)
# fmt: on
