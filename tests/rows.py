"""Invoices and submissions in a database, without a platform or a queue: what tests of the SQL itself need."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from facteur.domain.ports import NotesTaken
from facteur.domain.submission import Waiting
from facteur.postgres.database import Database
from facteur.relay_submissions.store import PostgresRelay
from facteur.submit_invoices.store import PostgresSubmissions

DEADLINE_SECONDS = 20
FINISH = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, document_uri, status)
values ('F-' || nextval('invoicing.invoices_id_seq'), '732829320', '2026-09-01', 120, 's3://bucket/f.pdf', 'final') returning id::text as id
"""
CLAIM = "select * from facteur.claim(%(items)s::jsonb, 60, 60000, true)"
DISCONNECT = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""
NOW = """
create or replace function facteur.now() returns timestamptz language sql stable parallel safe
as 'select pg_catalog.now() + interval ''{} seconds'''
"""


@dataclass
class Rows:
    """A database with levers. Time moves only by `advance`."""

    url: str
    database: Database
    opened: list[Database] = field(default_factory=list)
    shift: float = 0.0

    @property
    def relay(self) -> PostgresRelay:
        return self.store()

    def store(self, *, per_minute: float = 6000, deposits_enabled: bool = True) -> PostgresRelay:
        return PostgresRelay(self.database, requests_per_minute=per_minute, deposits_enabled=deposits_enabled)

    @property
    def submissions(self) -> PostgresSubmissions:
        return PostgresSubmissions(self.database, lease_seconds=60, requests_per_minute=60000, deposits_enabled=True)

    def session(self) -> Database:
        """Another connection, as another process would have."""
        self.opened.append(Database(lambda: {"dsn": self.url}))
        return self.opened[-1]

    def close(self) -> None:
        for connection in (self.database, *self.opened):
            connection.close()

    def run(self, statement: str, **parameters: Any) -> list[Any]:
        return self.database.rows(statement, parameters or None)

    def value(self, statement: str, **parameters: Any) -> Any:
        return self.run(statement, **parameters)[0][0]

    def finish(self) -> str:
        """An application finishes an invoice; its key."""
        return str(self.value(FINISH))

    def update(self, invoice_id: str, **columns: Any) -> None:
        assignments = ", ".join(f"{name} = %({name})s" for name in columns)
        self.run(f"update invoicing.invoices set {assignments} where id = %(id)s", id=invoice_id, **columns)

    def invoice(self, invoice_id: str) -> Any:
        """The company's row."""
        return self.run("select * from invoicing.invoices where id = %(id)s", id=invoice_id)[0]

    def notes(self) -> list[list[str]]:
        """The keys in each note, sorted within."""
        return [sorted(row.invoice_ids) for row in self.run("select invoice_ids from facteur.changes order by id")]

    def look(self) -> NotesTaken:
        """Take every due note."""
        total = NotesTaken(0, 0, 0, 0)
        while (taken := self.relay.take_notes(20)).notes:
            total = NotesTaken(
                total.notes + taken.notes,
                total.opened + taken.opened,
                total.repeated + taken.repeated,
                total.broken + taken.broken,
                total.mismatched + taken.mismatched,
                not_shown=total.not_shown + taken.not_shown,
            )
        return total

    def states(self, invoice_id: str) -> list[str]:
        """The states of all submissions of an invoice, oldest first."""
        statement = "select state from facteur.submissions where invoice_id = %(id)s order by id"
        return [row.state for row in self.run(statement, id=invoice_id)]

    def submission(self, invoice_id: str) -> Any:
        """The latest submission of an invoice."""
        statement = "select * from facteur.submissions where invoice_id = %(id)s order by id desc limit 1"
        return self.run(statement, id=invoice_id)[0]

    def noted_invoices(self) -> list[str]:
        """The invoices that have a submission."""
        return [row.invoice_id for row in self.run("select invoice_id from facteur.submissions order by invoice_id")]

    def write_back(self) -> tuple[int, int]:
        """What the relay does for refused write-backs that are due."""
        return self.relay.repeat_write_backs(100)

    def noted(self) -> str:
        """An invoice that is finished and has its submission; its key."""
        invoice = self.finish()
        self.look()
        return invoice

    def queued(self, invoice_id: str) -> Waiting:
        """What a worker reads of the invoice once its message has arrived."""
        submission = self.submission(invoice_id)
        self.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
        (waiting,) = self.submissions.read([submission.id])
        return waiting

    def claim(self, invoice_id: str) -> Any:
        """Queue and claim the invoice's submission, as submit_invoices does."""
        submission = self.submission(invoice_id)
        self.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
        item = {"id": submission.id, "tries": submission.tries}
        if submission.state == "pending":
            sha256 = hashlib.sha256(invoice_id.encode()).hexdigest()
            item |= {
                "sha256": sha256,
                "invoice_number": submission.invoice_number,
                "seller_siren": submission.seller_siren,
            }
        return self.run(CLAIM, items=json.dumps([item]))[0]

    def claim_items(self, items: list[dict[str, Any]]) -> list[Any]:
        """What the claim says to each, also where it is refused."""
        return self.run(CLAIM, items=json.dumps(items))

    def record(self, invoice_id: str, claim: Any, state: str, attempt: str | None = None, **move: Any) -> str:
        """Record a call's outcome; `attempt` is what becomes of the attempt that the claim opened."""
        outcome: dict[str, Any] = {"submission_id": claim.submission_id, "account": "default"}
        outcome |= {"lease_token": claim.lease_token, "move": {"state": state, **move}}
        if attempt:
            outcome["attempt"] = {"id": claim.attempt_id, "outcome": attempt, "platform_id": move.get("platform_id")}
        return str(self.value("select facteur.record(%(outcome)s::jsonb)", outcome=json.dumps(outcome)))

    def reach(self, invoice_id: str, state: str) -> None:
        """Bring the invoice's pending submission into a state, by the way a real one takes."""
        if state == "pending":
            return
        claim = self.claim(invoice_id)
        if state in ("submitted", "closed"):
            self.record(
                invoice_id, claim, "submitted", "accepted", platform_id=f"P-{claim.submission_id}", due_in_seconds=60
            )
        if state == "closed":
            update = {"submission_id": claim.submission_id, "platform_id": f"P-{claim.submission_id}"}
            update |= {"events": [], "newest": {}, "move": {"state": "closed"}}
            self.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update))
        if state == "rejected":
            self.record(invoice_id, claim, "rejected", "rejected", error_code="HTTP_400", error_message="no")
        if state in ("in_doubt", "failed"):
            self.record(invoice_id, claim, "in_doubt", "unknown", error_code="timeout", error_message="no answer")
        if state == "failed":
            self.record(invoice_id, self.claim(invoice_id), "failed", error_code="conflict", error_message="differs")

    def advance(self, seconds: float) -> None:
        """Move the database's clock."""
        self.shift += seconds
        self.run(NOW.format(self.shift))

    @contextmanager
    def in_background(self, work: Callable[[], Any]) -> Iterator[Future[Any]]:
        """Do work beside the test, which is joined on the way out; a test that fails leaves nobody waiting for its locks."""
        with ThreadPoolExecutor(1) as thread:
            try:
                yield thread.submit(work)
            except BaseException:
                self.session().rows(DISCONNECT)
                raise

    def wait_for_blocked(self, sessions: int = 1) -> None:
        """Return once that many connections wait for a lock."""
        observer = self.session()
        waiting = (
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + DEADLINE_SECONDS
        while observer.rows(waiting)[0][0] < sessions:
            assert time.monotonic() < deadline, "nobody waits for a lock"
