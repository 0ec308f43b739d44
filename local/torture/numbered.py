"""Whether another invoice of the company was sent under a number that stands: that the platform refuses the second excuses nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from local.torture.company import BY_HAND
from local.torture.findings import DOUBLE, Finding, Share, was_refused


def numbered_twice(ledger: list[dict[str, Any]], lane: Share) -> Iterator[Finding]:
    """Of documents of rows that nobody corrected, set back or decided about; twins share one, and are judged by their bytes."""
    owners = lane.company.owners()
    standing: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
    for deposit in ledger:
        entries = owners.get(deposit["sha256"], [])
        if deposit["filename"] == BY_HAND or not entries or any(each.resubmitted or each.decided for each in entries):
            continue
        ids = {each.id for each in entries}
        named = standing[deposit["account"], deposit["seller"], deposit["number"]]
        if named and not named & ids:
            yield Finding(
                DOUBLE, f"invoice {min(ids)} was sent under {deposit['number']}, which invoice {min(named)} has"
            )
        if not was_refused(deposit):
            named |= ids
