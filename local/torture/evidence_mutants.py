"""The mutants of what a look-up shows, and of the number that a deposit is shown under."""

from __future__ import annotations

from dataclasses import replace

from facteur.domain.status_updates import Listing
from facteur.postgres.database import Database
from local.torture.mutant import Mutant, run_of
from local.torture.sabotage import switch
from local.torture.schedule import Happening, Order
from local.torture.sql import replace_in
from local.torture.worker import Worker

LOST = Order(faults=("lost_answer",))
ANOTHERS = Order(faults=("deposit_ids=previous",))
IN_TURN, BY_HISTORY = {"MAX_IN_FLIGHT": "1"}, {"STATUS_SOURCE": "history"}  # the lost one is stored first
# A result of one entry, and the count says that there are more: the oldest one was received under this number.
CUT = Happening(1, "lie", details={"seconds": 2_000.0, "fault": "search_most=1+search_count=long"})


def take_what_was_received(_worker: Worker) -> None:
    switch("inbound", lambda _: lambda _entry: False)


def believe_other_words(_worker: Worker) -> None:
    """What does not say OUTBOUND was received."""
    switch("inbound", lambda _: lambda entry: entry.get("metadata", {}).get("direction") != "OUTBOUND")


def believe_what_is_cut(_worker: Worker) -> None:
    Listing.check = lambda _self: None  # type: ignore[method-assign, assignment]


def take_every_number_for_ours(database: Database) -> None:
    replace_in(database, "facteur.is_anothers", r"select facteur\.plain", "select false and facteur.plain")


def compare_no_number(database: Database) -> None:
    replace_in(database, "facteur.check_number", r"if p_number is null or", "if true or")


def compare_no_number_of_a_look_up(database: Database) -> None:
    replace_in(database, "facteur.check_shown", r"not facteur\.is_former\(s\)", "false")


def send_numbers_twice(database: Database) -> None:
    found = r"where (facteur\.plain\(a\.invoice_number\) =)"
    replace_in(database, "facteur.sent_for_another_row", found, r"where false and \1")


MUTANTS: dict[str, Mutant] = {
    "a number twice": Mutant(
        "another document is sent under a number that another row of the seller has sent",
        run_of(Order(), Order("rival")),
        prepare=send_numbers_twice,
    ),
    "what was received is ours": Mutant(
        "what the search shows as received is taken for ours",
        replace(run_of(Order(faults=("503",)), Order()), strangers=("inbound",)),
        worker=take_what_was_received,
    ),
    "another word is received": Mutant(
        "what the search does not show as OUTBOUND is left out",
        run_of(LOST, Order(), switches={"spellings": ["OUTBOUND=EMITTED"]}),
        worker=believe_other_words,
    ),
    "a cut result is whole": Mutant(
        "a listing that announces more than it shows is whole",
        replace(run_of(LOST, happenings=[CUT], switches={"search_order": "oldest"}), strangers=("inbound",)),
        worker=believe_what_is_cut,
    ),
    "any number is ours": Mutant(
        "whatever number the platform shows with a deposit is taken for the one that was sent",
        replace(run_of(LOST, ANOTHERS), settings=IN_TURN),
        prepare=take_every_number_for_ours,
    ),
    "no number of a status": Mutant(
        "the number that a deposit's statuses and look-ups show is not compared, where no sweep does it",
        replace(run_of(LOST, ANOTHERS), settings=IN_TURN | BY_HISTORY),
        prepare=compare_no_number,
    ),
    "no number of a look-up": Mutant(
        "the number that a look-up shows with another row's deposit is not compared, where no status shows one",
        replace(run_of(LOST, ANOTHERS, switches={"history_twists": ["nulls"]}), settings=IN_TURN | BY_HISTORY),
        prepare=compare_no_number_of_a_look_up,
    ),
}
