"""What an examination needs from the outside. Nothing here changes anything, but for permits that calls to the platform cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from facteur.settings import Settings

if TYPE_CHECKING:
    from facteur.aws.dead_letters import SqsDeadLetters
    from facteur.operate.doctor.store import PostgresExamined
    from facteur.platforms.accounts import AccountPlatforms


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
    """An account as the database knows it, with some sellers that deposit with it. `hold`: by whom and why a person paused it."""

    account: str
    pinned: bool
    paused_until: datetime | None
    pause_reason: str | None
    hold: str | None
    sellers: tuple[str, ...]


class Deployment(Protocol):
    """The stack's own resources. Every method raises OperatorError."""

    def schedule_state(self, function: str) -> str | None:
        """ENABLED, DISABLED, or None where there is none."""

    def mapping_states(self, function: str) -> Sequence[str]:
        """The states of what hands the function its messages."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What every check is given. None: not known where this runs."""

    settings: Settings
    database: PostgresExamined
    platforms: Callable[[], AccountPlatforms]
    dead_letters: SqsDeadLetters | None
    deployment: Deployment | None
    migrations: frozenset[int]
    now: Callable[[], datetime]
