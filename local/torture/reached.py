"""What a row says of its life cycle, where the platform dates some status further off than any date can be true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facteur.domain.lifecycle import BUYERS
from local.torture.findings import LOST, Finding, Share
from local.torture.meetings import met
from local.torture.schedule import Schedule

DAY_SECONDS = 86_400
DATED = re.compile(r"status_dates=(?:\w+@)?(.+)")
REACHED = """
select s.invoice_id, s.platform_id, s.lifecycle_code,
       (select jsonb_object_agg(e.platform_code, e.code) from facteur.status_events e
        where e.submission_id = s.id and e.platform_id = s.platform_id) as codes
from facteur.submissions s where s.state in ('submitted', 'closed') and s.objection_code is null
"""


def overtaken(lane: Share, schedule: Schedule) -> Iterator[Finding]:
    """What the buyer said last is stored, and the row shows an earlier status for its absurd date."""
    shifts = [found.group(1) for each in met(schedule) if (found := DATED.fullmatch(each))]
    if not shifts or not all(each.lstrip("-").isdigit() and abs(int(each)) > DAY_SECONDS for each in shifts):
        return
    given = {each["id"]: each["statuses"] for each in lane.simulator.ledger()}
    for row in lane.database.rows(REACHED):
        said = [code for each in given.get(row.platform_id, []) if (code := (row.codes or {}).get(each)) in BUYERS]
        if said and row.lifecycle_code != said[-1]:
            yield Finding(
                LOST,
                f"invoice {row.invoice_id}: its buyer said {said[-1]} last, and its row shows {row.lifecycle_code}",
            )
