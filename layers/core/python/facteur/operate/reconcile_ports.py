"""What a reconciliation needs from the outside. It changes nothing, but for permits that calls to the platform cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from facteur.operate.reconcile_model import IssuedRow, KnownDeposit

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms


class ReconciledDatabase(Protocol):
    """Postgres. Every method is one statement and raises DatabaseUnavailableError."""

    def day(self, day: str) -> tuple[datetime, datetime]:
        """When a day begins and ends in Paris."""

    def accounts(self) -> list[str]: ...
    def issued(self, day: str, account: str | None, limit: int) -> tuple[int, list[IssuedRow]]:
        """How many rows were issued on a day, and those that may say otherwise than our tables."""

    def deposited(self, account: str, since: datetime, until: datetime) -> list[KnownDeposit]:
        """Submissions deposited in a time. One deposited a moment ago, which search need not show yet, is not `in_time`."""

    def known(self, platform_ids: Sequence[str], numbers: Sequence[str]) -> list[KnownDeposit]:
        """Submissions of any account that hold one of the ids, or whose number, or number as sent, is one of these."""

    def rows_numbered(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Number -> key of the company's rows."""

    def rows_of(self, invoice_ids: Sequence[str]) -> list[IssuedRow]: ...
    def wait_for_permit(self, account: str) -> bool:
        """Whether one call may be made; also where the account is paused, unless the platform asked for it."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What a reconciliation works with."""

    database: ReconciledDatabase
    platforms: Callable[[], AccountPlatforms]
