"""What poll_statuses is built of."""

from __future__ import annotations

import time

from facteur import container
from facteur.domain.ports import Journal
from facteur.errors import ConfigurationError
from facteur.platforms.port import NO_SEARCH
from facteur.platforms.registry import PROVIDERS
from facteur.poll_statuses.feed_store import PostgresFeeds
from facteur.poll_statuses.pull_store import PostgresPulls
from facteur.poll_statuses.run import AUTO
from facteur.poll_statuses.services import FEED, PollServices
from facteur.poll_statuses.store import PostgresStatuses
from facteur.settings import Settings


def poll_services(journal: Journal, remaining_seconds: float = float("inf")) -> PollServices:
    """Begins an invocation, whose calls of the platform and of AWS end within the seconds that it has."""
    stop_at = time.monotonic() + remaining_seconds
    settings, database = container.settings(), container.begun_database(stop_at)
    _check_source(settings)
    platforms = container.platforms()
    platforms.begin_invocation(stop_at)
    store = PostgresStatuses(
        database, requests_per_minute=settings.requests_per_minute,
        history_requests_per_minute=settings.history_requests_per_minute,
        paging=PROVIDERS[settings.pdp_provider].capabilities.search or NO_SEARCH,
    )  # fmt: skip
    return PollServices(
        store, PostgresPulls(database), PostgresFeeds(database, _with_feed()), platforms, journal, container.waiting_limits(),
        settings.connect_timeout_seconds + settings.read_timeout_seconds, settings.status_source,
        60 / settings.requests_per_minute, 60 / settings.history_requests_per_minute, time.sleep,
    )  # fmt: skip


def _check_source(settings: Settings) -> None:
    offered = (AUTO, *PROVIDERS[settings.pdp_provider].capabilities.statuses)
    if settings.status_source not in offered:
        words = f"STATUS_SOURCE={settings.status_source}: {settings.pdp_provider} offers {' and '.join(offered)}"
        raise ConfigurationError(words)


def _with_feed() -> list[str]:
    """The kinds of platform that have a feed."""
    return [name for name, provider in PROVIDERS.items() if FEED in provider.capabilities.statuses]
