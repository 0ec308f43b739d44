"""Scheduled every minute: notes become submissions, due submissions go onto the queue."""

from typing import Any

from facteur.container import recorded_run
from facteur.observability import PowertoolsJournal, observed, remaining_seconds
from facteur.relay_submissions.run import relay_submissions
from facteur.relay_submissions.wiring import relay_services


@observed("relay_submissions")
def handler(event: Any, context: Any, journal: PowertoolsJournal) -> None:
    """The event says nothing; all that is due stands in Postgres."""
    with recorded_run("relay_submissions"):
        services = relay_services(journal, remaining_seconds(context))
        relay_submissions(services, remaining_seconds(context))
