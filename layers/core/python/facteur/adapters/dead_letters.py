"""The dead-letter queue, found by the queue that fills it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from facteur.errors import QueueUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@contextmanager
def translated_errors() -> Iterator[None]:
    """SQS's errors in our own words."""
    try:
        yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        raise QueueUnavailableError(f"SQS refused ({code}): check the queue's URL and the right to read it") from None
    except BotoCoreError as exc:
        raise QueueUnavailableError(f"SQS could not be asked ({type(exc).__name__})") from None


class SqsDeadLetters:
    """The port DeadLetters."""

    def __init__(self, client: Callable[[], SQSClient], queue_url: str) -> None:
        """`queue_url` is the submissions queue's."""
        self._client, self._queue_url = client, queue_url

    def count(self) -> int:
        with translated_errors():
            answer = self._client().get_queue_attributes(
                QueueUrl=self._dead_url(), AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def _dead_url(self) -> str:
        answer = self._client().get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["RedrivePolicy"])
        policy = answer.get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            raise QueueUnavailableError("the submissions queue has no dead-letter queue")
        name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        return self._client().get_queue_url(QueueName=name)["QueueUrl"]
