"""Called by SQS: deposit what the messages name."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from facteur.container import recorded_run
from facteur.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    EnvironmentMismatchError,
    InvalidMessageError,
    StatementRefusedError,
)
from facteur.observability import PowertoolsJournal, observed, remaining_seconds
from facteur.submit_invoices.run import submit_alone, submit_invoices
from facteur.submit_invoices.services import Services
from facteur.submit_invoices.wiring import submit_services

# What one row may take before anything is claimed: a large document is opened twice, each time for as long as aws/s3.py waits.
ALONE_SECONDS = 80.0


@observed("submit_invoices")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> Any:
    """Only unreadable messages fail one by one; where the database is away, all of them come again.

    What comes again is worked last, and each alone: one row over which workers die stops no other.
    """
    check_event(event)
    together: list[int] = []
    again: dict[int, str] = {}  # submission id -> message id

    def read(record: Any) -> None:
        submission_id = submission_id_in(record.body)
        if int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)) > 1:
            again[submission_id] = record.message_id
        else:
            together.append(submission_id)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event=event, record_handler=read, processor=processor, context=None)
    for failure in response["batchItemFailures"]:
        journal.warning("message.unreadable", message_id=failure["itemIdentifier"])
    if together or again:
        with recorded_run("submit_invoices"):
            services = submit_services(journal, remaining_seconds(context))
            left = submit(together, list(again), services, lambda: remaining_seconds(context))
        if left:
            journal.warning("submissions.left", submission_ids=left[:10], submissions=len(left))
        response["batchItemFailures"] += [{"itemIdentifier": again[submission_id]} for submission_id in left]
    return response


def check_event(event: Any) -> None:
    """Raises InvalidMessageError for what no queue sends: nothing was read of it, nothing is lost."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(each, dict) and {"messageId", "body"} <= each.keys() for each in records
    ):
        raise InvalidMessageError(
            "submit_invoices is called by its queue and takes its events only, such as events/submit_invoices.one.json; to send "
            "an invoice again there is facteur retry"
        )


def submit(
    together: Sequence[int], again: Sequence[int], services: Services, remaining: Callable[[], float]
) -> list[int]:
    """Those that come for the first time in one batch, then each of the others; gives those that there was no time for.

    A row that is begun alone must be able to end: else the function's timeout, over a store that hangs, would look like its doing.

    Raises:
        DatabaseUnavailableError: the rest is not tried.
        ConfigurationError: where the failure before was one as well, it is no row's; the rest is not tried.
        Exception: the last of what they raised, once all have been worked.
    """
    steps: list[tuple[int | None, Callable[[Services, float], None]]] = []
    if together:
        steps.append((None, partial(submit_invoices, together)))
    steps += [(submission_id, partial(submit_alone, submission_id)) for submission_id in again]
    failure: Exception | None = None
    left: list[int] = []
    for alone, step in steps:
        if alone is not None and remaining() < ALONE_SECONDS:
            left.append(alone)
            continue
        try:
            step(services, remaining())
        except Exception as error:
            if _is_everybodys(error, failure):
                raise
            failure = error  # raised in the end, once the others have been worked
    if failure:
        raise failure
    return left


def _is_everybodys(error: Exception, before: Exception | None) -> bool:
    """Whether it concerns all rows. A wrong setting may be one row's, or an account's: not where the failure before was one as well."""
    if isinstance(error, DatabaseUnavailableError):
        return not isinstance(error, StatementRefusedError)
    wrong = [
        isinstance(each, ConfigurationError) and not isinstance(each, EnvironmentMismatchError)
        for each in (error, before)
    ]
    return all(wrong)


def submission_id_in(body: str) -> int:
    """The submission that a message names: `{"submission_id": 1}`. Raises InvalidMessageError."""
    try:
        submission_id = json.loads(body)["submission_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        submission_id = None
    if type(submission_id) is not int or not 0 < submission_id < 1 << 63:
        raise InvalidMessageError('a message must be {"submission_id": <number>}')
    return submission_id
