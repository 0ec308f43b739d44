"""During a run: whether each invoice that waits longer than an alarm allows would make it ring by itself, at that time.

Another invoice's alarm excuses none: all others are deleted in a transaction that is rolled back, and what a relay would count then is
compared with the alarms of the template.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from facteur.domain.metrics import Metric
from facteur.errors import StatementRefusedError
from facteur.postgres.database import Database
from facteur.relay_submissions import run as relay
from facteur.relay_submissions.store import PostgresRelay
from local.resolved import resolved
from local.torture.clock import Clock
from local.torture.findings import SILENT, Finding
from local.torture.silence import ALARMS
from local.world.alarm_clock import rings

DAY_SECONDS = 86_400.0
SLACK_SECONDS = 90.0  # an age counts from the first look, and a relay runs each minute
LEASE_SECONDS = 900.0  # longer than any
AGAIN_AFTER, AGAIN_SECONDS = 4.0, 600.0  # times the age at which it was judged, and that at least
LOCKED = "55P03"
WAITING = "OldestWaitingSeconds/"


@dataclass(frozen=True, slots=True)
class Concern:
    """A place that an invoice may not stay in unheard: any one of these alarms must ring, once the latest of them has to."""

    alarms: frozenset[str]
    before: float = 0.0  # seconds that do not count yet
    listed: bool = True  # by `facteur status`, as something that waits

    @property
    def limit(self) -> float:
        ages = [resolved(ALARMS[name]) for name in self.alarms]
        return self.before + max(float(each["Threshold"]) for each in ages if "Seconds" in each["MetricName"])


OF_WHAT_WAITS = (
    "StoreRefused", "DepositsOff", "AccountPaused", "AccountLimit", "RequestLimit", "Queued", "Relay", "PutOff", "OldestOverdue",
    "AccountRefused", "BreakerOpen", "UnreadableRows",
)  # fmt: skip


def _concern(*alarms: str, **more: Any) -> Concern:
    return Concern(frozenset(f"{name}Alarm" for name in alarms), **more)


CONCERNS = {
    "pending": _concern(*OF_WHAT_WAITS),
    "sending": _concern("OldestOverdue", before=LEASE_SECONDS),
    "in_doubt": _concern("OldestDoubt"),
    "unwritten": _concern("WriteBacks", before=SLACK_SECONDS),  # from the first try that failed
    "not tried": _concern("OldestOverdue", listed=False),  # a write-back, where nobody lets the relay work
    "unheard": _concern("OldestSilent"),
    "unread": _concern("OldestUnread"),
    "unopened": _concern("Relay", "UnreadableRows", "WriteBacks", before=SLACK_SECONDS),
    "lacking": _concern("NotReady", before=DAY_SECONDS),  # counted once a day
    "failed": _concern("FailedInvoices", "WriteBacks", listed=False),
}
# Which invoices are where, by the tables alone: no view and no function that an alarm reads.
WHERE = """
with newest as (
    select distinct on (invoice_id) * from facteur.submissions order by invoice_id, id desc
), rows as (
    select i.id::text as key, i.technical_status, i.document_uri, s.id, s.state
    from invoicing.invoices i left join newest s on s.invoice_id = i.id::text where i.status = 'final'
)
select state as place, invoice_id as key, id, null as attempt from newest where state in ('pending', 'sending', 'failed')
union all select state, invoice_id, id, (select max(a.id) from facteur.attempts a where a.submission_id = newest.id) from newest
where state = 'in_doubt'
union all select case when write_back_error is null then 'not tried' else 'unwritten' end, invoice_id, id, null from newest
where write_back_due_at is not null
union all select 'unread', invoice_id, id, null from newest where unread_since is not null
union all select 'unheard', invoice_id, id, null from newest
where state = 'submitted' and not exists (select from facteur.status_events e where e.submission_id = newest.id)
union all select 'lacking', key, id, null from rows
where technical_status = 'pending' and document_uri is null and coalesce(state in ('rejected', 'failed'), true)
union all select 'unopened', key, id, null from rows
where technical_status = 'pending' and coalesce(state in ('rejected', 'failed'), true)
      and exists (select from facteur.changes c where key = any (c.invoice_ids))
"""
# As if there had never been another invoice; and the workers are well, as they are where somebody lets them run each minute.
ALONE = """
set local session_replication_role = 'replica';
delete from facteur.submissions where invoice_id <> %(key)s;
delete from facteur.changes where %(key)s <> all (invoice_ids);
update facteur.changes set invoice_ids = array[%(key)s];
delete from invoicing.invoices where id::text <> %(key)s;
delete from facteur.budgets where key like 'account:%%'
    and substr(key, 9) not in (select account from facteur.submissions where account is not null);
update facteur.installation set not_ready_counted_at = '-infinity';
set local session_replication_role = 'origin';
select facteur.end_run('submit_invoices')
"""
COUNTED = "select coalesce(sum(submissions), 0)::integer as n from facteur.health"


class Stay(NamedTuple):
    """One invoice in one place, without a break."""

    place: str
    key: str
    id: int | None
    attempt: int | None = None  # whose outcome is in doubt: the next one's doubt is another


class Readings:
    """A journal that keeps what is counted."""

    def __init__(self) -> None:
        self.counted: defaultdict[str, list[float]] = defaultdict(list)

    def event(self, name: str, **fields: Any) -> None:
        """Not looked at."""

    warning = event

    def count(self, metric: Metric, value: float = 1, reason: str | None = None, provider: str | None = None) -> None:
        self.counted[metric].append(value)
        if reason:
            self.counted[f"{metric}/{reason}"].append(value)


class Alone:
    """Remembers how long each invoice has been where it is, by the run's own clock."""

    def __init__(self, database: Database, clock: Clock, settings: Mapping[str, str]) -> None:
        self._database, self._clock = database, clock
        self._store = PostgresRelay(
            database, requests_per_minute=float(settings["REQUESTS_PER_MINUTE"]), deposits_enabled=True
        )
        self._since: dict[Stay, float] = {}
        self._judged: dict[Stay, float] = {}  # and at which age
        self._skews = {0.0}
        self.findings: list[Finding] = []

    def look(self) -> None:
        """Before time passes: who is where."""
        there = {Stay(*row) for row in self._database.rows(WHERE)}
        self._since = {stay: self._since.get(stay, self._clock.now()) for stay in there}
        self._skews.add(self._clock.skew)

    def judge(self) -> None:
        """After it has passed, and before anybody works: who has stayed for longer than an alarm allows."""
        unsure = max(self._skews) - min(self._skews)  # what was dated by a clock that was ahead looks younger
        for stay, since in self._since.items():
            age = self._clock.now() - since
            late = age > CONCERNS[stay.place].limit + SLACK_SECONDS + unsure or stay.place == "failed"
            if late and age >= AGAIN_AFTER * self._judged.get(stay, 0.0):
                self._judge(stay, age)

    def _judge(self, stay: Stay, age: float) -> None:
        try:
            with self._only(stay.key):
                counted, submissions = self._read()
        except StatementRefusedError as refused:
            if LOCKED not in str(refused):
                raise
            return  # by a stalled worker, or the company: at the next look
        self._judged[stay] = max(age, AGAIN_SECONDS)
        for wrong in unheard(stay, counted, submissions):
            self.findings.append(Finding(SILENT, f"invoice {stay.key} was {stay.place} for {age:,.0f} s: {wrong}"))

    @contextmanager
    def _only(self, key: str) -> Iterator[None]:
        self._database.rows("begin")
        try:
            self._database.rows(ALONE, {"key": key})
            yield
        finally:
            self._database.rows("rollback")

    def _read(self) -> tuple[Mapping[str, list[float]], int]:
        journal = Readings()
        self._store.begin_run()
        self._store.passed()
        relay._report_vitals(relay.RelayServices(self._store, None, journal, None, 0.0))  # type: ignore[arg-type]
        return journal.counted, self._database.row(COUNTED).n


def unheard(stay: Stay, counted: Mapping[str, list[float]], submissions: int) -> Iterator[str]:
    """What of an operator's three sources does not show it: the alarms, what waits, how many there are."""
    concern = CONCERNS[stay.place]
    heard = ringing(counted)
    if not heard & concern.alarms:
        yield f"of its alarms none would ring for it alone, but {sorted(heard)}"
    if concern.listed and not any(name.startswith(WAITING) for name in counted):
        yield "facteur.waiting does not show it"
    if stay.id and not submissions:
        yield "facteur.health does not count it"


def ringing(counted: Mapping[str, list[float]]) -> set[str]:
    """The alarms that ring where nothing but this is counted, minute for minute."""
    return {name for name, alarm in ALARMS.items() if rings(alarm, *[counted] * int(alarm["EvaluationPeriods"]))}
