"""What submit_invoices is built of."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

from facteur import container
from facteur.domain.ports import Journal
from facteur.submit_invoices.services import Services
from facteur.submit_invoices.store import PostgresSubmissions


def submit_services(journal: Journal, remaining_seconds: float = float("inf")) -> Services:
    """Begins an invocation, whose calls of the platform and of AWS end within the seconds that it has."""
    stop_at = time.monotonic() + remaining_seconds
    settings, database = container.settings(), container.begun_database(stop_at)
    platforms = container.platforms()
    platforms.begin_invocation(stop_at)
    store = PostgresSubmissions(
        database, lease_seconds=settings.lease_seconds, requests_per_minute=settings.requests_per_minute,
        deposits_enabled=settings.deposits_enabled,
    )  # fmt: skip
    return Services(
        store, platforms, container.documents(database, stop_at), journal, container.waiting_limits(), settings.max_in_flight,
        settings.lease_seconds, settings.connect_timeout_seconds + settings.read_timeout_seconds,
        lambda most: random.uniform(0, most), ThreadPoolExecutor, time.monotonic,  # noqa: S311
    )  # fmt: skip
