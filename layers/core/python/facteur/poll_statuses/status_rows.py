"""Deposits and their statuses as the functions of Postgres give and take them."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from facteur.domain.submission import Due, StatusEvent

SWEPT = ("swept_code", "swept_at", "swept_state")  # of those that a sweep has seen
FIELDS = tuple(field.name for field in fields(StatusEvent))


def due_of(row: Any) -> Due:
    """A deposit whose status is due."""
    known = tuple(map(status_of, row.known))
    swept_code, swept_at, swept_state = (getattr(row, name, None) for name in SWEPT)
    return Due(
        row.id,
        row.account,
        row.platform_id,
        row.lifecycle_code,
        row.age_seconds,
        row.heard_at,
        row.made_at,
        known,
        swept_code,
        swept_at,
        swept_state,
        getattr(row, "late_seconds", 0.0),
        getattr(row, "refused_after", None),
    )


def status_of(event: dict[str, Any]) -> StatusEvent:
    """A status from its JSON; what is not stored again may be left out."""
    values = {name: event[name] for name in FIELDS if name in event} | {"raw": event.get("raw") or {}}
    at = event["occurred_at"]
    return StatusEvent(**values | {"occurred_at": datetime.fromisoformat(at) if at else None})


def status_row(event: StatusEvent) -> dict[str, Any]:
    """A status as JSON."""
    return asdict(event) | {"occurred_at": event.occurred_at.isoformat() if event.occurred_at else None}
