"""The mutants of the norm: what its keys, its acknowledgements, its messages and its feed protect from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local.torture.afnor import sabotage
from local.torture.mutant import Mutant, run_of
from local.torture.sabotage import believe_refusals_after_doubts
from local.torture.schedule import Happening, Order, Schedule
from local.torture.superpdp import sabotage as of_the_feed

LOST = Order(faults=("lost_answer",))
# For longer than a doubt waits the search shows nothing: what is sent again is refused by its key, which is the first one's.
UNSEEN: dict[str, Any] = {"search_hides": ("younger:1000",), "tracking_repeated": "422"}
BLIND = Happening(1, "lie", details={"seconds": 2000.0, "fault": "search_ignores=trackingId"})

MISNAMED = Happening(1, "fail_requests", details={"endpoint": "flow", "faults": ["cdar_twists=other_seller"] * 12})


def run(*orders: Order, happenings: tuple[Happening, ...] = (), strike: str | None = None, **switches: Any) -> Schedule:
    made = run_of(*orders, strike=strike, happenings=happenings, switches=switches, platform="afnor")
    return replace(made, settings={"STATUS_SOURCE": "auto", "FOLLOW_UP_DAYS": "0.02"}, most_leaps=80)


LATE = run(*[Order()] * 5, search_lag_per_kb=20.0)  # acknowledgements show after messages that are younger
MUTANTS: dict[str, Mutant] = {
    "no key": Mutant("the key is not sent", run(LOST, Order()), worker=sabotage.send_no_key),
    "a new key each time": Mutant(
        "each attempt has a key of its own", run(LOST, Order(), **UNSEEN), prepare=of_the_feed.draw_keys_anew
    ),
    "a refusal is a refusal": Mutant(
        "a 400 is taken for a refusal, and nobody looks for the key",
        run(Order(), Order(faults=("stored:400:issue",))),
        worker=sabotage.believe_refusals,
    ),
    "a key that is known": Mutant(
        "a 422 for a key that the platform knows is taken for a refusal",
        run(LOST, Order(), **UNSEEN),
        worker=believe_refusals_after_doubts,
    ),
    "whatever is shown": Mutant(
        "a search that takes no notice of the key is believed, and what it shows taken for ours",
        run(Order(), LOST, Order(), happenings=(BLIND,)),
        worker=sabotage.take_whatever_is_shown,
    ),
    "pending is good": Mutant(
        "an acknowledgement Pending is taken for one that is Ok",
        run(Order(), Order(faults=("acks=pending",)), Order("unroutable")),
        worker=sabotage.take_pending_for_good,
    ),
    "a message by its number": Mutant(
        "a message is given to the deposits of its number, whoever their seller is",
        run(Order(), Order("namesake")),
        prepare=sabotage.attribute_by_number,
    ),
    "the place first": Mutant(
        "the feed's place is stored before its events, and no history makes it good",
        run(Order(), Order(), strike="kill@statuses.record_status_update.before:1"),
        prepare=of_the_feed.move_at_once,
        worker=of_the_feed.move_before_storing,
    ),
    "the place at once": Mutant(
        "the feed's place moves at once, past what shows late, and no history makes it good",
        LATE,
        prepare=of_the_feed.move_at_once,
        worker=of_the_feed.hear_the_feed_alone,
    ),
    "right behind the last second": Mutant(
        "the next search begins at the latest date, which others share, and the place moves at once",
        replace(LATE, switches={**LATE.switches, "flow_dates": "minutes"}),
        prepare=of_the_feed.move_at_once,
        worker=sabotage.go_right_behind,
    ),
    "the first page": Mutant(
        "the flows that a search shows first are taken for the oldest, whatever its order",
        run(*[Order()] * 5, search_cap=20, flow_order="newest", cursors="absent"),
        worker=sabotage.believe_the_first_page,
    ),
    "nobody's for good": Mutant(
        "a message that was another invoice's for once is not asked for again",
        run(*[Order()] * 3, happenings=(MISNAMED,)),
        worker=sabotage.forget_what_is_nobodys,
    ),
    "the feed alone": Mutant(
        "no history is read: the feed itself loses nothing",
        LATE,
        worker=of_the_feed.hear_the_feed_alone,
        harmless=True,
    ),
}
