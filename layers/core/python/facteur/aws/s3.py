"""Objects in S3, as documents lie there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from facteur.aws.in_time import NO_ANSWER, Answer, in_time
from facteur.errors import DocumentMissingError, DocumentUnavailableError, Problem, StoreRefusedError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

OBJECT_SECONDS = 40.0  # for all of it: deposits under way are recorded only afterwards, and their leases go on
MISSING_CODES = frozenset({"NoSuchKey", "404", "NotFound"})
UNUSABLE_CODES = frozenset({"KeyTooLongError", "InvalidURI"})
NO_TIME_LEFT = Problem("no_time_left", "not read: the function had no time left")


class Objects:
    """Objects of any bucket, or of those that one account owns."""

    def __init__(
        self,
        client: Callable[[], S3Client],
        bucket_owner: str | None = None,
        stop_at: float = float("inf"),
        object_seconds: float = OBJECT_SECONDS,
    ) -> None:
        """`bucket_owner`: a bucket of this name that another account has made is not read. Nothing is after `stop_at` (monotonic)."""
        self._client, self._stop_at, self._object_seconds = client, stop_at, object_seconds
        self._expected = {"ExpectedBucketOwner": bucket_owner} if bucket_owner else {}

    def open(self, bucket: str, key: str, block_bytes: int) -> tuple[int, Callable[[], Iterator[bytes]]] | None:
        """Its size, and a way to its bytes, which may raise the same; None: no bucket or object can have such a name.

        Raises:
            DocumentMissingError: nothing lies there.
            StoreRefusedError: S3 refused, or did not answer in time.
            DocumentUnavailableError: the function had no time left.
        """
        until = min(self._stop_at, time.monotonic() + self._object_seconds)

        def begin() -> tuple[int, StreamingBody, Iterator[bytes], bytes]:
            answer = self._client().get_object(Bucket=bucket, Key=key, **self._expected)  # type: ignore[arg-type]
            chunks = answer["Body"].iter_chunks(block_bytes)
            return answer["ContentLength"], answer["Body"], chunks, next(chunks, b"")

        try:
            size, body, chunks, first = self._in_time(begin, until)
        except _UnusableNameError:
            return None

        def blocks() -> Iterator[bytes]:
            block, left = first, size
            try:
                while block:
                    yield block
                    left -= len(block)
                    block = self._in_time(partial(next, chunks, b""), until) if left > 0 else b""
            except GeneratorExit:  # only between two blocks: one that is still being read closes nothing
                body.close()
                raise

        return size, blocks

    def _in_time(self, call: Callable[[], Answer], until: float) -> Answer:
        try:
            with _translated_errors():
                return in_time(call, until)
        except TimeoutError:
            if time.monotonic() >= self._stop_at:
                raise DocumentUnavailableError(NO_TIME_LEFT) from None
            raise StoreRefusedError(NO_ANSWER) from None


class _UnusableNameError(Exception):
    """Of a bucket or an object."""


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except ParamValidationError:
        raise _UnusableNameError from None
    except ClientError as exc:
        code = str(exc.response.get("Error", {}).get("Code"))
        if code in UNUSABLE_CODES:
            raise _UnusableNameError from None
        if code in MISSING_CODES:
            raise DocumentMissingError(Problem("document_missing", "nothing lies at document_uri yet")) from None
        raise StoreRefusedError(code) from None
    except BotoCoreError as exc:
        raise StoreRefusedError(type(exc).__name__) from None
