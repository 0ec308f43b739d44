"""Answer CloudFormation, which waits for a custom resource until it is answered or its timeout is over."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from facteur.errors import ConfigurationError, FacteurError

ANSWER_TIMEOUT = urllib3.Timeout(connect=5, read=15)  # seconds
LONGEST_REASON = 1000  # the whole answer may have 4096 bytes


@contextmanager
def as_custom_resource(event: Mapping[str, Any], context: Any, remaining_seconds: float) -> Iterator[None]:
    """Answer SUCCESS after the block, FAILED with the reason if it raises, and FAILED before the function's own timeout.

    An invocation by hand has no ResponseURL: then the error escapes to whoever called.
    """
    if "ResponseURL" not in event:
        yield
        return
    once = threading.Lock()

    def answer_once(status: str, reason: str) -> None:
        if once.acquire(blocking=False):
            answer(event, context, status, reason)

    watchdog = threading.Timer(
        max(0.1, min(remaining_seconds, 3600.0)), answer_once, ["FAILED", "the migration ran out of time; see its log"]
    )
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    except Exception as error:
        text = str(error) if isinstance(error, FacteurError) else f"{type(error).__name__}; see its log"
        answer_once("FAILED", text[:LONGEST_REASON])
        raise
    else:
        answer_once("SUCCESS", "")
    finally:
        watchdog.cancel()


def answer(event: Mapping[str, Any], context: Any, status: str, reason: str) -> None:
    """PUT the answer to where CloudFormation waits; nothing where nobody does."""
    if "ResponseURL" not in event:
        return
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event.get("PhysicalResourceId") or "facteur-database",
        "StackId": event.get("StackId"),
        "RequestId": event.get("RequestId"),
        "LogicalResourceId": event.get("LogicalResourceId"),
    }
    try:
        refused = _put(event["ResponseURL"], body)
    except HTTPError as exc:  # its own text would show the signed URL
        refused = type(exc).__name__
    if refused:
        raise ConfigurationError(
            f"CloudFormation could not be answered ({refused}) and waits until its timeout: "
            "a private network needs a route to S3 (docs/private-network.md)"
        )


def _put(url: str, body: Mapping[str, Any]) -> str | None:
    """Why it was refused, or None. The URL is signed for a request without a content type."""
    headers = {"Content-Type": ""}
    answer = urllib3.request("PUT", url, body=json.dumps(body), headers=headers, timeout=ANSWER_TIMEOUT, retries=False)
    return f"HTTP {answer.status}" if answer.status >= HTTPStatus.BAD_REQUEST else None
