"""The mutants of what an operator sees: each leaves out some invoices that wait, while others of their kind ring or all end well."""

from __future__ import annotations

from dataclasses import replace

from local.torture import broken_sql, sabotage
from local.torture.mutant import Mutant, run_of
from local.torture.schedule import Happening, Order

LOST = Order(faults=("lost_answer",))
SILENT_SEARCH = Happening(1, "outage", details={"seconds": 8000, "fault": "503", "endpoints": ["search"]})
MUTANTS: dict[str, Mutant] = {
    "nothing is counted": Mutant(
        "the relay emits no metrics", run_of(Order(), Order("nameless")), worker=sabotage.say_nothing
    ),
    "doubts of corrected invoices": Mutant(
        "the oldest doubt is that of an invoice which was never corrected",
        replace(
            run_of(LOST, Order("refused", correct=True, later=("lost_answer",)), happenings=[SILENT_SEARCH]),
            most_leaps=200,
        ),
        prepare=broken_sql.count_no_doubts_of_corrected,
    ),
    "failures of one account": Mutant(
        "failed invoices of the first account alone are counted",
        replace(run_of(Order("nameless"), Order("nameless", account="second")), clients="same"),
        prepare=broken_sql.count_failures_of_the_first_account,
    ),
    "a store that refuses": Mutant(
        "how long invoices have waited for a store is not counted",
        run_of(
            Order(in_bucket=True),
            Order(),
            happenings=[Happening(1, "refuse_aws", details={"rounds": 60, "service": "s3", "code": "AccessDenied"})],
        ),
        prepare=broken_sql.count_nothing_that_waits_for_a_store,
    ),
    "corrected without a document": Mutant(
        "a corrected invoice that lacks its document is counted by nobody, because it was submitted once",
        replace(run_of(Order(), Order("refused", correct=True, lacks=True)), most_leaps=300),
        prepare=broken_sql.forget_what_was_submitted_once,
    ),
}
