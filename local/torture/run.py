"""One run: write invoices, let the workers work, strike, leap, until nothing moves; then judge."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from facteur.errors import DatabaseUnavailableError
from local.torture.alone import Alone
from local.torture.chaos import Chaos
from local.torture.crew import ROLES, Crew, Member, Pass
from local.torture.findings import CRASH, STUCK, Finding
from local.torture.lane import ENVIRON, Lane
from local.torture.meetings import answered, met
from local.torture.schedule import Schedule
from local.torture.verdict import judge_all
from local.torture.watch import unheard

ROUNDS_PER_LEAP = 6  # more without a leap means that somebody turns in a circle
SLACK_SECONDS, SLACK_GROWTH = 4.0, 1.05  # at a run's first leap, and from leap to leap
IDLE_LEAP_SECONDS = 60.0
LATE_SECONDS = 0.9  # longer than the simulator's late storing
# faults after which a deposit may come when nobody waits for it any more
STORED_LATE = frozenset({"stored_late", "slow_read", "stall_read"})
SHUFFLED = 0.4  # of the rounds of a random schedule
LEAPS_BEFORE_HAPPENINGS = 0.5  # where nothing is due, and something is still to happen
FOLLOWING_SLACK_SECONDS = 300.0  # or so, where nothing is left but to follow what was deposited
A_DAY_SECONDS, LOOKS_ON_A_DAY = 86_400.0, 3
DAYS_WITHOUT_A_DOCUMENT = 4  # an alarm rings on the third
LOOKS_IN_A_LIFE = 50  # and that for so many times as long
NEXT = """
select extract(epoch from min(at) - facteur.now())::double precision as seconds,
       not exists (select from facteur.submissions where due_at is not null and state <> 'submitted')
       and not exists (select from facteur.changes) as following from (
    select due_at as at from facteur.submissions where queued_at is null and due_at is not null
    union all select queued_at + interval '30 minutes 1 second' from facteur.submissions where queued_at is not null
    union all select write_back_due_at from facteur.submissions where write_back_due_at is not null
    union all select due_at from facteur.changes where due_at > '-infinity'
    union all select paused_until from facteur.budgets) waiting where at > facteur.now()
"""
NEEDED = """
select exists (select from facteur.submissions where queued_at is not null
               or state in ('pending', 'in_doubt') and due_at <= facteur.now()) as submit,
       exists (select from facteur.changes where due_at <= facteur.now())
       or exists (select from facteur.submissions where state <> 'submitted' and due_at <= facteur.now() and queued_at is null
                  or write_back_due_at <= facteur.now() or queued_at < facteur.now() - interval '30 minutes') as relay,
       exists (select from facteur.submissions where state = 'submitted' and due_at <= facteur.now()
               or history_due_at <= facteur.now() and (state = 'submitted' or state = 'rejected' and unread_since is not null)) as poll
"""
OPEN = """
select (select count(*) from facteur.submissions
        where finalized_at is null and not (%(mute)s and state = 'submitted')
           or history_due_at is not null and (state = 'submitted' or state = 'rejected' and unread_since is not null))
     + (select count(*) from facteur.changes where not invoice_ids <@ %(refused)s)
     + (select count(*) from facteur.submissions where write_back_due_at is not null and not invoice_id = any (%(refused)s)) as n
"""
QUIET_MINUTES = 3  # a container that is new needs one to know the search's order again
READ_UP_TO = "select coalesce(array_agg(client || ' ' || reached), '{}') as places from facteur.feeds"
UNANSWERED = "select array_agg(id order by id) as ids from facteur.attempts where coalesce(outcome, 'unknown') in ('unknown', 'not_found')"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. `struck`: how many of its interrupts were reached; `answered`: how many calls met a fault, by endpoint."""

    schedule: Schedule
    findings: list[Finding]
    seconds: float
    struck: int
    rounds: int
    leaps: int
    travelled: float
    reached: Mapping[str, int] = field(default_factory=dict)
    answered: Mapping[tuple[str, str], int] = field(default_factory=dict)


def raised_in(output: str) -> list[tuple[str, int]]:
    """The exceptions that ended tracebacks, most frequent first; not their texts, which may quote anything."""
    return Counter(
        re.findall(r"^(?:\w+\.)*(\w*(?:Error|Exception|Mismatch\w*))(?::|$)", output, re.MULTILINE)
    ).most_common(4)


class Run:
    """The conductor of one run."""

    def __init__(self, lane: Lane, schedule: Schedule) -> None:
        self._lane, self._schedule = lane, schedule
        self._dice = random.Random(schedule.seed + 1)  # noqa: S311  repeatable
        places = lane.begin(schedule)
        self._crew = Crew(places)
        self._chaos = Chaos(lane, schedule, self._crew, places[0])
        self._alone = Alone(lane.database, lane.clock, ENVIRON | dict(schedule.settings))
        self._stalled: list[Member] = []
        self._faults: Counter[str] = Counter()
        self._rounds, self._attempts = 0, None
        self._attempted_at, self._hung = 0.0, 0
        self._emptied = -1
        self._late = any(STORED_LATE & met(each) for each in (schedule, *schedule.parts.values()))

    def execute(self) -> Result:
        began = time.monotonic()
        try:
            self._lane.company.write(self._schedule.orders)
            for site in self._lane.sites:
                for endpoint, rates in self._schedule.at(site.name).rates.items():
                    site.simulator.fault_rates(rates, seed=self._schedule.seed, endpoint=endpoint)
            drained = self._drain()
            self._chaos.close()
            if self._schedule.mute:
                drained = self._live_on() and drained
            drained = self._read_on() and drained
            if any(each.lacking for each in self._lane.company.entries.values()):
                drained = self._live_on(DAYS_WITHOUT_A_DOCUMENT) and drained
                while self._lane.company.supply():
                    drained = self._drain() and drained
            self._alone.look()
            self._alone.judge()
            silent = [*unheard(self._lane, self._crew), *self._alone.findings]
        finally:
            self._crew.close()
        findings = [*judge_all(self._lane, self._schedule), *silent]
        self._faults["what a person used crashed"] += self._chaos.crashes
        if self._hung:
            findings.append(Finding(STUCK, f"a worker hung: {self._hung}"))
        if not drained:
            findings.append(
                Finding(STUCK, f"not drained after {self._rounds} rounds and {self._lane.clock.leaps} leaps")
            )
        raised = ", ".join(
            f"{name} ({n})" for name, n in raised_in((self._lane.folder / "output").read_text(errors="replace"))
        )
        findings += [Finding(CRASH, f"{what}: {n}; raised: {raised}") for what, n in self._faults.items() if n]
        reached = {name: self._lane.points.count(name) for name in self._lane.points.names}
        struck = sum(reached[each.point] >= each.nth for each in self._schedule.interrupts)
        clock, seconds = self._lane.clock, time.monotonic() - began
        hostile = answered(call for site in self._lane.sites for call in site.simulator.calls())
        return Result(
            self._schedule, findings, seconds, struck, self._rounds, clock.leaps, clock.shift, reached, hostile
        )

    def _drain(self) -> bool:
        most_rounds = 100 + ROUNDS_PER_LEAP * self._schedule.most_leaps
        while self._rounds < most_rounds and self._lane.clock.leaps < self._schedule.most_leaps:
            self._rounds += 1
            self._chaos.begin_round(self._rounds)
            self._wake()
            roles = self._roles()
            if self._round(roles):
                continue
            if not self._done():
                if self._rounds >= self._chaos.last_round or self._dice.random() < LEAPS_BEFORE_HAPPENINGS:
                    self._leap()
            # what still lies in the queue comes to nothing, and no statuses come
            elif not self._round(ROLES) and self._done():
                return True
        return False

    def _live_on(self, days: int = 1) -> bool:
        """Some days more, on which deposits are followed, and whatever comes of that; whether it came to an end."""
        for _ in range(days * LOOKS_ON_A_DAY):
            self._travel(A_DAY_SECONDS / LOOKS_ON_A_DAY + 600)
            if not self._drain():
                return False
        return True

    def _read_on(self) -> bool:
        """Feeds to their end: a poll a minute, as in production, until some in a row get no further. Few permits make short steps."""
        seen, quiet = set[str](), 0
        while quiet < QUIET_MINUTES:
            places = set(self._lane.database.row(READ_UP_TO).places)
            quiet = quiet + 1 if places <= seen else 0
            seen |= places
            self._travel(60)
            if not self._drain():
                return False
        return True

    def _round(self, roles: Sequence[str]) -> bool:
        """Send workers to work; whether anything moved."""
        fed = self._fed()
        self._crew.start(roles)
        self._chaos.during_round()
        passed = self._crew.finish()
        if "submit" in roles and not (passed.struck or passed.failures or passed.crashes or passed.hung):
            self._emptied = fed
        self._tend(passed)
        self._notice_attempts()
        return self._company_corrects() or passed.worked

    def _roles(self) -> Sequence[str]:
        """Who could have something to do. The relay alone begins, so that the queue is full when the others come."""
        if self._rounds == 1:
            return ["relay"]
        if self._schedule.shuffled and self._dice.random() < SHUFFLED:
            return self._dice.sample(ROLES, self._dice.randint(1, len(ROLES)))
        needed = self._lane.database.row(NEEDED)
        roles = [role for role in ROLES if getattr(needed, role)]
        return roles if self._queue_fed() else [role for role in roles if role != "submit"]

    def _queue_fed(self) -> bool:
        """Whether anything may lie in a queue that was empty after the last pass: to ask an empty one is what costs most."""
        return self._fed() != self._emptied

    def _fed(self) -> int:
        return self._lane.fed + self._lane.points.count("queue.send.before")

    def _tend(self, passed: Pass) -> None:
        """Messages of the dead and of those that failed are delivered again; the stalled keep theirs until time passes."""
        if passed.crashes:
            self._faults["a worker crashed"] += passed.crashes
        if passed.hung:
            self._hung += passed.hung
        for member in passed.struck:
            if member.stalled_at is not None:
                self._stalled.append(member)
            else:
                self._give_back(member)

    def _give_back(self, member: Member) -> None:
        handles = member.slot.handles()
        member.slot.hold([])
        self._lane.fed += len(handles)
        for start in range(0, len(handles), 10):
            batch: list[Any] = [
                {"Id": str(i), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for i, handle in enumerate(handles[start : start + 10])
            ]
            self._lane.sqs.change_message_visibility_batch(QueueUrl=member.place.queue_url, Entries=batch)

    def _wake(self) -> None:
        for member in list(self._stalled):
            if self._stall_left(member) <= 0:
                self._stalled.remove(member)
                self._crew.resume(member)

    def _stall_left(self, member: Member) -> float:
        return (member.stalled_at or 0.0) + self._schedule.stall_seconds - self._lane.clock.shift

    def _company_corrects(self) -> bool:
        try:
            return self._lane.company.correct()
        except DatabaseUnavailableError:
            return False

    def _done(self) -> bool:
        if self._stalled or self._chaos.waits() or self._lane.company.unsaved:
            return False
        refused = [str(each) for each in self._lane.company.refused]
        return bool(self._lane.database.row(OPEN, {"refused": refused, "mute": self._schedule.mute}).n == 0)

    def _following_slack(self) -> float:
        days = float((ENVIRON | dict(self._schedule.settings))["FOLLOW_UP_DAYS"])
        return max(SLACK_SECONDS, min(FOLLOWING_SLACK_SECONDS, days * 86_400 / LOOKS_IN_A_LIFE))

    def _slack(self) -> float:
        """What is due at nearly the same time is done in one round; more of it the longer a run lasts already."""
        return min(FOLLOWING_SLACK_SECONDS, SLACK_SECONDS * SLACK_GROWTH**self._lane.clock.leaps)

    def _settle(self) -> None:
        """A platform that stores late does so in real time: the clock must not leap while it does."""
        until = self._attempted_at + LATE_SECONDS
        while self._late and time.monotonic() < until:
            time.sleep(0.02)

    def _notice_attempts(self) -> None:
        attempts = self._lane.database.row(UNANSWERED).ids
        if attempts != self._attempts:
            self._attempts, self._attempted_at = attempts, time.monotonic()

    def _leap(self) -> None:
        """To the next thing due; what is due already waits for somebody who holds it, or for a message that was lost.

        Half-way through a stall, the stalled worker's messages are delivered to the others.
        """
        self._settle()
        seconds, following = self._lane.database.row(NEXT)
        ahead = [IDLE_LEAP_SECONDS if seconds is None else seconds]
        over = following and not self._chaos.waits() and not self._stalled
        for member in self._stalled:
            busy = bool(member.slot.handles())
            self._give_back(member)
            ahead.append(max(0.0, self._stall_left(member)) / (2 if busy else 1))
        slack = max(self._slack(), self._following_slack() if over else 0.0)
        self._travel(min(ahead) + slack)

    def _travel(self, seconds: float) -> None:
        self._alone.look()
        self._lane.leap(seconds)
        self._alone.judge()
