"""The mutants of what is read of a deposit: which statuses are stored, and which of them decide."""

from __future__ import annotations

from dataclasses import replace

from local.torture import broken_sql, sabotage
from local.torture.mutant import Mutant, run_of
from local.torture.schedule import Happening, Order

MUTANTS: dict[str, Mutant] = {
    "the newest date decides": Mutant(
        "the newest status is the verdict, whatever the others say",
        run_of(Order(), Order("bounced"), switches={"status_dates": ["ISSUED@7200"]}),
        worker=sabotage.let_the_newest_decide,
    ),
    "new is what is later": Mutant(
        "a sweep reads the history of what is dated later than what it saw before",
        run_of(Order(), Order("bounced"), switches={"status_dates": ["ISSUED@7200"], "delay_decision": 600}),
        prepare=broken_sql.hear_only_what_is_later,
    ),
    "what was shown last is all": Mutant(
        "a sweep reads no history for what is dated before the status that its search shows",
        replace(
            run_of(Order(), happenings=[Happening(8, "refuse_late", details={"offset_seconds": -3600.0})]),
            settings={"FOLLOW_UP_DAYS": "3"},
            most_leaps=400,
        ),
        worker=sabotage.read_no_history_again,
    ),
    "one id is one status": Mutant(
        "statuses of one code under one id are one, whatever their dates and readers",
        run_of(Order(), Order(), switches={"status_ids": "constant"}),
        worker=sabotage.count_ids_once,
    ),
    "unknown statuses are dropped": Mutant(
        "a status with a code that nobody knows is not stored",
        run_of(Order(), switches={"lifecycle_twists": ["unknown_codes"]}),
        prepare=broken_sql.store_no_unknown_status,
    ),
    "a refusal without its reason is none": Mutant(
        "each history takes back a refusal that it does not show yet",
        replace(
            run_of(Order("bounced"), Order(), switches={"history_lag": 21_600, "delay_decision": 600}),
            settings={"FOLLOW_UP_DAYS": "3"},
            most_leaps=300,
        ),
        prepare=broken_sql.take_back_unread_refusals,
    ),
    "pulls are believed": Mutant(
        "what no pull shows has not happened, though a webhook takes the statuses",
        replace(
            run_of(
                Order("bounced"),
                Order(),
                happenings=[Happening(15, "webhook")],
                switches={"delay_decision": 7200},
            ),
            settings={"STATUS_SOURCE": "pull", "FOLLOW_UP_DAYS": "3"},
            most_leaps=300,
        ),
        prepare=broken_sql.believe_pulls,
        worker=sabotage.hear_pulls_alone,
    ),
    "acknowledged before the commit": Mutant(
        "a pulled status is acknowledged before it is stored, and no history makes it good",
        replace(
            run_of(Order(), Order(), strike="kill@statuses.record_status_update.before:1"),
            settings={"STATUS_SOURCE": "pull"},
        ),
        worker=sabotage.acknowledge_before_storing,
    ),
}
