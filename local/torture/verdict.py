"""After the drain: is every invoice deposited exactly once, and does everybody agree? By the platform's ledger and plain SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from local.torture import witness
from local.torture.company import BY_HAND, STALE_ID
from local.torture.endings import ending
from local.torture.findings import (
    DOUBLE,
    LOST,
    ROWS,
    SILENT,
    STUCK,
    Deposits,
    Finding,
    Given,
    Share,
    named,
    nameless,
    stands,
    was_refused,
)
from local.torture.lane import Lane
from local.torture.meetings import MIXED_UP as MIXED_UP_ANSWERS
from local.torture.meetings import met
from local.torture.numbered import numbered_twice
from local.torture.reached import overtaken
from local.torture.refused import refused
from local.torture.schedule import FAILED, Schedule
from local.torture.stored import leaks, missing_statuses
from local.torture.wire import Asked

UNDUE = "select invoice_id from facteur.submissions where due_at is null and finalized_at is null"
# What was noted last of a submission or an attempt is not what it is.
UNNOTED = """
select s.invoice_id, s.state from facteur.submissions s left join lateral (
    select t.to_state, t.reason from facteur.transitions t
    where t.submission_id = s.id and t.subject = 'submission' order by t.id desc limit 1) t on true
where s.state <> 'sending' and (t.to_state, t.reason) is distinct from (s.state, s.last_error_code)
union all
select a.invoice_id, a.outcome from facteur.attempts a left join lateral (
    select t.to_state from facteur.transitions t where t.attempt_id = a.id and t.subject = 'attempt' order by t.id desc limit 1) t on true
where a.outcome is not null and t.to_state is distinct from a.outcome
"""
# A verdict that was taken back, and given again: the row said meanwhile what was not so. A person's acts are his.
TAKEN_BACK = """
select distinct b.invoice_id from facteur.transitions b join facteur.transitions a on a.submission_id = b.submission_id and a.id > b.id
where (b.subject, b.from_state, b.to_state) = ('submission', 'rejected', 'submitted')
  and (a.subject, a.from_state, a.to_state) = ('submission', 'submitted', 'rejected') and coalesce(a.by_whom, b.by_whom) is null
"""
MIXED_UP = "shown_as_another"
REFUSED_COPY = frozenset(range(300, 499)) - {408, 429}  # for good; 499: the connection ended without an answer


def judge_all(lane: Lane, schedule: Schedule) -> list[Finding]:
    """Everything that is wrong once nothing moves any more, by platform; and what was deposited with two."""
    whose = {row.id: row.account for row in lane.database.rows(ROWS)}
    first = lane.sites[0].account
    sent = {deposit["id"]: deposit["sha256"] for deposit in lane.ledger()}
    findings: list[Finding] = []
    for site in lane.sites:
        entries = {
            key: entry
            for key, entry in lane.company.entries.items()
            if len(lane.sites) == 1 or (whose.get(key) or first) == site.account
        }
        share = Share(
            site.wire,
            site.simulator,
            lane.folder,
            lane.database,
            lane.clients,
            lane.company,
            entries,
            lane.secrets_used,
            sent,
        )
        found = judge(share, schedule.at(site.name))
        findings += [replace(each, text=f"{site.name}: {each.text}") if schedule.parts else each for each in found]
    findings += [
        Finding(LOST, f"invoice {row.invoice_id} was rejected, deposited after all, and rejected again")
        for row in lane.database.rows(TAKEN_BACK)
    ]
    return [*findings, *(_on_two_platforms(lane) if schedule.parts else ())]


def _on_two_platforms(lane: Lane) -> Iterator[Finding]:
    standing: defaultdict[int, set[str]] = defaultdict(set)
    for site in lane.sites:
        for deposit in site.simulator.ledger():
            if stands(deposit) and deposit["filename"] != BY_HAND:
                for entry in lane.company.owners().get(deposit["sha256"], []):
                    standing[entry.id].add(site.name)
    for key, names in standing.items():
        if len(names) > 1:
            yield Finding(DOUBLE, f"invoice {key} is deposited with {' and '.join(sorted(names))}")


def judge(lane: Share, schedule: Schedule) -> list[Finding]:
    """Everything that is wrong at one platform."""
    everything = lane.simulator.ledger()
    ledger = [each for each in everything if each["number"] != witness.NUMBER]
    deposits = _by_invoice(ledger, lane)
    rows = {row.id: row for row in lane.database.rows(ROWS)}
    given = _given(everything, lane, schedule)
    unsaid = {
        each["id"]
        for each in ledger
        if was_refused(each) and lane.wire.given and not any(given[each["id"]][code] for code in lane.wire.refusing)
    }
    # only where the platform itself mixes up answers, or gives one again while the next is asked for; elsewhere the mix-up would be ours
    lied_to = bool(met(schedule) & (MIXED_UP_ANSWERS | {"extra"}))
    stopped = _stopped(rows.values(), deposits) if lied_to else set()
    if lane.wire.hostility.bare(schedule):
        stopped |= left_to_a_person(rows.values(), lane.simulator.calls("download"))
    entries = [each for each in lane.entries.values() if each.id in rows and each.id not in stopped]
    uncalled = {each.id for each in entries if unsaid & {deposit["id"] for deposit in deposits[each.id]}}
    entries = [each for each in entries if each.id not in uncalled]
    return [
        *_doubles(deposits, lane),
        *(
            finding
            for entry in entries
            for finding in ending(entry, rows[entry.id], deposits[entry.id], lane, schedule)
        ),
        *(Finding(STUCK, f"open without due_at: invoice {row.invoice_id}") for row in lane.database.rows(UNDUE)),
        *(
            Finding(SILENT, f"invoice {row.invoice_id} is {row.state}, and no transition says so")
            for row in lane.database.rows(UNNOTED)
        ),
        *_unshown(stopped, rows),
        *_unknown(ledger, list(rows.values()), lane, stopped, uncalled),
        *missing_statuses(
            [each for each in ledger if not (stopped | lane.company.unwritable) & _owners_of(each, lane)],
            given,
            lane,
            schedule,
        ),
        *_strange_ids(lane, stopped),
        *numbered_twice(ledger, lane),
        *refused(lane, schedule),
        *overtaken(lane, schedule),
        *leaks(lane),
    ]


def _stopped(rows: Collection[Any], deposits: Deposits) -> set[int]:
    """Invoices whose deposits the platform mixed up: shown as each other's, or one looked up after the other had stopped, or beside a
    deposit that nobody has any more."""
    mixed_up = {row.id: row for row in rows if MIXED_UP in {row.objection_code, row.last_error_code}}
    taken = {row.platform_id for row in mixed_up.values() if row.platform_id}
    taken |= {deposit["id"] for each in mixed_up for deposit in deposits[each]}
    named = {deposit["id"] for each in deposits.values() for deposit in each}
    taken |= {each for each in named for row in mixed_up.values() if each in (row.last_error_message or "")}
    after = {
        row.id
        for row in rows
        if row.last_error_code == "conflicting_deposit" and any(each in row.last_error_message for each in taken)
    }
    return mixed_up.keys() | after


def left_to_a_person(rows: Collection[Any], downloads: Collection[Mapping[str, Any]]) -> set[int]:
    """Where copies alone say whose a deposit is: invoices that stopped at one whose copy the platform refused, which nobody could
    distinguish from their own."""
    refused = {each["path"].split("/")[-2] for each in downloads if each["status"] in REFUSED_COPY}
    return {
        row.id
        for row in rows
        if row.state == FAILED
        and row.last_error_code == "conflicting_deposit"
        and any(f"deposit {each} " in row.last_error_message for each in refused)
    }


def _given(ledger: list[dict[str, Any]], lane: Share, schedule: Schedule) -> Given:
    """The codes that the platform gave of each deposit."""
    if lane.wire.given is None:
        return {each["id"]: Counter(each["statuses"]) for each in ledger}
    second = [lane.wire.second["client_id"]] if lane.clients == "two" else []
    output = (lane.folder / "output").read_text(errors="replace")
    asked = Asked((lane.simulator.client_id, *second), schedule.settings.get("STATUS_SOURCE", ""), output)
    return lane.wire.given(lane.simulator, asked)


def _unshown(stopped: set[int], rows: Mapping[int, Any]) -> Iterator[Finding]:
    """A 201 named a deposit whose own answer nobody had: both invoices stop, and their rows say so until a person compares them."""
    for each in stopped:
        if rows[each].technical_status != "error" and not rows[each].write_back_due_at:
            yield Finding(
                LOST, f"invoice {each} has another's deposit, and its row shows {rows[each].technical_status}"
            )


def _owners_of(deposit: dict[str, Any], lane: Share) -> set[int]:
    return {entry.id for entry in lane.company.owners().get(deposit["sha256"], [])}


def _by_invoice(ledger: list[dict[str, Any]], lane: Share) -> defaultdict[int, list[Any]]:
    owners = lane.company.owners()
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for deposit in ledger:
        for entry in owners.get(deposit["sha256"], []):
            found[entry.id].append(deposit)
    return found


def _doubles(deposits: Deposits, lane: Share) -> Iterator[Finding]:
    """A deposit stored after another that the platform had not refused. That it calls the second a duplicate excuses nothing.

    Of what a person uploaded nobody knew, but it is there: two that stand are two. What no search can find is sent once, refused or not.
    """
    for entry in lane.entries.values():
        standing = 0
        if entry.by_hand and sum(map(stands, deposits.get(entry.id, []))) > 1:
            yield Finding(
                DOUBLE, f"invoice {entry.id}: its own deposit stands beside the one that was uploaded by hand"
            )
        for deposit in deposits.get(entry.id, []):
            if deposit["filename"] == BY_HAND:
                continue
            if standing:
                yield Finding(DOUBLE, f"invoice {entry.id}: stored again as {deposit['id']} ({deposit['verdict']})")
            standing += (entry.order.kind == "scanned" and not entry.resubmitted) or not was_refused(deposit)


def _strange_ids(lane: Share, stopped: set[int]) -> Iterator[Finding]:
    """A row that ever showed the deposit of another document than its own, and does not say so.

    Not where the answer named one that a person had uploaded under the row's own number: until its verdict nothing distinguishes them.
    """
    uploaded = {each["id"]: each["number"] for each in lane.simulator.ledger() if each["filename"] == BY_HAND}
    shown = "select invoice_id, invoice_number, deposit_id from torture.shown join invoicing.invoices i on i.id = invoice_id"
    for row in lane.database.rows(shown):
        entry = lane.entries.get(row.invoice_id)
        if not entry or entry.id in stopped or uploaded.get(row.deposit_id) == row.invoice_number:
            continue
        if not row.deposit_id.startswith(STALE_ID) and lane.sent.get(row.deposit_id) not in entry.documents:
            yield Finding(
                LOST, f"invoice {entry.id} ({entry.order.kind}) once showed {row.deposit_id}, which is not its own"
            )


def _unknown(
    ledger: list[dict[str, Any]], rows: list[Any], lane: Share, stopped: set[int], uncalled: set[int]
) -> Iterator[Finding]:
    """A deposit that stands at the platform, while no invoice is said to be deposited as it.

    `uncalled`: invoices whose own deposit was refused, and nobody was given to know: then a person's may stand beside it.
    """
    decided = {sha256 for entry in lane.company.entries.values() if entry.decided for sha256 in entry.documents}
    ours = {row.platform_id for row in rows if row.state in {"submitted", "closed"}}
    refused = {row.id for row in rows if row.state in {"rejected", "failed"}}
    for deposit in ledger:
        if stopped & _owners_of(deposit, lane) or named(deposit, rows):
            continue
        if nameless(deposit) and _owners_of(deposit, lane) & refused:
            continue  # its row says that a person must look
        if deposit["filename"] == BY_HAND and _owners_of(deposit, lane) & (refused | uncalled):
            continue  # ours was refused or stopped, and its row says so
        if stands(deposit) and deposit["id"] not in ours and deposit["sha256"] not in decided:
            yield Finding(LOST, f"deposit {deposit['id']} ({deposit['number']}) stands and is no invoice's")
