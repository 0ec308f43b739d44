"""SQS: batches of ten, in parallel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from facteur.aws.in_time import NO_ANSWER, all_in_time

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # SQS takes no more
THREADS = 8
# For all batches: their rows are locked meanwhile, and Postgres lets go of them after 60 seconds (pick_due).
SEND_SECONDS = 40.0


class SqsQueue:
    """The port Queue."""

    def __init__(
        self,
        client: Callable[[], SQSClient],
        queue_url: str,
        refused: Callable[[str, int], None],
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        """`refused(code, messages)` is called with batches that SQS did not take, or not in time."""
        self._client, self._url, self._refused, self._send_seconds = client, queue_url, refused, send_seconds

    def send(self, submission_ids: Sequence[int], until: float) -> list[int]:
        """Those that SQS has accepted. A message that was taken without our knowing it is one too many, and harmless."""
        batches = [submission_ids[start : start + BATCH] for start in range(0, len(submission_ids), BATCH)]
        until = min(until, time.monotonic() + self._send_seconds)
        answers = all_in_time([partial(self._send, batch) for batch in batches], until, THREADS)
        accepted = list[int]()
        for answer, batch in zip(answers, batches, strict=True):
            taken, refusal = answer.result() if answer.done() else ([], NO_ANSWER)
            accepted += taken
            if refusal:
                self._refused(refusal, len(batch))
        return accepted

    def _send(self, batch: Sequence[int]) -> tuple[list[int], str | None]:
        """Those that were accepted, and why all were refused."""
        entries = [{"Id": str(i), "MessageBody": json.dumps({"submission_id": i})} for i in batch]
        try:
            answer = self._client().send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        except ClientError as exc:
            return [], str(exc.response.get("Error", {}).get("Code"))
        except BotoCoreError as exc:
            return [], type(exc).__name__
        return [int(entry["Id"]) for entry in answer.get("Successful", [])], None
