"""Invoked by the command `facteur --stack …`, with IAM: what a person does to the installation, JSON in and out."""

from typing import Any

from facteur.observability import PowertoolsJournal, observed
from facteur.operate.dispatch import ACT, invoked
from facteur.operate.wiring import operate_services


@observed("operate")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """What cannot be done is an answer, not a crash."""
    answer = invoked(event, context, ACT, operate_services)
    journal.event("operation", operation=str(event.get("operation")), done="result" in answer)
    return answer
