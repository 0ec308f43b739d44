"""Scheduled every minute: notes become submissions, due submissions go onto the queue."""

from typing import Any

from facteur.bootstrap import recorded_run, relay_services
from facteur.observability import PowertoolsJournal, observed, remaining_seconds
from facteur.relay_submissions.run import relay_submissions


@observed("relay_submissions")
def handler(event: Any, context: Any, journal: PowertoolsJournal) -> None:
    """The event says nothing; all that is due stands in Postgres."""
    with recorded_run("relay_submissions"):
        relay_submissions(relay_services(journal), remaining_seconds(context))
