"""What can happen, one thing after the other, in whichever order Hypothesis chooses."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from facteur.postgres.database import Database
from facteur.relay_submissions.store import PostgresRelay
from tests.model import laws
from tests.model.bench import LIMITS, PER_MINUTE, Bench, Message
from tests.model.calls import MEETS, OF_A_RUN, Call, Fault
from tests.model.database import EDITS, FORGET, INSERT, NEXT_MOMENT, OPEN_ATTEMPT, SET
from tests.model.dice import Dice
from tests.model.platform import LATE_SECONDS, Deposit, MemoryPlatform
from tests.model.ports import LARGE
from tests.model.worker import Worker

BEGIN = datetime(2026, 9, 1, 8, tzinfo=UTC)
DRAIN_ROUNDS = 300  # a note that waits for a write-back comes due every minute, the write-back after an hour
SEARCH_LAGS = (60.0, 0.0, 200.0, 3600.0)  # the last one is longer than Facteur looks


class Interleavings(RuleBasedStateMachine):
    """Every step is a few calls of one worker, a message, an edit, or a stretch of time."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.workers: dict[str, Worker] = {}
        self.queue: list[Message] = []
        self.by_facteur, self.sound, self.written = True, False, 0  # sound: nothing has failed, nor is it half done
        self.database.rows(FORGET)
        self.set_model(company_refuses=False)
        self.sight = laws.Sight.of(self.database)

    @initialize(
        lag=st.sampled_from(SEARCH_LAGS), skew=st.sampled_from((0.0, -120.0, 120.0)),
        shows_copies=st.booleans(), conflicts_at_once=st.booleans(), in_flight=st.sampled_from((8, 1)),
        witness=st.sampled_from((True, True, False)), invoices=st.integers(1, 3),
    )  # fmt: skip
    def begin(
        self, lag: float, skew: float, shows_copies: bool, conflicts_at_once: bool, in_flight: int, witness: bool, invoices: int
    ) -> None:  # fmt: skip
        """Where there is a witness, a first invoice has been deposited."""
        self.platform = MemoryPlatform(lambda: self.now, lag, skew, shows_copies, conflicts_at_once, self.open_attempt)
        self.relay = PostgresRelay(self.database, requests_per_minute=PER_MINUTE, deposits_enabled=True)
        self.bench = Bench(self.database, self.platform, in_flight)
        if witness:
            self.insert(Dice())
            self.work_off()
        for _ in range(invoices):
            self.insert(Dice())
        self.sound = True

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """One thing out of those that can happen now. (As rules of their own, Hypothesis would switch most of them off.)"""
        possible = {
            self.go_on: 8 * bool(self.workers), self.deliver: 3 * bool(self.queue), self.relay_and_deliver: 5, self.relay_all: 1,
            self.run_all: 2, self.others_go_on: 2, self.time_passes: 3, self.start_polling: 1,
            self.the_platform_decides: 2 * bool(self.open_deposits()),
            self.edit: 2 * bool(self.sight.invoices), self.take_notes: 1, self.pick_due: 1, self.end_expired_leases: 1,
            self.repeat_write_backs: 1, self.the_company_refuses: 1, self.the_platform_ails: 1, self.die: bool(self.workers),
            self.insert: 3 * (len(self.sight.invoices) < 6), self.delete: len(self.sight.invoices) > 1,
        }  # fmt: skip
        what = [action for action, weight in possible.items() for _ in range(weight)]
        self.sound = False
        data.draw(st.sampled_from(what), "what")(Dice(data))
        self.sound = True

    def insert(self, dice: Dice) -> None:
        self.by_facteur = False
        self.written += 1
        number = dice.one_of((*[f"F-{self.written}"] * 3, "F-1"))  # now and then one that another has
        size = dice.one_of(("small", "small", LARGE))
        values = {"number": number, "total": 100 + self.written, "uri": f"s3://documents/{size}/{self.written}"}
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

    def relay_and_deliver(self, dice: Dice) -> None:
        self.relay_all(dice)
        if self.queue:
            self.deliver(dice)

    def run_all(self, dice: Dice) -> None:
        """Whole runs of everything, one after the other; every call of the platform meets the same fault."""
        self.work_off(dice.one_of(OF_A_RUN))

    def others_go_on(self, dice: Dice) -> None:
        """Whoever is under way stands where it stands, while time passes and others do all that is due."""
        for _ in range(dice.one_of((1, 2, 8))):
            self.wait(200.0)
            self.work_off()

    def take_notes(self, dice: Dice) -> None:
        self.relay.take_notes(dice.one_of((20, 1)))

    def pick_due(self, dice: Dice) -> None:
        """SQS accepts all or one; or the relay dies before it marks; or all messages are lost."""
        accepted = dice.one_of(("all", "one", "marks none", "loses all"))
        with self.relay.pick_due(500) as due:
            sent = list(due.submission_ids)[: 1 if accepted == "one" else None]
            self.queue += [] if accepted == "loses all" else map(Message, sent)
            due.mark_queued([] if accepted == "marks none" else sent)

    def end_expired_leases(self, _dice: Dice) -> None:
        self.relay.end_expired_leases()

    def repeat_write_backs(self, _dice: Dice) -> None:
        self.relay.repeat_write_backs(100)

    def deliver(self, dice: Dice) -> None:
        """Messages reach a submitter, in any order, and perhaps not for the last time."""
        who = dice.one_of(("submitter 1", "submitter 2"))
        given = list(self.queue) if dice.one_of((True, False)) else [dice.one_of(self.queue)]
        if dice.one_of((True, False)):
            self.queue = [message for message in self.queue if message not in given]
        if who not in self.workers:
            self.workers[who] = Worker(self.bench.submit(given))

    def start_polling(self, dice: Dice) -> None:
        who = dice.one_of(("poller 1", "poller 2"))
        if who not in self.workers:
            self.workers[who] = Worker(self.bench.poll())

    def go_on(self, dice: Dice) -> None:
        """A worker makes its next call; or all of them until it stands before one of the platform, or is over."""
        who = dice.one_of(sorted(self.workers))
        far = dice.one_of((True, False))
        self.step(who, dice)
        while far and who in self.workers and self.workers[who].at not in {Call.DEPOSIT, Call.READ}:
            self.step(who, dice)

    def die(self, dice: Dice) -> None:
        self.workers.pop(dice.one_of(sorted(self.workers))).die()

    def the_platform_decides(self, dice: Dice) -> None:
        self.platform.add_status(dice.one_of(self.open_deposits()), dice.one_of(("203", "205", "213", "210")))

    def the_platform_ails(self, dice: Dice) -> None:
        self.platform.ails = dice.one_of((Fault.NONE, Fault.BLIND, Fault.DOWN))
        self.platform.ails_until = self.now + timedelta(seconds=dice.one_of((1000.0, 4000.0)))

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
        before, self.sight = self.sight, laws.Sight.of(self.database)
        by_facteur, self.by_facteur = self.by_facteur, True
        sound, self.sound = self.sound, False
        laws.check_always(self.sight, self.platform)
        if self.platform.lag_seconds + LATE_SECONDS <= LIMITS.resend_after_seconds:
            laws.check_no_second_deposit(self.platform)
        if by_facteur:
            laws.check_a_person_sees_no_step_back(before, self.sight)
        self.sound = sound

    def teardown(self) -> None:
        """All faults are over: work everything off, and look at the end."""
        with ExitStack() as all_of_them:
            for worker in self.workers.values():
                all_of_them.callback(worker.die)
        self.workers.clear()
        if not self.sound:
            return
        self.set_model(company_refuses=False)
        self.platform.ails = Fault.NONE
        for _ in range(DRAIN_ROUNDS):
            self.work_off()
            self.the_laws_hold()
            if (moment := self.next_moment()) is None:
                break
            self.wait(max(1.0, (moment - self.now).total_seconds()))
        laws.check_in_the_end(self.sight, self.platform)

    def work_off(self, fault: Fault = Fault.NONE) -> None:
        """Whole runs, between the calls of which nobody else does anything."""
        self.relay_all(Dice())
        for run in (self.bench.submit(self.queue), self.bench.poll()):
            run(lambda call: fault if call in {Call.DEPOSIT, Call.READ} else Fault.NONE)
        self.queue.clear()

    def next_moment(self) -> datetime | None:
        """When something is due that can still change an end; None: nothing is."""
        refused = [d.platform_id for d in self.platform.deposits.values() if d.refused]
        row = self.database.row(NEXT_MOMENT, {"refused": refused})
        late = [d.sent_at + timedelta(seconds=LATE_SECONDS) for d in self.platform.under_way]
        return min([*late, *([row.moment] if row.moment else [])], default=None)

    def open_deposits(self) -> list[Deposit]:
        return [deposit for deposit in self.platform.deposits.values() if not deposit.over]

    def open_attempt(self, invoice_id: str) -> int:
        return int(self.database.row(OPEN_ATTEMPT, {"invoice_id": invoice_id}).id)

    def step(self, who: str, dice: Dice) -> None:
        worker = self.workers[who]
        if worker.at:
            worker.go_on(dice.one_of(MEETS[worker.at]))
        if worker.at is None:
            del self.workers[who]

    def set_model(self, **switches: bool) -> None:
        refuses = switches.get("company_refuses")
        self.database.rows(SET, {"now": self.now, "refuses": refuses})
