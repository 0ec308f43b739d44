"""Called by SQS: deposit what the messages name."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from facteur.bootstrap import recorded_run, submit_services
from facteur.errors import InvalidMessageError
from facteur.observability import PowertoolsJournal, observed, remaining_seconds
from facteur.submit_invoices import submit_invoices


@observed("submit_invoices")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> Any:
    """Only unreadable messages fail one by one; where the database is away, all of them come again."""
    submission_ids = []

    def read(record: Any) -> None:
        submission_ids.append(submission_id_in(record.body))

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event=event, record_handler=read, processor=processor, context=None)
    for failure in response["batchItemFailures"]:
        journal.warning("message.unreadable", message_id=failure["itemIdentifier"])
    if submission_ids:
        with recorded_run("submit_invoices"):
            services = submit_services(journal, remaining_seconds(context))
            submit_invoices(submission_ids, services, remaining_seconds(context))
    return response


def submission_id_in(body: str) -> int:
    """The submission that a message names: `{"submission_id": 1}`. Raises InvalidMessageError."""
    try:
        submission_id = json.loads(body)["submission_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        submission_id = None
    if type(submission_id) is not int or not 0 < submission_id < 1 << 63:
        raise InvalidMessageError('a message must be {"submission_id": <number>}')
    return submission_id
