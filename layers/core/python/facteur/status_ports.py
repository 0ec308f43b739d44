"""What poll_statuses needs from the outside, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from facteur.model import Due, StatusEvent
from facteur.status_updates import Open, PulledDeposit, Ruling, Seen, Slice, StatusesStored


class StatusStore(Protocol):
    """Postgres, for poll_statuses. Every method is one statement and raises DatabaseUnavailableError."""

    def begin_run(self) -> None:
        """Leave word that statuses are being read."""

    def note_put_off(self, count: int) -> None:
        """Leave word of what could not be read or stored."""

    def take_permit(self, account: str) -> bool: ...
    def take_history_permit(self, account: str) -> bool: ...
    def pause(self, key: str, seconds: float, reason: str, *, refused: bool = False) -> None: ...
    def platform_answered(self, account: str) -> None:
        """A call that had nothing to record was answered: the account's breaker closes."""

    def platform_silent(self, account: str) -> None:
        """A call was not answered; enough of them in a row open the account's breaker."""

    def claim_status_updates(self, limit: int) -> list[Due]:
        """Deposits that are due; an overlapping run gets others."""

    def postpone_status_update(self, due: Due, seconds: float) -> None: ...
    def record_status_update(
        self, due: Due, events: Sequence[StatusEvent], ruling: Ruling, *, decided_on: int, asked_by: str
    ) -> StatusesStored:
        """Store what was heard, and what it comes to.

        Args:
            decided_on: how many statuses the ruling knew, these included. Where there are others by now nothing moves.
            asked_by: `history`, `unseen` (a history for want of a pull), `sweep`, `pull`, or `nobody` where the platform was not asked.
        """


class SweepStore(StatusStore, Protocol):
    """What a sweep needs beside."""

    def claim_slice(self, young: bool) -> Slice | None: ...
    def release(self, deposits: Sequence[Open], seconds: float | None) -> None:
        """Give back what was due and not looked at: due again in so many seconds, or (None) as before."""

    def record_seen(self, account: str, seen: Sequence[Seen]) -> tuple[int, int]:
        """How many show something new, and how many are shown under another number than was sent."""

    def note_shown(self, account: str, shown: int, missed: int) -> None:
        """What one answer of the search showed of ours, and what it ought to have shown."""

    def unread_verdicts(self, limit: int) -> list[Due]:
        """Deposits of which the search has shown a refusal for an hour that no status says."""

    def sweep_by_number(self, account: str, seconds: float) -> None:
        """Searching this account by date is no use for a while."""

    def claim_histories(self, limit: int) -> list[Due]:
        """Deposits whose history a sweep found wanting, the urgent ones first."""

    def postpone_history(self, due: Due, seconds: float) -> None: ...


class PullStore(Protocol):
    """What a pull needs beside."""

    def accounts(self) -> list[str]:
        """Those with open deposits, and not paused."""

    def take_turn(self, account: str) -> bool:
        """Whether this run alone reads the account's unseen statuses, for a while."""

    def end_turn(self, account: str) -> None: ...
    def pulled_deposits(self, account: str, platform_ids: Sequence[str]) -> Mapping[str, PulledDeposit]:
        """What is known of those deposits that are ours."""

    def note_blocked(self, account: str, blocked: bool) -> None:
        """A full page of unseen statuses showed nothing new (or does no more): what is behind it cannot be seen."""

    def note_pulled(self, account: str) -> None:
        """The pull showed a status of ours."""

    def unseen(self) -> frozenset[str]:
        """The accounts of which that is so, and those whose pull has shown nothing of ours for a day."""

    def keep_unmatched(self, account: str, events: Sequence[StatusEvent]) -> None: ...
    def early_statuses(self, due: Due) -> list[StatusEvent]:
        """Statuses that came before their deposit was known."""

    def close(self, due: Due) -> None:
        """Its life cycle was followed for long enough."""
