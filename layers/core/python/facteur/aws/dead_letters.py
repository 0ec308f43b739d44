"""The dead-letter queue, found by the queue that fills it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from facteur.errors import QueueUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # SQS gives no more
SHOWN_SECONDS = 5
HIDDEN_SECONDS = 60  # from a second person who moves them at the same time
# Where messages are moved by hand: a place that knows no move tasks (the emulator), a role without the right to begin one, a
# queue that cannot be moved; also AWS's word while such a task is already under way.
WITHOUT_MOVE_TASKS = frozenset(
    {
        "InvalidAction",
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "AccessDenied",
        "AccessDeniedException",
    }
)


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


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in the dead-letter queue: the submission that it names (None: none), when it was sent and how often received."""

    submission_id: int | None
    sent_at: datetime | None
    receives: int


class SqsDeadLetters:
    """The dead-letter queue. Every method raises QueueUnavailableError."""

    def __init__(self, client: Callable[[], SQSClient], queue_url: str) -> None:
        """`queue_url` is the submissions queue's."""
        self._client, self._queue_url = client, queue_url

    def count(self) -> int:
        """Messages in it, about."""
        with translated_errors():
            answer = self._client().get_queue_attributes(
                QueueUrl=self._dead_url(), AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def shown(self, limit: int) -> list[DeadLetter]:
        """So many of them at most; none is taken away. Each is hidden for a moment, so that the next call gives others."""
        found: dict[str, DeadLetter] = {}
        with translated_errors():
            url = self._dead_url()
            while len(found) < limit:
                messages = self._client().receive_message(
                    QueueUrl=url, MaxNumberOfMessages=BATCH, VisibilityTimeout=SHOWN_SECONDS, AttributeNames=["All"]
                ).get("Messages", [])  # fmt: skip
                if not {each["MessageId"] for each in messages} - set(found):
                    break
                found |= {each["MessageId"]: _letter(each) for each in messages}
        return list(found.values())[:limit]

    def redrive(self) -> int:
        """Back onto the queue they came from; how many, about where SQS moves them itself."""
        with translated_errors():
            count = self.count()
            try:
                self._client().start_message_move_task(SourceArn=self._dead_arn())
            except ClientError as exc:
                if exc.response.get("Error", {}).get("Code") not in WITHOUT_MOVE_TASKS:
                    raise
                return self._moved_by_hand()
            return count

    def _moved_by_hand(self) -> int:
        """Received, sent, deleted: whoever dies in between leaves a message twice, which changes nothing."""
        dead_url, moved = self._dead_url(), 0
        while (
            messages := self._client()
            .receive_message(QueueUrl=dead_url, MaxNumberOfMessages=BATCH, VisibilityTimeout=HIDDEN_SECONDS)
            .get("Messages")
        ):
            for message in messages:
                self._client().send_message(QueueUrl=self._queue_url, MessageBody=message["Body"])
                self._client().delete_message(QueueUrl=dead_url, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
        return moved

    def _dead_arn(self) -> str:
        answer = self._client().get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["RedrivePolicy"])
        policy = answer.get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            raise QueueUnavailableError("the submissions queue has no dead-letter queue")
        return str(json.loads(policy)["deadLetterTargetArn"])

    def _dead_url(self) -> str:
        return self._client().get_queue_url(QueueName=self._dead_arn().rpartition(":")[2])["QueueUrl"]


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    """What a message says of itself; of its body only the submission that it names."""
    attributes = message.get("Attributes", {})
    try:
        named = json.loads(message["Body"])["submission_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        named = None
    sent = attributes.get("SentTimestamp")
    return DeadLetter(
        named if type(named) is int and 0 < named < 1 << 63 else None,
        datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
        int(attributes.get("ApproximateReceiveCount", 1)) - 1,
    )
