"""What travels between Python and SQL as JSON: one table, which tests of both sides read (tests/unit/test_json_shapes.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """An object. `keys`: with their types in SQL.

    `in_python`: the functions of `facteur` that write it, or read it, as module and name. `in_sql`: the variables that hold
    it, or the alias of the record that it is read as, or the function that builds it.
    """

    keys: Mapping[str, str]
    in_python: tuple[tuple[str, str], ...]
    in_sql: tuple[str, ...]


ATTEMPT = {
    "invoice_number": "text", "seller_siren": "text", "total": "text", "currency": "text", "platform_id": "text", "outcome": "text",
}  # fmt: skip

# From Python to SQL.
WRITTEN: Mapping[str, Shape] = {
    "intent": Shape(
        {
            "id": "bigint", "invoice_id": "text", "tries": "integer", "sha256": "text", "platform": "jsonb", "invoice_number": "text",
            "seller_siren": "text", "issue_date": "date", "total": "numeric", "currency": "text", "takes_key": "boolean",
            "number_read": "boolean",
        },
        (("submit_invoices.store", "_item"),), ("p_item", "given"),
    ),
    "outcome": Shape(
        {
            "submission_id": "bigint", "invoice_id": "text", "account": "text", "move": "move", "answered": "boolean",
            "read_answered": "boolean", "refused": "boolean", "pause_seconds": "double precision", "lease_token": "uuid",
            "witnesses": "text[]", "shown": "shown[]", "found": "found[]", "attempt": "attempt", "tries": "integer", "was": "text",
        },
        (("submit_invoices.store", "_outcome"), ("submit_invoices.store", "_recorded"), ("submit_invoices.store", "record_unclaimed")),
        ("p_outcome",),
    ),
    "attempt": Shape(
        {
            "id": "bigint", "outcome": "text", "http_status": "integer", "code": "text", "message": "text", "platform_id": "text",
            "response": "text",
        },
        (("submit_invoices.store", "_attempt"),), ("p_attempt",),
    ),
    "move": Shape(
        {
            "state": "text", "due_in_seconds": "double precision", "platform_id": "text", "error_code": "text", "error_message": "text",
            "waited_seconds": "double precision", "empty_lookups": "integer", "duplicate_verdict": "boolean", "clock": "jsonb",
            "shared": "boolean", "store": "text", "store_reason": "text",
        },
        (("postgres.database", "MOVE"), ("postgres.database", "as_move")), ("p_move", "m", "move"),
    ),
    "update": Shape(
        {
            "submission_id": "bigint", "platform_id": "text", "events": "event[]", "decided_on": "integer", "asked_by": "text",
            "current": "moment", "move": "move", "swept_code": "text", "swept_at": "timestamptz", "swept_state": "text",
            "invoice_number": "text", "objection": "objection", "contradiction": "text[]", "otherwise": "move", "over": "boolean",
        },
        (("poll_statuses.store", "_update"),), ("p_update",),
    ),
    "seen": Shape(
        {
            "id": "bigint", "platform_id": "text", "code": "text", "at": "timestamptz", "is_status": "boolean",
            "created_at": "timestamptz", "due_in": "double precision", "rank": "smallint", "wanted_every": "double precision",
            "over": "boolean", "state": "text", "number": "text",
        },
        (("poll_statuses.store", "_seen"),), ("r", "seen"),
    ),
    "event": Shape(
        {
            "status_id": "text", "platform_id": "text", "code": "text", "platform_code": "text", "network_code": "text", "label": "text",
            "occurred_at": "timestamptz", "date_believed": "boolean", "date_given": "text", "caused_by": "text", "audience": "text",
            "reason": "text", "message": "text", "raw": "jsonb", "invoice_number": "text", "settled": "boolean",
        },
        (("poll_statuses.status_rows", "FIELDS"),), ("e", "event"),
    ),
    "act": Shape(
        {"operation": "text", "who": "text", "why": "text", "caller": "text", "request_id": "text"},
        (("operate.acts_store", "signed"),), ("p_act",),
    ),
    "adoption": Shape(
        {"platform_id": "text", "sha256": "text", "platform": "jsonb", "account": "text"}, (("operate.acts_store", "adopt"),), ("p_found",)
    ),
}  # fmt: skip

# Within these, as list or object: written and read where the others are.
INNER = {
    "outcome": {
        "number",
        "platform_id",
        "attempt_id",
        "outcome",
    },  # of `shown` and `found`; the statement's own parameter
    "update": {"code", "text"},  # of `objection`
}

# Which come back to Python as they went: a status that is kept until its deposit is known.
RETURNED = {"event": {"invoice_number", "settled"}}

# From SQL to Python.
READ: Mapping[str, Shape] = {
    "past attempt": Shape(
        ATTEMPT | {
            "attempt_id": "bigint", "started_at": "timestamptz", "document_sha256": "text", "own_key": "text", "number_read": "boolean",
        },
        (("submit_invoices.store", "_past_attempt"),), ("in_json",),
    ),
}  # fmt: skip
