"""A platform in memory, with the real one's rules: every POST stores, and a duplicate is refused afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from facteur.domain.doubt import Candidate
from facteur.domain.submission import Accepted, Answer, Rejected, StatusEvent
from facteur.errors import AccountRefusedError, OutcomeUnknownError, PlatformBusyError, Problem
from tests.model.calls import Fault

SELLER = "130000011"
LATE_SECONDS = 60.0  # a deposit whose answer nobody waited for is stored by then


@dataclass
class Deposit:
    """What one POST sent, and what became of it. `invoice_id` and `attempt_id` are ours: the platform does not know them."""

    invoice_id: str
    attempt_id: int
    number: str
    sha256: str
    total: Decimal
    sent_at: datetime
    platform_id: str = ""
    stored_at: datetime | None = None
    refused: bool = False
    over: bool = False
    events: list[StatusEvent] = field(default_factory=list)


@dataclass
class MemoryPlatform:
    """Search shows a deposit `lag_seconds` after it was stored; the clock is off by `skew_seconds`."""

    clock: Callable[[], datetime]
    lag_seconds: float
    skew_seconds: float
    shows_copies: bool
    conflicts_at_once: bool
    attempt_of: Callable[[str], int]  # the one that is open of an invoice; 0: there is none
    deposits: dict[str, Deposit] = field(default_factory=dict)
    under_way: list[Deposit] = field(default_factory=list)
    doubles: list[tuple[Deposit, Deposit]] = field(default_factory=list)
    added: int = 0
    ails: Fault = Fault.NONE  # what every read meets for a while
    ails_until: datetime | None = None

    def post(self, deposit: Deposit, fault: Fault) -> Answer:
        self.check(fault)
        if fault is Fault.REFUSED:
            return Rejected(Problem("refused", "refused", 400), "")
        if fault is Fault.DOWN:
            raise OutcomeUnknownError(Problem("unknown_outcome", "unknown", 503))
        if fault is Fault.NONE and self.conflicts_at_once and self.holder(deposit):
            raise OutcomeUnknownError(Problem("unknown_outcome", "unknown", 409))
        if fault is Fault.LATE:
            self.under_way.append(deposit)
            raise OutcomeUnknownError(Problem("no_answer", "lost"))
        self.store(deposit)
        if fault is Fault.LOST:
            raise OutcomeUnknownError(Problem("no_answer", "lost"))
        return Accepted(deposit.platform_id, 201, "")

    def find(self, number: str) -> list[Candidate]:
        return [
            Candidate(
                d.platform_id, self._by_its_clock(d.stored_at or d.sent_at), d.refused, SELLER, d.total, "EUR", d.number
            )
            for d in self.deposits.values()
            if d.number == number and self._is_shown(d)
        ]

    def stands(self, platform_id: str) -> bool:
        """Whether the search shows a deposit, and as one that was not refused."""
        deposit = self.deposits[platform_id]
        return self._is_shown(deposit) and not deposit.refused

    def dated(self) -> datetime:
        """Now, by its own clock."""
        return self._by_its_clock(self.clock())

    def sha256_of(self, platform_id: str) -> str | None:
        return self.deposits[platform_id].sha256 if self.shows_copies else None

    def met_by_a_read(self, fault: Fault) -> Fault:
        """What it meets, where this call is meant to meet that."""
        ails = self.ails_until is not None and self.clock() < self.ails_until
        return self.ails if ails and fault is Fault.NONE else fault

    def check(self, fault: Fault) -> None:
        """Raise what certainly deposits nothing."""
        if fault is Fault.UNREACHABLE:
            raise PlatformBusyError(Problem("platform_unreachable", "unreachable"))
        if fault is Fault.BUSY:
            raise PlatformBusyError(Problem("too_many_requests", "slow down", 429), 30.0)
        if fault is Fault.ACCOUNT:
            raise AccountRefusedError(Problem("account_refused", "refused", 403))

    def store(self, deposit: Deposit) -> None:
        earlier = [d for d in self.deposits.values() if d.invoice_id == deposit.invoice_id and not d.refused]
        self.doubles += [(d, deposit) for d in earlier]
        duplicate = self.holder(deposit) is not None
        deposit.platform_id, deposit.stored_at = f"platform-{len(self.deposits) + 1}", self.clock()
        self.deposits[deposit.platform_id] = deposit
        self.add_status(deposit, "213" if duplicate else "200", "DUPLICATED_INVOICE" if duplicate else None)

    def holder(self, new: Deposit) -> Deposit | None:
        """The deposit that counts under the number that a document bears; the same bytes bear the same."""
        good = (d for d in self.deposits.values() if not d.refused)
        return next((d for d in good if d.number == new.number or d.sha256 == new.sha256), None)

    def catch_up(self) -> None:
        """Store what has been under way for too long."""
        latest = self.clock() - timedelta(seconds=LATE_SECONDS)
        for deposit in [d for d in self.under_way if d.sent_at <= latest]:
            self.under_way.remove(deposit)
            self.store(deposit)

    def add_status(self, deposit: Deposit, code: str, reason: str | None = None) -> None:
        """Add a status to a deposit's life cycle."""
        self.added += 1
        occurred_at = self.clock() + timedelta(seconds=self.skew_seconds, microseconds=self.added)
        deposit.refused = deposit.refused or code == "213"
        deposit.over = deposit.over or code in {"213", "210"}
        deposit.events.append(
            StatusEvent(
                f"status-{self.added}", deposit.platform_id, code, code, None, code, occurred_at, "platform", None, reason, None, {}
            )
        )  # fmt: skip

    def _is_shown(self, deposit: Deposit) -> bool:
        shown = self.clock() - timedelta(seconds=self.lag_seconds)
        return deposit.stored_at is not None and deposit.stored_at <= shown

    def _by_its_clock(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.skew_seconds)
