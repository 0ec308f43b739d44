"""What keeps a company that changes its platform from depositing with both, switched off."""

from __future__ import annotations

from dataclasses import replace

from facteur.postgres.database import Database
from local.torture.mixed import MOVED, SETTINGS, usual
from local.torture.mutant import Mutant
from local.torture.schedule import Happening, Order, Schedule
from local.torture.sql import replace_in


def follow_the_route(database: Database) -> None:
    replace_in(database, "facteur.judgements", r"coalesce\(d\.account, i\.account\)", "i.account")
    replace_in(database, "facteur.of_another_client", r"where exists", "where false and exists")


def moved_in_doubt() -> Schedule:
    """A deposit that the search does not show is a person's at last; its company moves, and its row is set to pending again."""
    accounts = [
        replace(Order(), account=each, seller=seller) for each, seller in (("default", 0), ("second", 1), ("third", 0))
    ]
    return replace(
        usual("", (), None), orders=(*accounts, Order(faults=("lost_answer",), seller=1)), most_leaps=400,
        settings={**SETTINGS, "GIVE_UP_AFTER_SECONDS": "3600"},
        happenings=(
            Happening(1, "lie", details={"seconds": 6_000.0, "fault": "search_hides=all"}, platform="iopole"),
            replace(MOVED, at=90),
            Happening(120, "save_stale", details={"rows": 20}),
        ),
    )  # fmt: skip


MUTANTS = {
    "a doubt moves with its company": Mutant(
        "a doubtful deposit is looked up at the platform that its company has moved to, and sent there",
        moved_in_doubt(), prepare=follow_the_route,
    ),
}  # fmt: skip
