"""What goes wrong around the workers: queue, secrets, locks, triggers, clocks, the database itself. One method per happening."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg2

from facteur.postgres.database import Database
from local.torture import persons
from local.torture.crew import Crew
from local.torture.lane import DATABASE, FIRST_SECRET, Lane
from local.torture.schedule import Order, Schedule
from local.torture.worker import Workplace

ALL_IDS = "select coalesce(array_agg(id), '{}') as ids from facteur.submissions"
REFUSE = "insert into torture.refusals select unnest(%(ids)s::bigint[]), %(how)s on conflict do nothing"
# As a migration of the company's does it: the old name is a view over the table, and the application goes on.
RENAME = """
set lock_timeout = '200ms';
alter table invoicing.invoices rename to factures; create view invoicing.invoices as select * from invoicing.factures
"""
RENAME_BACK = """
set lock_timeout = '200ms';
drop view invoicing.invoices; alter table invoicing.factures rename to invoices
"""
FOLLOWED = """
select invoice_id, platform_id, account from facteur.submissions
where state = 'submitted' and finalized_at is null and objection_code is null order by id
"""
STATUSES_REFUSED = """
insert into torture.statuses_refused select id from facteur.submissions where invoice_id = any (%(ids)s::text[]) on conflict do nothing
"""
FINISH = "update invoicing.invoices set status = 'final' where id = any (%(ids)s)"
LATEST_BLOW_SECONDS = 0.03  # into a pass
CROWD = "CROWD-"  # begins the numbers of another software's invoices


class Chaos:
    """Makes a schedule's happenings happen, and ends those that last for some rounds."""

    def __init__(self, lane: Lane, schedule: Schedule, crew: Crew, place: Workplace) -> None:
        self._lane, self._schedule, self._crew, self._place = lane, schedule, crew, place
        self.crashes = 0  # of what a person used
        self._dice = random.Random(schedule.seed)  # noqa: S311  repeatable
        self._site = lane.sites[0]  # where it happens
        self._ends: list[tuple[int, Callable[[], object]]] = []
        self._round = 0
        self.last_round = max((happening.at for happening in schedule.happenings), default=0)

    def begin_round(self, number: int) -> None:
        self._round = number
        for end in [each for each in self._ends if each[0] <= number]:
            self._ends.remove(end)
            end[1]()
        self._happen(during=False)

    def during_round(self) -> None:
        self._happen(during=True)

    def waits(self) -> bool:
        """Whether something is still to come or to end."""
        return self._round < self.last_round or bool(self._ends)

    def close(self) -> None:
        for _, end in tuple(self._ends):
            end()
        self._ends.clear()

    def _happen(self, *, during: bool) -> None:
        for happening in self._schedule.happenings:
            if (happening.at, happening.during) == (self._round, during):
                self._site = self._lane.site(happening.platform)
                getattr(self, happening.what)(**happening.details)

    def _after(self, rounds: int, end: Callable[[], object]) -> None:
        self._ends.append((self._round + rounds, end))

    def _some(self, rows: int) -> list[int]:
        known = sorted(self._lane.company.entries)
        return self._dice.sample(known, min(rows, len(known)))

    def _session(self) -> Any:
        dsn = self._lane.servers[-1].url(DATABASE)
        return psycopg2.connect(dsn, options="-c lock_timeout=200ms")  # not autocommit: its end is another round's

    # what the company does

    def unfinish(self, rows: int) -> None:
        """Finished rows become drafts again, and final once more in the next round."""
        ids = sorted(self._lane.company.entries)[:rows]
        self._lane.company.set_status(ids, "draft")
        self._after(1, lambda: self._lane.company.set_status(ids, "final"))

    def touch(self, rows: int) -> None:
        self._lane.company.touch(self._some(rows))

    def save_stale(self, rows: int) -> None:
        self._lane.company.save_stale(self._some(rows))

    def write_late(self, orders: Sequence[Order], rounds: int) -> None:
        """Finish drafts in a transaction that commits after later ones; their first notes may be consumed meanwhile."""
        ids = self._lane.company.write(orders, status="draft")
        session = self._hold(FINISH, ids)

        def finish() -> None:
            if not _end(session):  # the transaction was lost: an application does it again
                self._lane.company.set_status(ids, "final")

        self._after(rounds, finish)

    def insert_late(self, orders: Sequence[Order], rounds: int) -> None:
        """Insert in a transaction that commits after later ones: its notes have lower ids than theirs."""
        session = self._session()
        database = Database(dict)
        database._connection = session
        self._lane.company.write(orders, database=database)
        self._after(rounds, lambda: _end(session))

    def lock_rows(self, rows: int, rounds: int) -> None:
        session = self._hold("select from invoicing.invoices where id = any (%(ids)s) for update", self._some(rows))
        self._after(rounds, lambda: _end(session))

    def rename_table(self, rounds: int) -> None:
        """For a while the table has another name, unless somebody holds it."""
        if self._carried_out(RENAME):
            self._after(rounds, self._rename_back)

    def _rename_back(self) -> None:
        if not self._carried_out(RENAME_BACK):
            self._after(1, self._rename_back)

    def _carried_out(self, statements: str) -> bool:
        session = self._session()
        try:
            session.cursor().execute(statements)
            session.commit()
        except psycopg2.Error:
            return False
        finally:
            session.close()
        return True

    def refuse_write_backs(self, rows: int, rounds: int | None, *, how: str = "now") -> None:
        """The company's trigger resists on some rows for a while, or (None) for ever."""
        ids = sorted(self._lane.company.entries)[-rows:] if rounds == self.usual_rounds else self._some(rows)
        self._lane.database.rows(REFUSE, {"ids": ids, "how": how})
        if rounds is None:
            self._lane.company.refused.update(ids)
        else:
            self._after(rounds, lambda: self._allow(ids))

    usual_rounds = 4

    def _allow(self, ids: list[int]) -> None:
        self._lane.database.rows("delete from torture.refusals where invoice_id = any (%(ids)s)", {"ids": ids})

    def _hold(self, statement: str, ids: list[int]) -> Any:
        """A session that has done something and does not end."""
        session = self._session()
        with suppress(psycopg2.Error):  # somebody else holds a row
            session.cursor().execute(statement, {"ids": ids})
        return session

    def save_id(self, rows: int, deposit_id: str | None) -> None:
        self._lane.company.save_id(self._some(rows), deposit_id)

    def person(self, operation: str, **arguments: Any) -> None:
        """Somebody uses the command line, on an invoice drawn here or on an account."""
        if self._lane.company.entries:
            (key,) = self._some(1)
            self.crashes += not persons.acts(self._lane, self._place, key, operation, arguments, self._dice)

    def by_hand(self, rows: int, known: bool) -> None:
        """Somebody uploads the very documents of rows on the platform's own pages."""
        for key in self._some(rows):
            entry = self._lane.company.entries[key]
            if (
                not entry.resubmitted and entry.order.kind != "scanned"
            ):  # its document is another by now, or refused by any way
                self._lane.company.upload(entry, known=known)

    # what AWS does

    def shake_queue(self, lose: float, double: float) -> None:
        """Messages get lost, come twice, and come in another order."""
        for queue_url in self._lane.queue_urls[: self._schedule.stacks]:
            self._shake(queue_url, lose, double)

    def _shake(self, queue_url: str, lose: float, double: float) -> None:
        bodies: list[str] = []
        queue: dict[str, Any] = {"QueueUrl": queue_url}
        while found := self._lane.sqs.receive_message(**queue, MaxNumberOfMessages=10).get("Messages", []):
            bodies += [message["Body"] for message in found]
            for message in found:
                self._lane.sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
        bodies = [body for body in bodies if self._dice.random() >= lose]
        bodies += [body for body in bodies if self._dice.random() < double]
        self._dice.shuffle(bodies)
        self._send(bodies, queue_url)

    def echo(self) -> None:
        """A message for everything that ever was, due or not."""
        (ids,) = self._lane.database.row(ALL_IDS)
        for queue_url in self._lane.queue_urls[: self._schedule.stacks]:
            self._send([json.dumps({"submission_id": each}) for each in ids], queue_url)

    def _send(self, bodies: list[str], queue_url: str) -> None:
        self._lane.fed += len(bodies)
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies[start : start + 10])]
            self._lane.sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)

    def spoil_secret(self, rounds: int, text: str) -> None:
        self._lane.put_secret("default", text)
        self._after(rounds, lambda: self._lane.put_platform_secret(self._secret))

    def refuse_aws(self, rounds: int, service: str, code: str) -> None:
        """A policy, a key, a quota or a typo in a deploy: nothing of a service can be used for a while."""
        self._lane.refusing.refuse(service, code)
        self._after(rounds, lambda: self._lane.refusing.refuse(service, None))

    _secret = FIRST_SECRET

    def rotate_secret(self, revoke: bool) -> None:
        """The platform takes a new secret only; Secrets Manager has it since then."""
        self._secret = f"s3cret-rotated-{self._round}"
        self._lane.sites[0].simulator.rotate_secret(self._secret)
        self._lane.put_platform_secret(self._secret)
        if revoke:
            self._lane.sites[0].simulator.revoke_tokens()

    # what the platform, the database and the machine do

    def outage(self, seconds: float, fault: str, endpoints: Sequence[str] = ()) -> None:
        self._site.simulator.outage(seconds, fault, endpoints)

    def refuse_late(self, offset_seconds: float) -> None:
        """The platform refuses what it had taken, and dates it as it likes."""
        followed = self._lane.database.rows(FOLLOWED)
        if followed:
            row = self._dice.choice(followed)
            self._lane.simulator_of(row.account).add_status(
                row.platform_id, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM", at_offset=offset_seconds
            )
            self._lane.company.entries[int(row.invoice_id)].refused_late = True

    def webhook(self) -> None:
        """Somebody adds one: from now on it takes the statuses, and no pull is shown any."""
        self._site.simulator.configure(mode="PUSH")

    def throw(self, rounds: int, switches: Mapping[str, Any], back: Mapping[str, Any]) -> None:
        """For a while the platform is another one."""
        simulator = self._site.simulator
        simulator.configure(**switches)
        self._after(rounds, lambda: simulator.configure(**back))

    def crowd(self, invoices: int, age_seconds: float) -> None:
        """Another software of the client's deposits many invoices at one instant."""
        other = {"account": self._site.simulator.client_id, "age_seconds": age_seconds, "statuses": ["MADE_AVAILABLE"]}
        crowd = [{"number": f"{CROWD}{self._round}-{rank}", **other} for rank in range(invoices)]
        self._site.simulator.add_foreign_invoices(crowd)

    def refuse_statuses(self, rows: int, rounds: int | None) -> None:
        """Postgres takes no status of some deposits for a while, or (None) for ever."""
        ids = self._some(rows)
        self._lane.database.rows(STATUSES_REFUSED, {"ids": [str(each) for each in ids]})
        if rounds is None:
            self._lane.company.unwritable.update(ids)
        else:
            self._after(rounds, lambda: self._lane.database.rows("delete from torture.statuses_refused"))

    def fail_requests(self, endpoint: str, faults: Sequence[str]) -> None:
        self._site.simulator.script_endpoint(endpoint, faults)

    def revoke_tokens(self) -> None:
        self._site.simulator.revoke_tokens()

    def refuse_connections(self, rounds: int) -> None:
        self._site.simulator.refuse_connections()
        self._after(rounds, self._site.simulator.accept_connections)

    def crash_postgres(self) -> None:
        self._ends, open_sessions = [], self._ends
        self._lane.crash_postgres()
        for _, end in open_sessions:
            end()  # what was not committed is lost with the crash

    def skew(self, seconds: float) -> None:
        """The database's clock jumps, the workers' and the platform's do not."""
        self._lane.clock.skew = seconds
        self._lane.clock.set_database(self._lane.database)

    def lie(self, seconds: float, fault: str) -> None:
        """For a while nothing fails, and what is shown is not so."""
        self._site.simulator.outage(seconds, fault, self._site.wire.lied_to)

    def sever(self, nth: int) -> None:
        """A statement is carried out, and its answer lost with the connection."""
        self._lane.severed.lose(nth)

    def blow(self) -> None:
        """SIGKILL somebody who is at work, at any instant."""
        time.sleep(self._dice.uniform(0, LATEST_BLOW_SECONDS))
        busy = [member for member in self._crew.members if member.busy]
        if busy:
            self._crew.kill(self._dice.choice(busy))


def _end(session: Any) -> bool:
    """Commit; whether that worked."""
    try:
        session.commit()
    except psycopg2.Error:
        return False  # the server went away, and the transaction with it
    finally:
        session.close()
    return True
