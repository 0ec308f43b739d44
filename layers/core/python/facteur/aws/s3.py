"""Objects in S3, as documents lie there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from facteur.errors import DocumentMissingError, Problem, StoreRefusedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MISSING_CODES = frozenset({"NoSuchKey", "404", "NotFound"})
UNUSABLE_CODES = frozenset({"KeyTooLongError", "InvalidURI"})


class Objects:
    """Objects of any bucket, or of those that one account owns."""

    def __init__(self, client: Callable[[], S3Client], bucket_owner: str | None = None) -> None:
        """`bucket_owner`: a bucket of this name that another account has made is not read."""
        self._client = client
        self._expected = {"ExpectedBucketOwner": bucket_owner} if bucket_owner else {}

    def open(self, bucket: str, key: str, block_bytes: int) -> tuple[int, Callable[[], Iterator[bytes]]] | None:
        """Its size, and a way to its bytes, which may raise the same; None: no bucket or object can have such a name.

        Raises:
            DocumentMissingError: nothing lies there.
            StoreRefusedError: S3 refused, or did not answer.
        """
        try:
            with _translated_errors():
                answer = self._client().get_object(Bucket=bucket, Key=key, **self._expected)  # type: ignore[arg-type]
        except _UnusableNameError:
            return None

        def blocks() -> Iterator[bytes]:
            with _translated_errors():
                yield from answer["Body"].iter_chunks(block_bytes)

        return answer["ContentLength"], blocks


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
