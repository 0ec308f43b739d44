"""What installing needs of a database, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from facteur.install.model import Found, KindColumn, Plan, Sample, Sanity, Table, Uninstalled, Wish
from facteur.operate.act_model import Act


class InstallingStore(Protocol):
    """Postgres. Every method raises DatabaseUnavailableError and ConfigurationError, and leaves nothing half done."""

    def look(self, status_columns: Sequence[str]) -> Found:
        """What the catalogue shows, in a read-only transaction. `status_columns` are names whose known values are wanted."""

    def kinds(self, found: Found, table: Table, wish: Wish) -> tuple[tuple[KindColumn, ...], tuple[str, ...]]:
        """The columns that name kinds of documents, counted, and what to know of them."""

    def samples(self, sampling: str) -> tuple[Sample, ...]:
        """Rows that would go, and rows that would not; none where they cannot be read just now."""

    def check_condition(self, condition: str, table: Table) -> None:
        """Raises OperatorError where it is no condition on the table's own rows."""

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
