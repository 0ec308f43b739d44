"""What an examination finds of an installation, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """The database as this connection sees it. `lacking`: rights that the functions need and this role has not."""

    server: str
    role: str
    sslmode: str | None
    tls: str | None
    on_this_machine: bool
    read_only: bool
    superuser: bool
    schema_there: bool
    lacking: tuple[str, ...]
    owner: bool  # of the schema, or a member of that role
    path: tuple[str, ...]  # the schemas besides pg_catalog where this session looks for names, quoted


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """A ready row of the view, as far as a deposit needs it."""

    invoice_id: str
    invoice_number: str | None
    seller_siren: str | None
    issue_date: date | None
    document_uri: str | None
    has_document: bool


@dataclass(frozen=True, slots=True)
class ExaminedAccount:
    """An account as the database knows it, with some sellers that deposit with it. `hold`: by whom and why a person paused it.

    `feed_failing`: its feed of statuses has failed for an hour.
    """

    account: str
    pinned: bool
    paused_until: datetime | None
    pause_reason: str | None
    hold: str | None
    sellers: tuple[str, ...]
    feed_failing: bool = False
