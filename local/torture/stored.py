"""What our tables hold after a run: every status that the platform gave, and no secret."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from local.invoices import BUYERS
from local.torture.company import BY_HAND
from local.torture.findings import LEAK, LOST, ROWS, Finding, Given, Share, named, nameless, stands
from local.torture.meetings import MIXED_UP, TWICE, met
from local.torture.schedule import Schedule

ATTEMPTED = "select platform_id from facteur.attempts where platform_id is not null"
EVENTS = "select platform_id, platform_code from facteur.status_events"
ADOPTED = "select platform_id from facteur.submissions where platform_id is not null and state in ('closed', 'rejected', 'submitted')"
OURS = "select platform_id from facteur.submissions where platform_id is not null"
TABLES = (
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('facteur', 'invoicing')"
)
HOLDS = """
select secret, count(*) as n from {table} kept, unnest(%(secrets)s) secret
where position(secret in to_jsonb(kept)::text) > 0 group by 1
"""
BEGINNING = 60  # of a token: past the header that all have, and short enough to be found where a text was cut
CONTENT = ("<rsm:", "<ram:", "%PDF", "client_secret", "Client Secret & Cie", *(buyer.name for buyer in BUYERS))


def missing_statuses(ledger: list[dict[str, Any]], given: Given, lane: Share, schedule: Schedule) -> Iterator[Finding]:
    """Deposits that no attempt knows, and statuses that the platform gave and we do not have."""
    attempted = {row.platform_id for row in lane.database.rows(ATTEMPTED)}
    ours = {row.platform_id for row in lane.database.rows(OURS)}
    adopted = {row.platform_id for row in lane.database.rows(ADOPTED)}
    # its 201 named another deposit, or a rival took the number: then nothing ever shows the one that was refused
    meets = met(schedule)
    mixed_up = bool(meets & MIXED_UP) or any(order.kind == "rival" for order in schedule.orders)
    # one code of one instant that comes again under another id is nothing new; nor is what nothing distinguishes in one reading
    alike = {"status_ids=unprintable", "status_ids=constant"} & meets and "status_omits=destType" in meets
    counted = set if meets & TWICE or alike else list
    kept_back = bool({"history_refused=empty", "history_refused=500"} & meets)
    events: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in lane.database.rows(EVENTS):
        events[row.platform_id][lane.wire.plain(row.platform_code)] += 1  # however it is spelled
    owners = lane.company.owners()
    rows = lane.database.rows(ROWS)
    for deposit in ledger:
        # a person gave it up while its answer was lost
        decided = any(
            entry.decided or (entry.order.kind == "scanned" and deposit["number"] is None)  # no search can find it
            for entry in owners.get(deposit["sha256"], [])
        )
        uploaded = deposit["filename"] == BY_HAND
        # of a person's: that one is the invoice's; nothing distinguishes them, and where both are refused either is
        decided = decided or nameless(deposit)
        second = any(entry.by_hand for entry in owners.get(deposit["sha256"], [])) and not stands(deposit)
        if (
            not uploaded
            and deposit["id"] not in attempted | ours
            and not (decided or second or named(deposit, rows) or (mixed_up and deposit["verdict"] == "duplicate"))
        ):
            yield Finding(LOST, f"deposit {deposit['id']} ({deposit['number']}) is in no attempt")
        if kept_back and not stands(deposit):
            continue
        alone = schedule.settings.get("STATUS_SOURCE") == "history" and schedule.switches.get("ppf_delay")
        hidden = alone or schedule.switches.get("events_late") or "list_order=desc" in repr(schedule.happenings)
        if hidden and lane.wire.closing & events[deposit["id"]].keys():
            continue  # its life cycle was over before they were shown
        if deposit["id"] in adopted and (
            lacking := Counter(counted(given[deposit["id"]].elements())) - events[deposit["id"]]
        ):
            yield Finding(LOST, f"deposit {deposit['id']}: statuses {dict(lacking)} were never stored")
        invented = [
            code for code in events[deposit["id"]] if code in lane.wire.exact and code not in given[deposit["id"]]
        ]
        if invented:
            yield Finding(LOST, f"deposit {deposit['id']}: the platform never said {invented}")


def leaks(lane: Share) -> Iterator[Finding]:
    output = (lane.folder / "output").read_text(errors="replace")
    tokens = {line[:BEGINNING] for line in (lane.folder / "tokens").read_text().splitlines() if line}
    for secret in (*CONTENT, *lane.secrets_used, *tokens):
        if secret in output:
            yield Finding(LEAK, f"a worker's output holds {secret[:40]!r}")
    secrets = list({secret for secret in lane.secrets_used | tokens if secret})
    for table in lane.database.rows(TABLES):
        for row in lane.database.rows(HOLDS.format(table=table.name), {"secrets": secrets}):
            yield Finding(LEAK, f"table {table.name} holds {row.secret[:40]!r} in {row.n} rows")
