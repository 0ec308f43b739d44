"""Answer CloudFormation, which waits for a custom resource until it is told or its timeout is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from facteur.errors import ConfigurationError, FacteurError

ANSWER_TIMEOUT_SECONDS = (5, 15)
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
    try:  # the URL is signed for a request without a content type
        response = requests.put(
            event["ResponseURL"], json=body, headers={"Content-Type": ""}, timeout=ANSWER_TIMEOUT_SECONDS
        )
        response.raise_for_status()
    except requests.RequestException as exc:  # its own text would show the signed URL
        raise ConfigurationError(
            f"CloudFormation could not be answered ({type(exc).__name__}) and waits until its timeout: "
            "a private network needs a route to S3 (README)"
        ) from None
