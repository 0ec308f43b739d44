"""What relay_submissions is built of."""

from __future__ import annotations

import time

from facteur import container
from facteur.aws.sqs import SqsQueue
from facteur.domain.ports import Journal
from facteur.platforms.registry import PROVIDERS
from facteur.relay_submissions.run import RelayServices
from facteur.relay_submissions.store import PostgresRelay


def relay_services(journal: Journal, remaining_seconds: float = float("inf")) -> RelayServices:
    """Begins an invocation, which waits for nothing longer than the seconds that it has."""
    settings = container.settings()
    where = PROVIDERS[settings.pdp_provider].address_settings or ()
    queue_url, *addresses = settings.require("submissions_queue_url", *where[:1])
    environment = (settings.pdp_provider, addresses[0]) if addresses else None
    store = PostgresRelay(
        container.begun_database(time.monotonic() + remaining_seconds),
        requests_per_minute=settings.requests_per_minute, deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip

    def refused(code: str, messages: int) -> None:
        journal.warning("queue.unavailable", error_code=code, submissions=messages)

    queue = SqsQueue(lambda: container.aws("sqs"), queue_url, refused)
    return RelayServices(store, queue, journal, environment, settings.relay_watch_seconds)
