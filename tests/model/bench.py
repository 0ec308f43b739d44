"""The product's own functions, with what a worker of the model has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from facteur.domain.decision import Limits
from facteur.platforms.port import NO_SEARCH
from facteur.poll_statuses.feed_store import PostgresFeeds
from facteur.poll_statuses.pull_store import PostgresPulls
from facteur.poll_statuses.run import poll_statuses
from facteur.poll_statuses.services import PollServices
from facteur.poll_statuses.store import PostgresStatuses
from facteur.postgres.database import Database
from facteur.submit_invoices.services import Services
from facteur.submit_invoices.store import PostgresSubmissions
from functions.submit_invoices.app import submit
from tests.model.calls import Before
from tests.model.platform import MemoryPlatform
from tests.model.ports import AwayError, MemoryDocuments, Notebook, OneConnection, account_platforms
from tests.model.worker import AtOnce, Run

LEASE_SECONDS = 150.0
ANSWER_SECONDS = 35.0
LIMITS = Limits(resend_after_seconds=600, give_up_after_seconds=7200, follow_up_seconds=34560000)
PER_MINUTE = 60000.0  # more than anybody asks for


@dataclass(eq=False)
class Message:
    """What the queue carries. `came`: a worker has had it before."""

    submission_id: int
    came: bool = False


@dataclass(frozen=True)
class Bench:
    """What workers share, and the runs that they may make of it. A run that Postgres left is over."""

    database: Database
    platform: MemoryPlatform
    max_in_flight: int

    def submit(self, messages: Sequence[Message]) -> Run:
        """What submit_invoices does with messages, those that come for the first time together."""
        together = [each.submission_id for each in messages if not each.came]
        again = [each.submission_id for each in messages if each.came]
        for each in messages:
            each.came = True

        def run(before: Before) -> None:
            with suppress(AwayError):
                submit(together, again, self._submit_services(before), lambda: float("inf"))

        return run

    def poll(self) -> Run:
        """What poll_statuses does with the source `history`."""

        def run(before: Before) -> None:
            with suppress(AwayError):
                poll_statuses(self._poll_services(before))

        return run

    def _submit_services(self, before: Before) -> Services:
        database = OneConnection(self.database, before)
        store = PostgresSubmissions(
            database, lease_seconds=LEASE_SECONDS, requests_per_minute=PER_MINUTE, deposits_enabled=True
        )
        return Services(
            store, account_platforms(self.platform, database, before), MemoryDocuments(before), Notebook(), LIMITS,
            self.max_in_flight, LEASE_SECONDS, ANSWER_SECONDS, lambda most: most, lambda _most, _name: AtOnce(),
            lambda: self.platform.clock().timestamp(),
        )  # fmt: skip

    def _poll_services(self, before: Before) -> PollServices:
        database = OneConnection(self.database, before)
        statuses = PostgresStatuses(
            database, requests_per_minute=PER_MINUTE, history_requests_per_minute=PER_MINUTE, paging=NO_SEARCH
        )
        return PollServices(
            statuses, PostgresPulls(database), PostgresFeeds(database, []), account_platforms(self.platform, database, before),
            Notebook(), LIMITS, ANSWER_SECONDS, "history", 60 / PER_MINUTE, 60 / PER_MINUTE, lambda _seconds: None,
        )  # fmt: skip
