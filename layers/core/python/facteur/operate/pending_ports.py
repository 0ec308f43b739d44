"""What previews and the backlog need from the outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Protocol

from facteur.model import Invoice
from facteur.operate.act_model import Act

if TYPE_CHECKING:
    from facteur.operate.backlog import Backlog, BacklogFilter, Portion
    from facteur.operate.preview import Previewed


class PendingStore(Protocol):
    """Postgres, for what waits to be deposited. Changes nothing; raises DatabaseUnavailableError."""

    def counted(self, account: str | None) -> tuple[int, Mapping[str, str]]:
        """How many wait, and their total by currency."""

    def other_kinds(self) -> Mapping[str, int]:
        """Finished documents of kinds that were not named as invoices, by kind."""

    def next_ones(self, account: str | None, limit: int) -> list[Previewed]: ...
    def invoice(self, invoice_id: str) -> Invoice | None:
        """The company's row, to fetch its document by."""


class BacklogStore(Protocol):
    """Postgres, for old rows. Each method is one transaction; raises OperatorError and DatabaseUnavailableError."""

    def preview(self, wanted: BacklogFilter, after: str | None, limit: int) -> Backlog: ...
    def lower_submit_from(self, since: date, include: bool, act: Act) -> str | None: ...
    def submit(self, wanted: BacklogFilter, after: str | None, limit: int, act: Act) -> Portion: ...
