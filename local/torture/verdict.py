"""After the drain: is every invoice deposited exactly once, and does everybody agree? By the platform's ledger and plain SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facteur.postgres.database import Database
from local.invoices import BUYERS
from local.simulator.core.control import Simulator
from local.torture import witness
from local.torture.company import BY_HAND, STALE_ID, Company, Entry, seller_of
from local.torture.hostile import UNMARKED
from local.torture.lane import Lane
from local.torture.schedule import DEPOSITED, FAILED, KINDS, REJECTED, Schedule
from local.torture.wire import Asked, Wire

DOUBLE, LOST, STUCK, SILENT, LEAK, CRASH = "double", "lost", "stuck", "silent", "leak", "crash"
TECHNICAL_STATUS = {
    "pending": "pending", "sending": "pending", "in_doubt": "pending", "submitted": "validated", "closed": "validated",
    "rejected": "rejected", "failed": "error",
}  # fmt: skip
ROWS = """
select i.id, i.technical_status, i.submission_id, s.state, s.platform_id, s.last_error_code, s.last_error_message,
       s.write_back_due_at, s.objection_code, s.account
from invoicing.invoices i left join lateral (
    select * from facteur.submissions s where s.invoice_id = i.id::text order by s.id desc limit 1) s on true
"""
UNDUE = "select invoice_id from facteur.submissions where due_at is null and finalized_at is null"
ATTEMPTED = "select platform_id from facteur.attempts where platform_id is not null"
EVENTS = "select platform_id, platform_code from facteur.status_events"
ADOPTED = "select platform_id from facteur.submissions where platform_id is not null and state in ('closed', 'rejected', 'submitted')"
OURS = "select platform_id from facteur.submissions where platform_id is not null"
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
TABLES = (
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('facteur', 'invoicing')"
)
HOLDS = """
select secret, count(*) as n from {table} kept, unnest(%(secrets)s) secret
where position(secret in to_jsonb(kept)::text) > 0 group by 1
"""
CONTENT = ("<rsm:", "<ram:", "%PDF", "client_secret", "Client Secret & Cie", *(buyer.name for buyer in BUYERS))
MIXED_UP = "shown_as_another"
COPIES = frozenset({"files", "download"})
GOOD = frozenset({"accepted", "unreachable"})
REFUSED_BEFORE = frozenset({"unreadable", "violation", "duplicate", "no route"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run found: a promise that did not hold."""

    kind: str
    text: str


Deposits = Mapping[int, list[Any]]
Given = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Share:
    """What one platform has of a lane: its invoices are those that ended there."""

    wire: Wire
    simulator: Simulator
    folder: Path
    database: Database
    clients: str
    company: Company
    entries: Mapping[int, Entry]
    secrets_used: set[str]
    sent: Mapping[str, str]  # the document of each deposit, at all platforms


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
    return [*findings, *(_on_two_platforms(lane) if schedule.parts else ())]


def _on_two_platforms(lane: Lane) -> Iterator[Finding]:
    standing: defaultdict[int, set[str]] = defaultdict(set)
    for site in lane.sites:
        for deposit in site.simulator.ledger():
            if _stands(deposit) and deposit["filename"] != BY_HAND:
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
        if _refused(each) and lane.wire.given and not any(given[each["id"]][code] for code in lane.wire.refusing)
    }
    # only where the platform itself mixes up answers, or gives one again while the next is asked for; elsewhere the mix-up would be ours
    lied_to = any(fault in repr(schedule) for fault in ("previous", "extra"))
    stopped = _stopped(rows.values(), deposits) if lied_to else set()
    entries = [each for each in lane.entries.values() if each.id in rows and each.id not in stopped]
    uncalled = {each.id for each in entries if unsaid & {deposit["id"] for deposit in deposits[each.id]}}
    entries = [each for each in entries if each.id not in uncalled]
    return [
        *_doubles(deposits, lane),
        *(
            finding
            for entry in entries
            for finding in _ending(entry, rows[entry.id], deposits[entry.id], lane, schedule)
        ),
        *(Finding(STUCK, f"open without due_at: invoice {row.invoice_id}") for row in lane.database.rows(UNDUE)),
        *(
            Finding(SILENT, f"invoice {row.invoice_id} is {row.state}, and no transition says so")
            for row in lane.database.rows(UNNOTED)
        ),
        *_unshown(stopped, rows),
        *_unknown(ledger, list(rows.values()), lane, stopped, uncalled),
        *_missing_statuses([each for each in ledger if not stopped & _owners_of(each, lane)], given, lane, schedule),
        *_strange_ids(lane, stopped),
        *_leaks(lane),
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


def _given(ledger: list[dict[str, Any]], lane: Share, schedule: Schedule) -> Given:
    """The codes that the platform gave of each deposit."""
    if lane.wire.given is None:
        return {each["id"]: Counter(each["statuses"]) for each in ledger}
    second = [lane.wire.second["client_id"]] if lane.clients == "two" else []
    output = (lane.folder / "output").read_text(errors="replace")
    asked = Asked((lane.simulator.client_id, *second), schedule.settings.get("STATUS_SOURCE", ""), output)
    return lane.wire.given(lane.simulator, asked)


def _refused(deposit: dict[str, Any]) -> bool:
    return deposit["verdict"] in REFUSED_BEFORE or "REJECTED" in deposit["statuses"]


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

    Of what a person uploaded nobody knew, but it is there: two that stand are two.
    """
    for entry in lane.entries.values():
        standing = 0
        if entry.by_hand and sum(map(_stands, deposits.get(entry.id, []))) > 1:
            yield Finding(
                DOUBLE, f"invoice {entry.id}: its own deposit stands beside the one that was uploaded by hand"
            )
        for deposit in deposits.get(entry.id, []):
            if deposit["filename"] == BY_HAND:
                continue
            if standing:
                yield Finding(DOUBLE, f"invoice {entry.id}: stored again as {deposit['id']} ({deposit['verdict']})")
            standing += not _refused(deposit)


def _ending(entry: Entry, row: Any, deposits: list[Any], lane: Share, schedule: Schedule) -> Iterator[Finding]:
    verdicts = [deposit["verdict"] for deposit in deposits]
    name = f"invoice {entry.id} ({entry.order.kind}): {row.state}, {row.last_error_code}, platform {verdicts}"
    for kind, what in (*_wrong_end(entry, row, deposits, lane, schedule), *_wrong_row(entry, row, lane)):
        yield Finding(kind, f"{name}: {what}")


Wrong = Iterator[tuple[str, str]]


def _wrong_end(entry: Entry, row: Any, deposits: list[Any], lane: Share, schedule: Schedule) -> Wrong:
    accepted = {deposit["id"] for deposit in deposits if _stands(deposit)}
    if entry.decided:
        return  # by a person
    ends = _may_end(entry, row, lane, schedule)
    refused = row.state in {None, "rejected", "failed"}
    state = DEPOSITED if schedule.mute and row.state == "submitted" else row.state
    if state not in ends:
        yield LOST if refused else STUCK, f"expected {'/'.join(sorted(ends))}"
    shown = entry.refused_late and row.objection_code  # a contradiction: a person's
    if row.state in {"submitted", "closed"} and row.platform_id not in accepted and not shown:
        yield LOST, f"its id {row.platform_id} is no accepted deposit"
    if refused and row.state and not row.last_error_code:
        yield LOST, "no reason is stated"


def _may_end(entry: Entry, row: Any, lane: Share, schedule: Schedule) -> frozenset[str]:
    """In which states, after what happened to it."""
    taken = row.last_error_code == "conflicting_deposit" and (
        _bears_our_number(schedule) or _needs_a_copy(row, lane, schedule)
    )
    may = {
        FAILED: entry.by_hand or entry.refused_late or taken or not _has_witness(entry, row.account, lane)
        # a refusal may be of an earlier attempt whose answer was lost, where the platform's words are not stable
        or (lane.wire.given is not None and entry.order.kind == "refused" and row.last_error_code == "duplicate")
        # the same answer of unknown meaning three times: a person's
        or row.last_error_code == "unknown_thrice",
        DEPOSITED: entry.known,
        # a duplicate of a person's, refused without the word that would say so
        REJECTED: entry.refused_late or (entry.by_hand and _leaves_reasons_out(schedule)),
    }  # fmt: skip
    ends = _ends(entry) if _twins(entry, lane) == 1 else KINDS["twin"].ends
    return ends | {state for state, so in may.items() if so}


def _leaves_reasons_out(schedule: Schedule) -> bool:
    """Whether a status may come without what it says beside its code."""
    return "nulls" in schedule.switches.get("history_twists", ()) or "status_omits" in repr(schedule)


def _bears_our_number(schedule: Schedule) -> bool:
    """Whether the search shows deposits that may be ours: a stranger's, or one without a number whose own answer was mixed up."""
    unmarked = "businessData" in schedule.switches.get("search_omits", ()) and "previous" in repr(schedule)
    return bool({"amount", "year", "seller"} & set(schedule.strangers)) or unmarked


def _needs_a_copy(row: Any, lane: Share, schedule: Schedule) -> bool:
    """Whether the bytes alone could say whose a deposit is, and the platform does not always show them: the search leaves something
    out, or the deposit is one that was refused.
    """
    outages = [each.details["endpoints"] for each in schedule.happenings if each.what == "outage"]
    refusing = {*schedule.rates, *(name for each in outages for name in each or COPIES)}
    refused = any(each["id"] in row.last_error_message and not _stands(each) for each in lane.simulator.ledger())
    return bool(COPIES & refusing) and (refused or bool(UNMARKED & set(schedule.switches.get("search_omits", ()))))


def _has_witness(entry: Entry, account: str | None, lane: Share) -> bool:
    """Whether the account's client ever had an accepted deposit of that seller: else nothing doubtful is sent again by itself."""
    owners, seller = lane.company.owners(), seller_of(entry.order)
    client = (
        lane.wire.second["client_id"] if lane.clients == "two" and account == "second" else lane.simulator.client_id
    )
    return any(
        _stands(deposit) and deposit["account"] == client
        and any(seller_of(each.order) == seller for each in owners.get(deposit["sha256"], []))
        for deposit in lane.simulator.ledger()
    )  # fmt: skip


def _ends(entry: Entry) -> frozenset[str]:
    kind = KINDS[entry.order.kind]
    if entry.corrected:
        return kind.corrected
    return kind.ends | kind.corrected if entry.resubmitted else kind.ends


def _twins(entry: Entry, lane: Share) -> int:
    """How many rows claim the same number: one of them gets the deposit, each may try."""
    alike = {"twin", "rival"}
    same = [each for each in lane.company.entries.values() if each.rank == entry.rank]
    return sum(each.id == entry.id or bool({each.order.kind, entry.order.kind} & alike) for each in same)


def _wrong_row(entry: Entry, row: Any, lane: Share) -> Wrong:
    if entry.id in lane.company.refused:
        return  # the company never let us write
    shown = "error" if row.objection_code and row.state in {"submitted", "closed"} else TECHNICAL_STATUS.get(row.state)
    if row.technical_status != shown or row.write_back_due_at:
        yield STUCK, f"the company's row shows {row.technical_status}"
    healed = row.state in {"submitted", "closed"}  # a row without a live deposit keeps what somebody saved there
    if row.submission_id != row.platform_id and not (entry.meddled and not healed and _was_saved(row.submission_id)):
        yield LOST, f"the company's row shows deposit {row.submission_id}, not {row.platform_id}"


def _was_saved(deposit_id: str | None) -> bool:
    """By an ORM that knew no better."""
    return not deposit_id or deposit_id.startswith(STALE_ID)


def _strange_ids(lane: Share, stopped: set[int]) -> Iterator[Finding]:
    """A row that ever showed the deposit of another document than its own, and does not say so."""
    for row in lane.database.rows("select invoice_id, deposit_id from torture.shown"):
        entry = lane.entries.get(row.invoice_id)
        if not entry or entry.id in stopped:
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
        if stopped & _owners_of(deposit, lane) or _named(deposit, rows):
            continue
        if deposit["filename"] == BY_HAND and _owners_of(deposit, lane) & (refused | uncalled):
            continue  # ours was refused or stopped, and its row says so
        if _stands(deposit) and deposit["id"] not in ours and deposit["sha256"] not in decided:
            yield Finding(LOST, f"deposit {deposit['id']} ({deposit['number']}) stands and is no invoice's")


def _named(deposit: dict[str, Any], rows: Iterable[Any]) -> bool:
    """Whether an invoice that stopped names it as what may be its own: a person compares."""
    return any(row.state == FAILED and deposit["id"] in row.last_error_message for row in rows)


def _stands(deposit: dict[str, Any]) -> bool:
    return deposit["verdict"] in GOOD and "REJECTED" not in deposit["statuses"]


def _missing_statuses(ledger: list[dict[str, Any]], given: Given, lane: Share, schedule: Schedule) -> Iterator[Finding]:
    """Deposits that no attempt knows, and statuses that the platform gave and we do not have."""
    attempted = {row.platform_id for row in lane.database.rows(ATTEMPTED)}
    ours = {row.platform_id for row in lane.database.rows(OURS)}
    adopted = {row.platform_id for row in lane.database.rows(ADOPTED)}
    # its 201 named another deposit, or a rival took the number: then nothing ever shows the one that was refused
    mixed_up = "previous" in repr(schedule) or "rival" in repr(schedule.orders)
    # one code of one instant that comes again under another id is nothing new; nor is what nothing distinguishes in one reading
    nameless = any(
        f"status_ids{sign}{ids}" in repr(schedule) for sign in ("=", "': '") for ids in ("unprintable", "constant")
    )
    counted = set if "twice" in repr(schedule) or (nameless and "status_omits=destType" in repr(schedule)) else list
    kept_back = schedule.switches.get("history_refused", "shown") != "shown" or "history_refused" in repr(
        schedule.happenings
    )
    events: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in lane.database.rows(EVENTS):
        events[row.platform_id][lane.wire.plain(row.platform_code)] += 1  # however it is spelled
    owners = lane.company.owners()
    rows = lane.database.rows(ROWS)
    for deposit in ledger:
        # a person gave it up while its answer was lost
        decided = any(entry.decided for entry in owners.get(deposit["sha256"], []))
        uploaded = deposit["filename"] == BY_HAND
        # of a person's: that one is the invoice's; nothing distinguishes them, and where both are refused either is
        second = any(entry.by_hand for entry in owners.get(deposit["sha256"], [])) and not _stands(deposit)
        if (
            not uploaded
            and deposit["id"] not in attempted | ours
            and not (decided or second or _named(deposit, rows) or (mixed_up and deposit["verdict"] == "duplicate"))
        ):
            yield Finding(LOST, f"deposit {deposit['id']} ({deposit['number']}) is in no attempt")
        if kept_back and not _stands(deposit):
            continue
        hidden = schedule.switches.get("events_late") or "list_order=desc" in repr(schedule.happenings)
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


def _leaks(lane: Share) -> Iterator[Finding]:
    output = (lane.folder / "output").read_text(errors="replace")
    tokens = {line for line in (lane.folder / "tokens").read_text().splitlines() if line}
    for secret in (*CONTENT, *lane.secrets_used, *tokens):
        if secret in output:
            yield Finding(LEAK, f"a worker's output holds {secret[:40]!r}")
    secrets = list({secret for secret in lane.secrets_used | tokens if secret})
    for table in lane.database.rows(TABLES):
        for row in lane.database.rows(HOLDS.format(table=table.name), {"secrets": secrets}):
            yield Finding(LEAK, f"table {table.name} holds {row.secret[:40]!r} in {row.n} rows")
