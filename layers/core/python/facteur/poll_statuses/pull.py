"""Statuses that the platform shows until they are acknowledged: stored and committed first, acknowledged then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from facteur.domain.decide_status import DAY_SECONDS, SILENT_SECONDS, any_new, apart, seconds_to_next_read
from facteur.domain.decide_sweep import has_doubled
from facteur.domain.metrics import Metric
from facteur.domain.submission import Due, StatusEvent
from facteur.errors import NotDepositedError
from facteur.platforms.port import Platform
from facteur.poll_statuses.history import read_history, store_statuses
from facteur.poll_statuses.services import PollServices, Step, alone, not_answered, not_answered_of_one

PULL = "pull"
AT_ONCE = 20
NO_PERMIT_SECONDS = 600.0
MOST_REFUSED = 3  # acknowledgements in a row


def pull(services: PollServices, permitted: Callable[[str], bool]) -> int:
    """Take what every account has not seen; how many statuses were not known and are acknowledged now."""
    seen = 0
    for account in services.pulls.accounts():
        if services.pulls.take_turn(account):
            seen += _pull_account(account, services, permitted)
            services.pulls.end_turn(account)
    return seen


def check_due(services: PollServices, source: str = PULL, accounts: Sequence[str] | None = None) -> Step:
    """Deposits that are due though their `source` showed nothing of them: statuses that came too early, silence, the end."""
    dues = services.store.claim_status_updates(AT_ONCE, accounts)
    unseen = services.pulls.unseen() if dues else frozenset()
    for due in dues:
        with alone(services, "deposit", submission_id=due.submission_id, account=due.account):
            try:
                offered = source in services.platforms.of(due.account).capabilities.statuses
                _check(due, services, source, unseen=due.account in unseen or not offered)
            except NotDepositedError as error:  # an account whose secret cannot be read
                delay = not_answered_of_one(services, due.account, due.platform_id, error)
                services.store.postpone_status_update(due, delay)
    return Step.DONE if dues else Step.NOTHING


def _pull_account(account: str, services: PollServices, permitted: Callable[[str], bool]) -> int:
    read = Reading(account, services, permitted)
    try:
        with alone(services, "pull", account=account):
            platform = services.platforms.of(account)
            while PULL in platform.capabilities.statuses and permitted(account) and read.page(platform):
                pass
    except NotDepositedError as error:
        not_answered(services, account, error, "pull", f"account:{account}")
    return sum(_key(event) not in read.known for event in read.acknowledged)


@dataclass(slots=True)
class Reading:
    """One reading of what an account has not seen: which statuses were dealt with, and which could be acknowledged.

    `known`: those that were stored before: their acknowledgement was refused, or forgotten.
    """

    account: str
    services: PollServices
    permitted: Callable[[str], bool]
    done: set[tuple[str, str, str]] = field(default_factory=set)
    acknowledged: list[StatusEvent] = field(default_factory=list)
    known: set[tuple[str, str, str]] = field(default_factory=set)
    refused: int = 0

    def page(self, platform: Platform) -> bool:
        """Store a page and acknowledge what was stored; whether to ask for another one.

        What cannot be acknowledged comes again and is gone past. A full page of nothing else hides whatever is behind it.
        """
        unseen, full = platform.not_seen()
        self.services.store.platform_answered(self.account)
        new = [event for event in unseen if _key(event) not in self.done]
        stored, ours, known = _store(self.account, new, platform, self.services)
        self.known |= known
        before, permitted = len(self.acknowledged), True
        try:
            permitted = self._acknowledge_all(stored, platform)
        finally:
            acknowledged = self.acknowledged[before:]
            if any(event.platform_id in ours for event in acknowledged):
                self.services.pulls.note_pulled(self.account)
            blocked = full and not acknowledged
            if permitted or acknowledged:  # else nobody knows
                self._note_blocked(blocked, len(unseen))
        self.done |= {_key(event) for event in new}
        return permitted and bool(new) and not blocked and self.refused <= MOST_REFUSED

    def _note_blocked(self, blocked: bool, statuses: int) -> None:
        self.services.pulls.note_blocked(self.account, blocked)
        if blocked:
            self.services.journal.warning(
                "pull.blocked", account=self.account, statuses=statuses,
                next_step="the platform shows a full page of statuses that it lets nobody acknowledge: ask it to clear them",
            )  # fmt: skip

    def _acknowledge_all(self, stored: Sequence[StatusEvent], platform: Platform) -> bool:
        """Until a few are refused in a row; whether there were permits."""
        for event in stored:
            if self.refused > MOST_REFUSED:
                break
            if not self._acknowledge(event, platform):
                return False
        return True

    def _acknowledge(self, event: StatusEvent, platform: Platform) -> bool:
        """Whether there was a permit for it. One that is refused is put off, and after a few in a row all of this reading."""
        if event.raw.get("statusId") is None:
            return True
        if not self.permitted(self.account):
            return False
        with alone(self.services, "acknowledgement", account=self.account, platform_id=event.platform_id):
            try:
                platform.acknowledge(event)
                self.acknowledged.append(event)
                self.refused = 0
            except NotDepositedError as error:
                self.refused += 1
                if _of_the_account(error, self.refused):
                    raise
                self.services.count_put_off()
                self.services.journal.warning(
                    "acknowledgement.put_off", account=self.account, platform_id=event.platform_id,
                    http_status=error.problem.http_status, error_code=error.problem.code,
                )  # fmt: skip
        return True


def _of_the_account(error: NotDepositedError, in_a_row: int) -> bool:
    """Whether an acknowledgement that was not answered says something about more than this one status."""
    status = error.problem.http_status
    return status in {None, 401, 429} or (status >= 500 and in_a_row > MOST_REFUSED)


def _key(event: StatusEvent) -> tuple[str, str, str]:
    return event.platform_id, event.status_id, event.code


def _store(
    account: str, new: Sequence[StatusEvent], platform: Platform, services: PollServices
) -> tuple[list[StatusEvent], frozenset[str], set[tuple[str, str, str]]]:
    """Each deposit's statuses in a transaction of its own, where one of them is new; what is not ours is counted and kept aside.

    Those that are stored, which deposits are ours, and what was known of them. First what nobody had seen, then what comes again, the
    latest first: what is never let be acknowledged grows old at the head of the list, and must not stop the others.
    """
    stored: list[StatusEvent] = []
    known: set[tuple[str, str, str]] = set()
    ours = services.pulls.pulled_deposits(account, sorted({event.platform_id for event in new}))
    for platform_id, deposit in ours.items():
        with alone(services, "pull", account=account, submission_id=deposit.due.submission_id):
            heard = [event for event in new if event.platform_id == platform_id]
            put_off: Sequence[StatusEvent] = ()
            if any_new(deposit.due, [*deposit.early, *heard]):
                put_off = store_statuses(deposit.due, [*deposit.early, *heard], platform.sandbox, services, "pull")
            # by code alone: what was not believed of one was stored otherwise
            refused = {event.code for event in put_off}
            stored += [event for event in heard if event.code not in refused]
            known |= {(platform_id, event.status_id, event.code) for event in deposit.due.known}
    if any(_key(event) not in known for event in stored):
        services.pulls.note_pulled(account)
    if unmatched := [event for event in new if event.platform_id not in ours]:
        with alone(services, "pull", account=account):
            services.pulls.keep_unmatched(account, list(apart(unmatched)))
            services.journal.count(Metric.FOREIGN_STATUSES, len(unmatched))
            stored += unmatched
    again = [event for event in stored if _key(event) in known]
    first = [event for event in stored if _key(event) not in known]
    return [*first, *reversed(again)], frozenset(ours), known


def _check(due: Due, services: PollServices, source: str, *, unseen: bool) -> None:
    if early := services.pulls.early_statuses(due):
        store_statuses(due, early, services.platforms.of(due.account).sandbox, services, "history")
    elif due.age_seconds > services.limits.follow_up_seconds + DAY_SECONDS:
        services.pulls.close(due)  # its last reading did not come through for a day
    elif (
        unseen
        or due.age_seconds > services.limits.follow_up_seconds
        or (due.lifecycle_code is None and due.age_seconds > SILENT_SECONDS)
        or has_doubled(due.age_seconds, due.late_seconds)
    ):
        _ask_once(due, services, "unseen" if unseen and source == PULL else "history")
    else:
        services.store.postpone_status_update(due, seconds_to_next_read(due.age_seconds))


def _ask_once(due: Due, services: PollServices, asked_by: str) -> None:
    """Silent for too long, nothing to be seen, or some time gone by: the history says whether there is anything that the pull was
    not shown, because somebody else took it."""
    if read_history(due, services, services.store.postpone_status_update, asked_by) is Step.NO_PERMIT:
        services.store.postpone_status_update(due, NO_PERMIT_SECONDS)
