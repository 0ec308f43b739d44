"""After the drain: what waits for a person or was never heard of is watched for as long as an alarm may take to ring."""

from __future__ import annotations

from collections.abc import Iterator

from local.torture.crew import Crew
from local.torture.findings import SILENT, Finding
from local.torture.lane import Lane
from local.torture.silence import ALARMS, ringing

# What does not end by itself. A deposit that is followed has not to end; one that was never heard of is reported after a day.
UNENDED = """
select case when s.state = 'failed' then 'failed' when s.state = 'submitted' then 'unheard' else 'unended' end as kind, count(*) as n
from (select distinct on (invoice_id) * from facteur.submissions order by invoice_id, id desc) s
where s.state = 'failed' or s.finalized_at is null
      and (s.state <> 'submitted' or not exists (select from facteur.status_events e where e.submission_id = s.id))
group by 1
"""
WATCHED_MINUTES = 16
# The sample invoices were issued long ago: what is not deposited is near the legal deadline at once, and rings whatever else is wrong.
OF_OTHERS = frozenset(
    {"FailedInvoicesAlarm", "RejectionRateAlarm", "ForgottenInvoicesAlarm", "UnnamedKindsAlarm", "LegalDeadlineAlarm"}
)
RINGS = {
    "failed": frozenset({"FailedInvoicesAlarm"}),
    "unheard": frozenset({"OldestSilentAlarm", "DepositsNotShownAlarm"}),
    "unended": frozenset(ALARMS) - OF_OTHERS,
}


def unheard(lane: Lane, crew: Crew) -> Iterator[Finding]:
    """What has not ended, or ended at a person, while nothing rings."""
    waiting = {row.kind: row.n for row in lane.database.rows(UNENDED)}
    since, heard = lane.clock.now(), set[str]()
    for _ in range(WATCHED_MINUTES if waiting else 0):
        _pass(crew)
        heard = ringing(lane.metrics(), since, lane.clock.now())
        if all(heard & RINGS[kind] for kind in waiting):
            return
        lane.leap(60.0)
    for kind, count in waiting.items():
        if not heard & RINGS[kind]:
            yield Finding(SILENT, f"{count} {kind}, and no alarm of theirs rings, but {sorted(heard)}")


def _pass(crew: Crew) -> None:
    crew.start(["relay", "poll"])
    crew.finish()
