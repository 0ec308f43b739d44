"""What can happen, one thing after the other, in whichever order Hypothesis chooses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from facteur.platforms.port import NO_SEARCH
from facteur.poll_statuses.store import PostgresStatuses
from facteur.postgres.database import Database
from facteur.relay_submissions.store import PostgresRelay
from facteur.submit_invoices.store import PostgresSubmissions
from tests.model.database import EDITS, FORGET, INSERT, NEXT_MOMENT, SET
from tests.model.dice import Dice
from tests.model.laws import (
    Sight,
    check_a_person_sees_no_step_back,
    check_always,
    check_in_the_end,
    check_no_second_deposit,
)
from tests.model.platform import LATE_SECONDS, Deposit, Fault, MemoryPlatform
from tests.model.work import LEASE_SECONDS, LIMITS, Bench, Work, poll, submit

BEGIN = datetime(2026, 9, 1, 8, tzinfo=UTC)
DRAIN_ROUNDS = 300  # a note that waits for a write-back comes due every minute, the write-back after an hour
SEARCH_LAGS = (60.0, 0.0, 200.0, 3600.0)  # the last one is longer than Facteur looks


class Interleavings(RuleBasedStateMachine):
    """Every step is one statement, one call, one message, one edit, or a stretch of time."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.workers: dict[str, Work] = {}
        self.queue: list[int] = []
        self.by_facteur, self.sound, self.written = True, True, 0
        self.database.rows(FORGET)
        self.set_model(company_refuses=False)
        self.sight = Sight.of(self.database)

    @initialize(
        lag=st.sampled_from(SEARCH_LAGS), skew=st.sampled_from((0.0, -120.0, 120.0)),
        shows_copies=st.booleans(), conflicts_at_once=st.booleans(), invoices=st.integers(1, 2),
    )  # fmt: skip
    def begin(self, lag: float, skew: float, shows_copies: bool, conflicts_at_once: bool, invoices: int) -> None:
        self.platform = MemoryPlatform(lambda: self.now, lag, skew, shows_copies)
        self.relay = PostgresRelay(self.database, requests_per_minute=60000, deposits_enabled=True)
        store = PostgresSubmissions(
            self.database, lease_seconds=LEASE_SECONDS, requests_per_minute=60000, deposits_enabled=True
        )
        statuses = PostgresStatuses(
            self.database, requests_per_minute=60000, history_requests_per_minute=60000, paging=NO_SEARCH
        )
        self.bench = Bench(store, statuses, self.platform, lambda: self.now, conflicts_at_once)
        for _ in range(invoices):
            self.insert(Dice())

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """One thing out of those that can happen now. (As rules of their own, Hypothesis would switch most of them off.)"""
        possible = {
            self.go_on: 12 * bool(self.workers), self.deliver: 6 * bool(self.queue), self.relay_all: 3, self.run_all: 4,
            self.time_passes: 3, self.start_polling: 2, self.the_platform_decides: 2 * bool(self.open_deposits()),
            self.edit: 2 * bool(self.sight.invoices), self.take_notes: 1, self.pick_due: 1, self.end_expired_leases: 1,
            self.repeat_write_backs: 1, self.the_company_refuses: 1, self.die: bool(self.workers),
            self.insert: len(self.sight.invoices) < 3, self.delete: len(self.sight.invoices) > 1,
        }  # fmt: skip
        what = [action for action, weight in possible.items() for _ in range(weight)]
        data.draw(st.sampled_from(what), "what")(Dice(data))

    def insert(self, dice: Dice) -> None:
        self.by_facteur = False
        self.written += 1
        number = dice.one_of((f"F-{self.written}", f"F-{self.written}", "F-1"))  # now and then one that another has
        values = {"number": number, "total": 100 + self.written, "uri": f"s3://documents/{self.written}"}
        self.database.rows(INSERT, values)

    def edit(self, dice: Dice) -> None:
        self.by_facteur = False
        change = EDITS[dice.one_of(sorted(EDITS))]
        key = dice.one_of(sorted(self.sight.invoices))
        self.database.rows(f"update invoicing.invoices set {change} where id = %(id)s", {"id": key})

    def delete(self, dice: Dice) -> None:
        self.by_facteur = False
        key = dice.one_of(sorted(self.sight.invoices))
        self.database.rows("delete from invoicing.invoices where id = %(id)s", {"id": key})

    def the_company_refuses(self, dice: Dice) -> None:
        self.set_model(company_refuses=dice.one_of((False, True)))

    def relay_all(self, _dice: Dice) -> None:
        """A whole run of the relay, of which nothing fails."""
        for statement in (self.end_expired_leases, self.repeat_write_backs, self.take_notes, self.pick_due):
            statement(Dice())

    def run_all(self, dice: Dice) -> None:
        """Whole runs of everything, one after the other; every call of the submitters meets the same fault."""
        self.work_off(dice.one_of((Fault.LOST, Fault.LATE, *Fault)))

    def take_notes(self, dice: Dice) -> None:
        self.relay.take_notes(dice.one_of((20, 1)))

    def pick_due(self, dice: Dice) -> None:
        """SQS accepts all or one; or the relay dies before it marks; or all messages are lost."""
        accepted = dice.one_of(("all", "one", "marks none", "loses all"))
        with self.relay.pick_due(500) as due:
            sent = list(due.submission_ids)[: 1 if accepted == "one" else None]
            self.queue += [] if accepted == "loses all" else sent
            due.mark_queued([] if accepted == "marks none" else sent)

    def end_expired_leases(self, _dice: Dice) -> None:
        self.relay.end_expired_leases()

    def repeat_write_backs(self, _dice: Dice) -> None:
        self.relay.repeat_write_backs(100)

    def deliver(self, dice: Dice) -> None:
        """Messages reach a submitter, in any order, and perhaps not for the last time."""
        who = dice.one_of(("submitter 1", "submitter 2"))
        ids = {dice.one_of(self.queue), dice.one_of(self.queue)}
        if dice.one_of((True, False)):
            self.queue = [message for message in self.queue if message not in ids]
        if who not in self.workers:
            self.start(who, submit(sorted(ids), self.bench))

    def start_polling(self, dice: Dice) -> None:
        who = dice.one_of(("poller 1", "poller 2"))
        if who not in self.workers:
            self.start(who, poll(self.bench))

    def go_on(self, dice: Dice) -> None:
        """A worker takes its next steps; only the first one meets a fault."""
        who = dice.one_of(sorted(self.workers))
        self.step(who, dice.one_of(tuple(Fault)))
        for _ in range(dice.one_of((0, 1, 2))):
            self.step(who, Fault.NONE)

    def die(self, dice: Dice) -> None:
        self.workers.pop(dice.one_of(sorted(self.workers))).close()

    def the_platform_decides(self, dice: Dice) -> None:
        self.platform.add_status(dice.one_of(self.open_deposits()), dice.one_of(("203", "205", "213", "210")))

    def time_passes(self, dice: Dice) -> None:
        self.wait(dice.one_of((2.0, 20.0, 110.0, 200.0, 700.0, 2000.0)))

    def wait(self, seconds: float) -> None:
        end = self.now + timedelta(seconds=seconds)
        late = sorted(d.sent_at + timedelta(seconds=LATE_SECONDS) for d in self.platform.under_way)
        for moment in [*(m for m in late if m < end), end]:
            self.now = max(self.now, moment)
            self.platform.catch_up()
        self.set_model()

    @invariant()
    def the_laws_hold(self) -> None:
        before, self.sight = self.sight, Sight.of(self.database)
        by_facteur, self.by_facteur = self.by_facteur, True
        sound, self.sound = self.sound, False
        check_always(self.sight, self.platform)
        if self.platform.lag_seconds + LATE_SECONDS <= LIMITS.resend_after_seconds:
            check_no_second_deposit(self.platform)
        if by_facteur:
            check_a_person_sees_no_step_back(before, self.sight)
        self.sound = sound

    def teardown(self) -> None:
        """All faults are over: work everything off, and look at the end."""
        if not self.sound or not hasattr(self, "platform"):
            return
        self.workers.clear()
        self.set_model(company_refuses=False)
        for _ in range(DRAIN_ROUNDS):
            self.work_off()
            self.the_laws_hold()
            if (moment := self.next_moment()) is None:
                break
            self.wait(max(1.0, (moment - self.now).total_seconds()))
        check_in_the_end(self.sight, self.platform)

    def work_off(self, fault: Fault = Fault.NONE) -> None:
        self.relay_all(Dice())
        for work in [*(submit([message], self.bench) for message in self.queue), poll(self.bench)]:
            self.start("last", work)
            while "last" in self.workers:
                self.step("last", fault)
        self.queue.clear()

    def next_moment(self) -> datetime | None:
        """When something is due that can still change an end; None: nothing is."""
        refused = [d.platform_id for d in self.platform.deposits.values() if d.refused]
        row = self.database.row(
            NEXT_MOMENT,
            {"refused": refused},
        )
        late = [d.sent_at + timedelta(seconds=LATE_SECONDS) for d in self.platform.under_way]
        return min([*late, *([row.moment] if row.moment else [])], default=None)

    def open_deposits(self) -> list[Deposit]:
        return [deposit for deposit in self.platform.deposits.values() if not deposit.over]

    def start(self, who: str, work: Work) -> None:
        self.workers[who] = work
        self._take(who, lambda: next(work))

    def step(self, who: str, fault: Fault) -> None:
        if who in self.workers:
            self._take(who, lambda: self.workers[who].send(fault))

    def _take(self, who: str, step: Any) -> None:
        try:
            step()
        except StopIteration:
            del self.workers[who]

    def set_model(self, **switches: bool) -> None:
        refuses = switches.get("company_refuses")
        self.database.rows(
            SET,
            {"now": self.now, "refuses": refuses},
        )
