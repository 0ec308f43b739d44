"""Many open deposits at once: rows in the database and entries at the platform, without the work of depositing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local.world.levers import World

INSERT = """
with given as (
    select * from unnest(%(ids)s::text[], %(numbers)s::text[], %(states)s::text[], %(ages)s::float[])
        with ordinality as g(platform_id, number, state, age, position)
)
insert into facteur.submissions (invoice_id, account, state, due_at, platform_id, invoice_number, seller_siren,
                                 submitted_at, finalized_at, written_status)
select number, %(account)s, state, case when state = 'submitted' then facteur.now() end, platform_id, number, '999999998',
       facteur.now() - make_interval(secs => age), case when state <> 'submitted' then facteur.now() end, 'validated'
from given order by position
"""
BUDGET = "insert into facteur.budgets (key) values ('account:' || %(account)s) on conflict do nothing"
KNOWN = """
update facteur.submissions set history_due_at = null, lifecycle_code = coalesce(lifecycle_code, swept_code), write_back_due_at = null,
    due_at = facteur.now() where state = 'submitted'
"""
HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class Crowd:
    """Deposits that exist on both sides, oldest first."""

    ids: Sequence[str]
    numbers: Sequence[str]


def crowd(
    world: World, count: int, *, youngest: float = HOUR, apart: float = 20.0, closed_between: int = 0,
    account: str = "default", client_id: str | None = None, prefix: str = "F-2026",
) -> Crowd:  # fmt: skip
    """`count` open deposits, `apart` seconds apart, each followed by so many closed ones; all stand at 203."""
    total = count * (1 + closed_between)
    invoices: list[dict[str, Any]] = [
        {"number": f"{prefix}-{rank:06}", "age_seconds": youngest + apart * (total - 1 - rank)} for rank in range(total)
    ]
    if client_id:
        invoices = [each | {"account": client_id} for each in invoices]
    ids = [each for portion in batched(invoices) for each in world.simulator.add_foreign_invoices(portion)]
    states = ["submitted" if rank % (1 + closed_between) == 0 else "closed" for rank in range(total)]
    world.database.rows(BUDGET, {"account": account})
    values = {
        "ids": ids, "numbers": [each["number"] for each in invoices], "states": states,
        "ages": [each["age_seconds"] for each in invoices], "account": account,
    }  # fmt: skip
    world.database.rows(INSERT, values)
    opened = [rank for rank in range(total) if states[rank] == "submitted"]
    return Crowd([ids[rank] for rank in opened], [invoices[rank]["number"] for rank in opened])


def batched(invoices: Sequence[dict[str, Any]], size: int = 5000) -> Iterator[Sequence[dict[str, Any]]]:
    return (invoices[first : first + size] for first in range(0, len(invoices), size))


def known(world: World) -> None:
    """One pass has seen them all, and every history has been read; all are due again."""
    world.poll()
    world.database.rows(KNOWN)
