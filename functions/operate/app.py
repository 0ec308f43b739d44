"""Invoked by the command `facteur --stack …`, with IAM: what a person asks of the installation, JSON in and out."""

from typing import Any

from facteur.bootstrap import operate_services
from facteur.errors import FacteurError
from facteur.observability import PowertoolsJournal, observed
from facteur.operate.dispatch import operate, refusal


@observed("operate")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """What cannot be done is an answer, not a crash."""
    try:
        answer = operate(event, operate_services())
    except FacteurError as error:  # a setting is wrong, say: whoever asks is who can mend it
        answer = refusal(error)
    journal.event("operation", operation=str(event.get("operation")), done="result" in answer)
    return answer
