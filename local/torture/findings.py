"""What a run finds, and what it is judged by: one platform's share of a lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facteur.postgres.database import Database
from local.simulator.core.control import Simulator
from local.torture.company import Company, Entry
from local.torture.schedule import FAILED
from local.torture.wire import Wire

DOUBLE, LOST, STUCK, SILENT, LEAK, CRASH = "double", "lost", "stuck", "silent", "leak", "crash"
RISKED = "risked"
GOOD = frozenset({"accepted", "unreachable"})
LONGEST_ID = 200  # UUIDs have 36
REFUSED_BEFORE = frozenset({"unreadable", "violation", "duplicate", "no route"})
ROWS = """
select i.id, i.technical_status, i.submission_id, s.state, s.platform_id, s.last_error_code, s.last_error_message,
       s.write_back_due_at, s.objection_code, s.account,
       exists (select from facteur.operations o where o.submission_id = s.id and o.operation = 'adopt') as adopted,
       (select count(*) from facteur.attempts a
        where a.submission_id = s.id and a.outcome in ('unknown', 'not_found') and a.code <> 'lease_expired') as unanswered
from invoicing.invoices i left join lateral (
    select * from facteur.submissions s where s.invoice_id = i.id::text order by s.id desc limit 1) s on true
"""


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


def was_refused(deposit: dict[str, Any]) -> bool:
    return deposit["verdict"] in REFUSED_BEFORE or "REJECTED" in deposit["statuses"]


def stands(deposit: dict[str, Any]) -> bool:
    return deposit["verdict"] in GOOD and "REJECTED" not in deposit["statuses"]


def nameless(deposit: dict[str, Any]) -> bool:
    """Whether nobody can ask for it by its id, which is too long or has letters that nobody could write."""
    return len(deposit["id"]) > LONGEST_ID or not deposit["id"].isprintable()


def named(deposit: dict[str, Any], rows: Iterable[Any]) -> bool:
    """Whether an invoice that stopped names it as what may be its own: a person compares."""
    return any(row.state == FAILED and deposit["id"] in row.last_error_message for row in rows)
