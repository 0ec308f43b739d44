"""How each invoice may end after what happened to it, and what its row may show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.torture.company import STALE_ID, Entry, seller_of
from local.torture.findings import LOST, STUCK, Finding, Share, nameless, stands
from local.torture.hostile import UNMARKED
from local.torture.meetings import MIXED_UP, met
from local.torture.schedule import DEPOSITED, FAILED, KINDS, REJECTED, Schedule

TECHNICAL_STATUS = {
    "pending": "pending", "sending": "pending", "in_doubt": "pending", "submitted": "validated", "closed": "validated",
    "rejected": "rejected", "failed": "error",
}  # fmt: skip
UNANSWERABLE = frozenset({"search_not_credible", "search_too_wide"})
COPIES = frozenset({"files", "download"})
THRICE = 3


def ending(entry: Entry, row: Any, deposits: list[Any], lane: Share, schedule: Schedule) -> Iterator[Finding]:
    verdicts = [deposit["verdict"] for deposit in deposits]
    name = f"invoice {entry.id} ({entry.order.kind}): {row.state}, {row.last_error_code}, platform {verdicts}"
    for kind, what in (*_wrong_end(entry, row, deposits, lane, schedule), *_wrong_row(entry, row, lane)):
        yield Finding(kind, f"{name}: {what}")


Wrong = Iterator[tuple[str, str]]


def _wrong_end(entry: Entry, row: Any, deposits: list[Any], lane: Share, schedule: Schedule) -> Wrong:
    accepted = {deposit["id"] for deposit in deposits if stands(deposit)}
    if entry.decided:
        return  # by a person
    ends = _may_end(entry, row, deposits, lane, schedule)
    refused = row.state in {None, "rejected", "failed"}
    state = DEPOSITED if schedule.mute and row.state == "submitted" else row.state
    if state not in ends:
        yield LOST if refused else STUCK, f"expected {'/'.join(sorted(ends))}"
    contradicted = entry.refused_late or entry.order.kind == "disputed"
    shown = contradicted and (row.objection_code or row.adopted)  # a contradiction: a person's, or settled by him
    if row.state in {"submitted", "closed"} and row.platform_id not in accepted and not shown:
        yield LOST, f"its id {row.platform_id} is no accepted deposit"
    if refused and row.state and not row.last_error_code:
        yield LOST, "no reason is stated"


def _may_end(entry: Entry, row: Any, deposits: list[Any], lane: Share, schedule: Schedule) -> frozenset[str]:
    """In which states, after what happened to it."""
    taken = row.last_error_code == "conflicting_deposit" and (
        _bears_our_number(schedule) or _needs_a_copy(row, lane, schedule)
    )
    may = {
        FAILED: entry.by_hand or entry.refused_late or taken or not _has_witness(entry, row.account, lane)
        # a refusal may be of an earlier attempt whose answer was lost, where the platform's words are not stable
        or (lane.wire.given is not None and entry.order.kind == "refused" and row.last_error_code == "duplicate")
        # the same answer of unknown meaning three times: a person's
        or (row.last_error_code == "unknown_thrice" and row.unanswered >= THRICE)
        or (row.last_error_code == "other_seller" and _was_anothers(schedule))
        or never_arrived(row, deposits, schedule)
        or any(map(nameless, deposits)),
        DEPOSITED: entry.known,
        # a duplicate of a person's, refused without the word that would say so
        REJECTED: entry.refused_late or (entry.by_hand and _leaves_reasons_out(schedule)),
    }  # fmt: skip
    ends = _ends(entry) if _twins(entry, lane) == 1 else KINDS["twin"].ends
    return ends | {state for state, so in may.items() if so}


def _was_anothers(schedule: Schedule) -> bool:
    """Whether the account was another company's for a while."""
    return "company_number" in repr(schedule.happenings)


def never_arrived(row: Any, deposits: list[Any], schedule: Schedule) -> bool:
    """Whether nothing of it is there, where the search shows whatever there is in place of what bears a key: a person's in the end."""
    ignored = schedule.switches.get("search_ignores", ())
    return not deposits and row.last_error_code in UNANSWERABLE and "trackingId" in ignored


def _leaves_reasons_out(schedule: Schedule) -> bool:
    """Whether a status may come without what it says beside its code."""
    return "nulls" in schedule.switches.get("history_twists", ()) or any(
        each.startswith("status_omits=") for each in met(schedule)
    )


def _bears_our_number(schedule: Schedule) -> bool:
    """Whether the search shows deposits that may be ours: a stranger's, or one without a number whose own answer was mixed up."""
    unmarked = "businessData" in schedule.switches.get("search_omits", ()) and bool(MIXED_UP & met(schedule))
    return bool({"amount", "year", "seller"} & set(schedule.strangers)) or unmarked


def _needs_a_copy(row: Any, lane: Share, schedule: Schedule) -> bool:
    """Whether the bytes alone could say whose a deposit is, and the platform does not always show them: the search leaves something
    out, or the deposit is one that was refused.
    """
    outages = [each.details["endpoints"] for each in schedule.happenings if each.what == "outage"]
    refusing = {*schedule.rates, *(name for each in outages for name in each or COPIES)}
    refused = any(each["id"] in row.last_error_message and not stands(each) for each in lane.simulator.ledger())
    return bool(COPIES & refusing) and (refused or bool(UNMARKED & set(schedule.switches.get("search_omits", ()))))


def _has_witness(entry: Entry, account: str | None, lane: Share) -> bool:
    """Whether the account's client ever had an accepted deposit of that seller: else nothing doubtful is sent again by itself."""
    owners, seller = lane.company.owners(), seller_of(entry.order)
    client = (
        lane.wire.second["client_id"] if lane.clients == "two" and account == "second" else lane.simulator.client_id
    )
    return any(
        stands(deposit) and deposit["account"] == client
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
