"""The simulator's memory: every deposit, who holds which number, and which statuses nobody has acknowledged."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from local.simulator.core.clock import Clock, identifier
from local.simulator.core.invoice import Invoice
from local.simulator.core.lifecycle import Fate, Status, plan, state
from local.simulator.core.settings import Settings

Key = tuple[str, str, str, int]
Unseen = tuple[float, int]  # when it is, and its place in `shown`


@dataclass(slots=True)
class Deposit:
    """A stored document; everything but `statuses` is settled when it is stored."""

    id: str
    account: str
    at: float
    filename: str
    content: bytes
    sha256: str
    invoice: Invoice | None
    fate: Fate
    direction: str = "OUTBOUND"
    statuses: list[Status] = field(default_factory=list)
    foreign: bool = False
    sent: str = ""  # what came with it, for a platform that repeats such things
    key: str = ""  # the client's own, on platforms that take one
    unshown: list[Status] = field(default_factory=list)  # they change its state and are never shown

    @property
    def number(self) -> str | None:
        return self.invoice.number if self.invoice else None

    def visible(self, now: float) -> list[Status]:
        """The statuses that exist by now, oldest first."""
        return [status for status in self.statuses if status.at <= now]

    def latest(self, now: float) -> Status | None:
        return next((status for status in reversed(self.statuses) if status.at <= now), None)

    def state(self, now: float) -> str:
        happened = [status for status in (*self.unshown, *self.statuses) if status.at <= now]
        latest = max(happened, key=lambda status: status.at, default=None)
        return state(self.fate.verdict, latest.code if latest else None)


@dataclass(slots=True)
class Ledger:
    """Deposits in the order of their storing; `by_account` goes by their instants. `store` runs without a pause: one is in or not."""

    deposits: dict[str, Deposit] = field(default_factory=dict)
    by_account: defaultdict[str, list[Deposit]] = field(default_factory=lambda: defaultdict(list))
    by_number: defaultdict[tuple[str, str], list[Deposit]] = field(default_factory=lambda: defaultdict(list))
    by_key: defaultdict[Key, list[Deposit]] = field(default_factory=lambda: defaultdict(list))
    unseen: defaultdict[str, list[Unseen]] = field(default_factory=lambda: defaultdict(list))
    by_status: defaultdict[str, list[Unseen]] = field(
        default_factory=lambda: defaultdict(list)
    )  # id -> those that have it
    shown: list[tuple[Deposit, Status]] = field(
        default_factory=list
    )  # all statuses, in the order in which they were added

    def store(
        self, account: str, filename: str, content: bytes, invoice: Invoice | None,
        judge: Callable[[bool], Fate], settings: Settings, clock: Clock, sent: str = "", key: str = "",
    ) -> Deposit:  # fmt: skip
        """Keep a document under a new id; `judge` is called with whether its number is taken."""
        now = clock.now()
        fate = judge(self.is_taken(account, invoice, settings))
        deposit_id = self.new_id(settings, now, account, filename)
        digest = sha256(content).hexdigest()
        deposit = Deposit(deposit_id, account, now, filename, content, digest, invoice, fate, sent=sent, key=key)
        self.keep(deposit)
        planned = plan(deposit_id, now, fate, settings)
        if "state_only" in settings.lifecycle_twists:
            deposit.unshown += planned
        elif "never" not in settings.lifecycle_twists:
            for status in planned:
                self.add_status(deposit, status)
        return deposit

    def new_id(self, settings: Settings, at: float, *salt: object) -> str:
        """As the switch wants it; where ids are numbers, also those that are mixed up, or written as text, only when they are answered."""
        rank = len(self.deposits) + 1
        if settings.first_id and settings.deposit_ids in {"number", "counted", "previous"}:
            return str(settings.first_id + rank - 1)
        return identifier(settings.deposit_ids, at, rank, *salt, rank - 1)

    def keep(self, deposit: Deposit) -> None:
        self.deposits[deposit.id] = deposit
        insort(self.by_account[deposit.account], deposit, key=lambda each: each.at)
        if deposit.number:
            self.by_number[deposit.account, deposit.number].append(deposit)
        key = uniqueness(deposit.account, deposit.invoice)
        if key and not deposit.foreign:
            self.by_key[key].append(deposit)

    def is_taken(self, account: str, invoice: Invoice | None, settings: Settings) -> bool:
        """Whether an earlier deposit holds the number; a rejected one frees it unless the switch says otherwise."""
        key = uniqueness(account, invoice)
        holders = self.by_key.get(key, ()) if key else ()
        return any(settings.rejected_keeps_number or not each.fate.verdict.refused for each in holders)

    def add_status(self, deposit: Deposit, status: Status) -> None:
        insort(deposit.statuses, status, key=lambda each: each.at)
        entry = (status.at, len(self.shown))
        self.shown.append((deposit, status))
        self.by_status[status.id].append(entry)
        insort(self.unseen[deposit.account], entry)

    def find(self, deposit_id: str, account: str | None = None) -> Deposit | None:
        deposit = self.deposits.get(deposit_id)
        return deposit if deposit and account in {None, deposit.account} else None

    def not_seen(self, account: str, now: float) -> Iterator[tuple[Deposit, Status]]:
        """Unacknowledged statuses of an account, oldest first."""
        for at, place in self.unseen[account]:
            if at > now:
                return
            yield self.shown[place]

    def mark_seen(self, account: str, status_id: str) -> bool:
        """Acknowledge a status, the oldest where several have that id; False when the account has none."""
        entries = [each for each in self.by_status.get(status_id, ()) if self.shown[each[1]][0].account == account]
        unseen = self.unseen[account]
        for entry in sorted(entries):
            place = bisect_left(unseen, entry)
            if unseen[place : place + 1] == [entry]:
                del unseen[place]
                break
        return bool(entries)


def uniqueness(account: str, invoice: Invoice | None) -> Key | None:
    """What may exist once: number, seller and year of issue, within an account."""
    if invoice is None or not invoice.number or not invoice.seller.siren or invoice.issue_date is None:
        return None
    return account, invoice.number, invoice.seller.siren, invoice.issue_date.year
