"""Scheduled every minute: ask the platform what happened to deposits whose status is due."""

from typing import Any

from facteur.container import recorded_run
from facteur.observability import PowertoolsJournal, observed, remaining_seconds
from facteur.poll_statuses.run import poll_statuses
from facteur.poll_statuses.wiring import poll_services


@observed("poll_statuses")
def handler(event: Any, context: Any, journal: PowertoolsJournal) -> dict[str, int]:
    """The event says nothing; all that is due stands in Postgres."""
    with recorded_run("poll_statuses"):
        services = poll_services(journal, remaining_seconds(context))
        return {"reads": poll_statuses(services, remaining_seconds(context))}
