"""What installing needs of a database, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from facteur.install.model import Found, Plan, Sanity, Uninstalled
from facteur.operate.act_model import Act


class InstallingStore(Protocol):
    """Postgres. Every method raises DatabaseUnavailableError and ConfigurationError, and leaves nothing half done."""

    def look(self, status_columns: Sequence[str]) -> Found:
        """What the catalogue shows, in a read-only transaction. `status_columns` are names whose known values are wanted."""

    def apply(
        self, plan: Plan, first_day: date, lock_timeout_seconds: float, worker_role: str | None, act: Act
    ) -> Sanity:
        """Run the plan in one transaction, and record it. `worker_role` gets its rights; None: the one that had them before.

        Raises:
            OperatorError: a lock was not got in time, or the mapping shows invoices of before the first day; nothing was changed.
        """

    def uninstall(
        self, act: Act, *, drop_data: bool, drop_columns: bool, force: bool, lock_timeout_seconds: float
    ) -> Uninstalled:
        """Take everything away in one transaction, and record it unless the record goes too; a dry run says what would be run.

        Raises:
            OperatorError: a lock was not got in time, or something is still to be deposited; nothing was changed.
        """
