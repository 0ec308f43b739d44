"""Ask the platform what happened to deposits, by the source that is set, and store it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from facteur.domain.metrics import Metric
from facteur.poll_statuses.feed import read_feeds
from facteur.poll_statuses.feed_store import Fed
from facteur.poll_statuses.history import act_on_unread, read_due_history, read_wanted_history
from facteur.poll_statuses.pull import check_due, pull
from facteur.poll_statuses.services import FEED, PollServices, Step
from facteur.poll_statuses.sweep import sweep

AUTO = "auto"
LONGEST_WAIT_SECONDS = 10.0  # for one permit
LONGEST_VAIN_SECONDS = 20.0  # waited for permits in vain: the bucket is paused, or others are quicker
FIRST_SHARE = 1 / 4  # of the time: for accounts without a feed, however much the feeds have to say


def poll_statuses(services: PollServices, remaining_seconds: float = float("inf")) -> int:
    """Work while something is due and there is time. Overlapping runs take different rows.

    Where the time is limited, it waits for permits; called by hand, it does what the budget admits at once.

    Returns:
        How many reads of the platform went well.

    Raises:
        DatabaseUnavailableError: nothing is lost, the rows are due again.
        EnvironmentMismatchError: this database belongs to another environment.
    """
    services.store.begin_run()
    act_on_unread(services)
    run = Run(services, time.monotonic(), time.monotonic() + remaining_seconds - services.answer_seconds)
    step = {AUTO: run.auto, "history": run.history, "sweep": run.sweep, "pull": run.pull}[services.source]
    try:
        while run.in_time() and step():
            pass
    finally:
        for provider, calls in services.platforms.calls_made().items():
            services.journal.count(Metric.STATUS_CALLS, calls, provider=provider)
    if services.put_off:
        services.store.note_put_off(sum(services.put_off))
    services.journal.count(Metric.POLL_RUNS)  # a run that fails is none: the alarm for a silent poller rings
    return run.reads


@dataclass(slots=True)
class Run:
    """One poll: what it has read, how long it may go on, and when there may be a permit for the next history."""

    services: PollServices
    began: float
    stop_at: float
    reads: int = 0
    rounds: int = 0
    vain_seconds: float = 0.0
    history_at: float = field(default=0.0)
    fed: list[Fed] | None = None  # accounts with a feed; None: nobody has asked yet
    feeds_read: bool = False

    def in_time(self, seconds: float = 0.0) -> bool:
        """Whether a call that begins in so many seconds ends before the function does."""
        return time.monotonic() + seconds < self.stop_at

    def history(self) -> bool:
        """Read one history; whether to go on."""
        return self._went_on(read_due_history(self.services), self.services.history_seconds)

    def auto(self) -> bool:
        """Each account by the best that its platform can do; whether to go on.

        A share of the time is for those that are swept; then all feeds are read once, and what is left is for the others again.
        """
        if self.fed is None:
            self.fed = self.services.feeds.accounts()
        fed = [each.account for each in self.fed]
        if not self.feeds_read:
            if self._in_first_share() and self.sweep(fed):
                return True
            self.feeds_read = True
            to_read = [each.account for each in self.fed if each.to_read]
            self.reads += read_feeds(self.services, to_read, self._permitted)
        due = check_due(self.services, FEED, fed) if fed else Step.NOTHING
        return self.sweep(fed) if due is Step.NOTHING else self._went_on(due, 0)

    def _in_first_share(self) -> bool:
        """Called by hand there is no time to share, only what the budget admits at once: feeds come first."""
        if self.stop_at == float("inf"):
            return False
        return time.monotonic() < self.began + FIRST_SHARE * (self.stop_at - self.began)

    def sweep(self, but: Sequence[str] = ()) -> bool:
        """Look at one slice, every second time at a young one, and read one history that is wanted; whether to go on.

        Each is first in two rounds of four: there may be so much to sweep that no permit is left for what comes second.
        """
        self.rounds += 1
        young, wanted_first = self.rounds % 2 == 1, self.rounds // 2 % 2 == 0
        read = self._wanted() if wanted_first else None
        swept = sweep(self.services, self.in_time, young=young, but=but)
        read = self._wanted() if read is None else read
        if swept in {Step.DONE, Step.FAILED}:
            self.reads += read is Step.DONE
            return self._went_on(swept, 0)
        if read is Step.NOTHING or (swept is Step.NO_PERMIT and read is not Step.DONE):
            return self._went_on(swept, self.services.call_seconds)
        return self._went_on(read, self.services.history_seconds)

    def _wanted(self) -> Step:
        """Read one history that is wanted, where there may be a permit for it."""
        if time.monotonic() < self.history_at:
            return Step.NO_PERMIT
        read = read_wanted_history(self.services)
        if read is Step.NO_PERMIT:
            self.history_at = time.monotonic() + self.services.history_seconds
        return read

    def pull(self) -> bool:
        """Take all that is not seen, once; and look, each in every second round first, at what is wanted, or due for another reason."""
        self.rounds += 1
        read = self._wanted() if self.rounds % 2 == 1 else Step.NOTHING
        if self.rounds == 1:
            self.reads += pull(self.services, self._permitted)
        if read is Step.DONE:
            return self._went_on(read, 0)
        due = check_due(self.services)
        if due is not Step.NOTHING:
            return self._went_on(due, 0)
        return self._went_on(self._wanted(), self.services.history_seconds)

    def _permitted(self, account: str) -> bool:
        """Whether the budget admits one more call in time, now or soon."""
        while self.in_time():
            if self.services.store.take_permit(account):
                self.vain_seconds = 0
                return True
            if not self._waited(self.services.call_seconds):
                break
        return False

    def _went_on(self, step: Step, permit_seconds: float) -> bool:
        self.reads += step is Step.DONE
        if step is Step.NO_PERMIT:
            return self._waited(permit_seconds)
        self.vain_seconds = 0
        return step is not Step.NOTHING

    def _waited(self, permit_seconds: float) -> bool:
        seconds = min(LONGEST_WAIT_SECONDS, permit_seconds)
        self.vain_seconds += seconds
        if self.vain_seconds > LONGEST_VAIN_SECONDS or self.stop_at == float("inf") or not self.in_time(seconds):
            return False
        self.services.wait(seconds)
        return True
