"""What acts need from the outside, in their own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from facteur.operate.act_model import Act


class ActStore(Protocol):
    """Postgres, for acts: each is one transaction with its record, and a sentence about what came of it.

    Raises OperatorError where it is refused, and DatabaseUnavailableError; nothing was done then.
    """

    def retry(self, submission_id: int, act: Act) -> str: ...
    def reject(self, submission_id: int, act: Act) -> str: ...
    def alike(self, states: Sequence[str], code: str | None, account: str | None) -> list[int]:
        """Submissions in these states that no newer one has replaced, the oldest first; changes nothing."""

    def adopt(
        self,
        submission_id: int,
        platform_id: str,
        sha256: str | None,
        platform: Mapping[str, str] | None,
        account: str,
        act: Act,
    ) -> str:
        """`platform` is None where the platform was not asked; `account` made the deposit."""

    def taken_elsewhere(self, invoice_id: str, platform_id: str, *, unverified: bool) -> bool:
        """Whether a deposit is another invoice's; not by a mix-up of ids, unless nobody asks the platform (`unverified`)."""

    def spend(self, account: str, calls: int) -> None:
        """Calls to the platform that were made at once: the budget owes them."""

    def hold(self, account: str, seconds: float | None, act: Act) -> str: ...
    def resume(self, account: str, act: Act) -> str: ...
    def repin(self, account: str, act: Act) -> tuple[Mapping[str, str], list[str]]:
        """The pin that was, and the invoices in doubt that its client left."""

    def record(self, act: Act, detail: Mapping[str, int]) -> None:
        """Record an act on something else than Postgres, before it is done."""
