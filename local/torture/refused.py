"""What an account that is refused may cost: a handful of doubts, and none once everything is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local.simulator.core.faults import fault_named
from local.torture.findings import LOST, RISKED, Finding, Share
from local.torture.hostile import ALL_BUT_TOKENS
from local.torture.schedule import Schedule

REFUSALS = frozenset({401, 403, 404})
HANDFUL = 5  # of an account: what is on its way at the first refusal, then one after five minutes, ten, twenty, …
UNDER_WAY_SECONDS = 900.0  # longer than a lease: what was begun before the first refusal
STOPPED = """
select s.account, count(*) as n from facteur.submissions s
where s.last_error_code = 'unknown_thrice'
  and not exists (select from facteur.attempts a
                  where a.submission_id = s.id and a.outcome in ('unknown', 'not_found') and a.http_status <> all (%(refusals)s))
group by 1
"""


def refused(lane: Share, schedule: Schedule) -> Iterator[Finding]:
    """Invoices that stopped because their account was refused, and what was sent though nothing of it was answered."""
    for row in lane.database.rows(STOPPED, {"refusals": list(REFUSALS)}):
        if row.n > HANDFUL:
            yield Finding(LOST, f"{row.n} invoices of account {row.account} stopped, for its refusals")
    for happening in schedule.happenings:
        if happening.what == "outage" and set(ALL_BUT_TOKENS) <= set(happening.details.get("endpoints", ())):
            yield from _sent_unread(happening.details, lane)


def _sent_unread(outage: Mapping[str, Any], lane: Share) -> Iterator[Finding]:
    fault = fault_named(outage["fault"])
    met = [call for call in lane.simulator.calls("deposit") if call["fault"] == fault.name]
    first = min((call["at"] for call in met), default=0.0)
    late = sum(call["at"] > first + UNDER_WAY_SECONDS for call in met)
    if late:
        yield Finding(
            RISKED, f"{late} documents were sent to an account that refuses everything, and no read was answered"
        )
