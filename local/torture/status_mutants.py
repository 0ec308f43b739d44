"""The mutants of what is read of a deposit: which statuses are stored, and which of them decide."""

from __future__ import annotations

from dataclasses import replace

from local.torture import broken_sql, sabotage, status_sabotage
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
    "a refusal without words is waited for": Mutant(
        "a refusal that the search shows and no history has is nobody's",
        replace(
            run_of(Order("unroutable"), Order(), switches={"history_refused": "empty"}),
            settings={"FOLLOW_UP_DAYS": "0.2"},
            most_leaps=900,
        ),
        worker=status_sabotage.rule_nothing_unread,
    ),
    "a duplicate is a refusal": Mutant(
        "a refusal as a duplicate is the invoice's, and nobody looks for the other deposit",
        run_of(Order(), happenings=[Happening(1, "by_hand", details={"rows": 1, "known": False})]),
        worker=status_sabotage.believe_duplicates,
    ),
    "any date is believed": Mutant(
        "a status that is dated two days ahead is the newest until then",
        replace(
            run_of(Order(), Order(), switches={"status_dates": ["RECEIVED@172800"], "delay_decision": 18_000}),
            settings={"FOLLOW_UP_DAYS": "0.02"},
        ),
        worker=status_sabotage.believe_every_date,
    ),
    "a refusal excludes nothing": Mutant(
        "a deposit that was refused and disputed by its buyer is rejected, and nobody asks",
        run_of(Order("disputed"), Order()),
        worker=status_sabotage.see_no_contradiction,
    ),
    "one stops all": Mutant(
        "a deposit whose statuses Postgres refuses ends the run of the poller",
        replace(
            run_of(Order(), Order(), happenings=[Happening(2, "refuse_statuses", details={"rows": 1, "rounds": None})]),
            settings={"STATUS_SOURCE": "history"},
        ),
        worker=status_sabotage.stop_at_one,
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
