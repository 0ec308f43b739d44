"""Invoked by the command `facteur --stack …`, with IAM: what a person asks and nothing changes by, JSON in and out."""

from typing import Any

from facteur.observability import PowertoolsJournal, observed
from facteur.operate.dispatch import READ, invoked
from facteur.operate.wiring import operate_services


@observed("operate_read")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """What cannot be done is an answer, not a crash."""
    answer = invoked(event, context, READ, operate_services)
    journal.event("operation", operation=str(event.get("operation")), done="result" in answer)
    return answer
