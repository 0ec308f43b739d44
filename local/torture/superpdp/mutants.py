"""The mutants of SUPER PDP: what its key and its feed protect from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local.torture.mutant import Mutant, run_of
from local.torture.sabotage import believe_refusals_after_doubts
from local.torture.schedule import Happening, Order, Schedule
from local.torture.superpdp import sabotage

LOST = Order(faults=("lost_answer",))
# For longer than a doubt waits the list shows nothing: what is sent again is refused by its key, which is the first one's.
UNSEEN: dict[str, Any] = {"search_hides": ("younger:1000",), "external_id_twice": "refused"}
SHORT, WHOLE = {"search_most": 3}, {"search_most": 0}
ANOTHERS, ANYBODYS = {"company_number": "999999999"}, {"company_number": ""}


def run(*orders: Order, strike: str | None = None, late: Order | None = None, **switches: Any) -> Schedule:
    """`late`: a further order, written once the others were sent."""
    happenings = [Happening(2, "insert_late", details={"orders": (late,), "rounds": 1})] if late else []
    made = run_of(*orders, strike=strike, happenings=happenings, switches=switches, platform="superpdp")
    return replace(made, settings={"STATUS_SOURCE": "auto", "FOLLOW_UP_DAYS": "0.02"}, most_leaps=80)


LATE = run(*[Order()] * 5, events_late=0.5, events_late_seconds=200.0)
MUTANTS: dict[str, Mutant] = {
    "no key": Mutant(
        "the key is not sent",
        run(Order(), Order(faults=("stored:400:issue",))),
        worker=sabotage.send_no_key,
    ),
    "a new key each time": Mutant(
        "each attempt has a key of its own", run(LOST, Order(), **UNSEEN), prepare=sabotage.draw_keys_anew
    ),
    "a refusal is a refusal": Mutant(
        "a 400 is taken for a refusal, and nobody looks for the key",
        run(Order(), Order(faults=("stored:400:issue",))),
        worker=sabotage.believe_refusals,
    ),
    "a key that is known": Mutant(
        "a 400 for a key that the platform knows is taken for a refusal, though the first copy was only not found",
        run(LOST, Order(), **UNSEEN),
        worker=believe_refusals_after_doubts,
    ),
    "a refusal of the seller": Mutant(
        "an invoice is rejected for its account being another company's",
        replace(
            run(Order(), Order()),
            happenings=(Happening(1, "throw", details={"rounds": 3, "switches": ANOTHERS, "back": ANYBODYS}),),
        ),
        worker=sabotage.believe_refusals_of_sellers,
    ),
    "anybody's key": Mutant(
        "a deposit that shows another's key is taken for ours",
        run(Order(), Order(seller=1), Order(faults=("reset",)), Order("namesake", faults=("lost_answer",))),
        worker=sabotage.believe_any_key,
    ),
    "the list's end": Mutant(
        "a list that ends before a deposit that is known shows all there is",
        replace(
            run(Order(), LOST, *[Order()] * 5),
            happenings=(Happening(1, "throw", details={"rounds": 60, "switches": SHORT, "back": WHOLE}),),
            settings={"MAX_IN_FLIGHT": "1", "STATUS_SOURCE": "auto", "FOLLOW_UP_DAYS": "0.02"},
        ),
        worker=sabotage.believe_every_end,
    ),
    "a refusal stays": Mutant(
        "a rejection stands though the deposit proves to be another invoice's",
        run(
            Order("unroutable", faults=("lost_answer",)),
            late=Order(faults=("deposit_ids=previous",)),
            search_hides=("younger:600",),
        ),
        prepare=sabotage.keep_refusals,
    ),
    "the place first": Mutant(
        "the feed's place is stored before its events, and no history makes it good",
        run(Order(), Order(), strike="kill@statuses.record_status_update.before:1"),
        prepare=sabotage.move_at_once,
        worker=sabotage.move_before_storing,
    ),
    "the place at once": Mutant(
        "the feed's place moves at once, past what shows late, and no history makes it good",
        LATE,
        prepare=sabotage.move_at_once,
        worker=sabotage.hear_the_feed_alone,
    ),
    "the feed alone": Mutant(
        "no history is read: the feed itself loses nothing",
        LATE,
        worker=sabotage.hear_the_feed_alone,
        harmless=True,
    ),
}
