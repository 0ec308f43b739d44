"""SQS: batches of ten, in parallel."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # SQS takes no more
THREADS = 8


class SqsQueue:
    """The port Queue."""

    def __init__(self, client: Callable[[], SQSClient], queue_url: str, refused: Callable[[str, int], None]) -> None:
        """`refused(code, messages)` is called with batches that SQS did not take."""
        self._client, self._url, self._refused = client, queue_url, refused

    def send(self, submission_ids: Sequence[int]) -> list[int]:
        batches = [submission_ids[start : start + BATCH] for start in range(0, len(submission_ids), BATCH)]
        if len(batches) == 1:
            return self._send(batches[0])
        with ThreadPoolExecutor(THREADS, thread_name_prefix="sqs") as threads:
            return [accepted for batch in threads.map(self._send, batches) for accepted in batch]

    def _send(self, batch: Sequence[int]) -> list[int]:
        entries = [{"Id": str(i), "MessageBody": json.dumps({"submission_id": i})} for i in batch]
        try:
            answer = self._client().send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        except ClientError as exc:
            self._refused(str(exc.response.get("Error", {}).get("Code")), len(batch))
            return []
        except BotoCoreError as exc:
            self._refused(type(exc).__name__, len(batch))
            return []
        return [int(entry["Id"]) for entry in answer.get("Successful", [])]
