"""SQS: batches of ten, in parallel."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # SQS takes no more
THREADS = 8
# For all batches: their rows are locked meanwhile, and Postgres lets go of them after 60 seconds (pick_due).
SEND_SECONDS = 40.0
NO_ANSWER = "no_answer_in_time"


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

    def send(self, submission_ids: Sequence[int]) -> list[int]:
        """Those that SQS has accepted. An answer that comes a byte at a time is waited for no longer than the others: botocore begins its
        own time anew with each. A message that was taken without our knowing it is one too many, and harmless."""
        batches = [submission_ids[start : start + BATCH] for start in range(0, len(submission_ids), BATCH)]
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sqs")
        calls = {threads.submit(self._send, batch): batch for batch in batches}
        answered, _ = wait(calls, self._send_seconds)
        threads.shutdown(wait=False, cancel_futures=True)
        accepted = list[int]()
        for call, batch in calls.items():
            taken, refusal = call.result() if call in answered else ([], NO_ANSWER)
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
