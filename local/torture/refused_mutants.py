"""The mutants of what follows from refusals: of a whole account, and of one invoice again and again."""

from __future__ import annotations

from dataclasses import replace

from facteur.postgres.database import Database
from local.torture.hostile import ALL_BUT_TOKENS
from local.torture.mutant import Mutant, run_of
from local.torture.schedule import Happening, Order
from local.torture.sql import replace_in

FORBIDDEN = {"seconds": 6_000.0, "fault": "403_html"}
REFUSED = Happening(1, "outage", details=FORBIDDEN | {"endpoints": ALL_BUT_TOKENS})
REFUSED_TO_DEPOSIT = Happening(1, "outage", details=FORBIDDEN | {"endpoints": ["deposit"]})
IN_TURN = {"MAX_IN_FLIGHT": "1"}
TEXT = "answer:409:text"  # of unknown meaning, and nothing is stored


def read_nothing_first(database: Database) -> None:
    for function in ("pause", "note_deposit"):
        replace_in(database, f"facteur.{function}", "then 'read'", "then 'deposit'")


def deposit_all_at_once(database: Database) -> None:
    replace_in(database, "facteur.deposits_admitted", "then case when .* end end", "then null end")


def circle(database: Database) -> None:
    replace_in(database, "facteur.repeated_answer", r"count\(\*\) >= 3", "false")


def stop_at_once(database: Database) -> None:
    replace_in(database, "facteur.repeated_answer", r"count\(\*\) >= 3", "true")


MUTANTS: dict[str, Mutant] = {
    "no read comes first": Mutant(
        "an account that was refused deposits again when its pause is over, and no read was answered",
        replace(run_of(*[Order()] * 9, happenings=[REFUSED]), settings=IN_TURN, most_leaps=120),
        prepare=read_nothing_first,
    ),
    "all at once": Mutant(
        "an account that was refused sends all that waits as soon as a read is answered",
        replace(run_of(*[Order()] * 12, happenings=[REFUSED_TO_DEPOSIT]), settings=IN_TURN, most_leaps=200),
        prepare=deposit_all_at_once,
    ),
    "the same answer for ever": Mutant(
        "an invoice that has one unknown answer again and again is sent for ever",
        replace(run_of(Order(faults=(TEXT,) * 40), Order()), most_leaps=120),
        prepare=circle,
    ),
    "one answer is enough": Mutant(
        "an invoice whose one answer says nothing is a person's once it was looked up",
        run_of(Order(faults=(TEXT,)), Order()),
        prepare=stop_at_once,
    ),
}
