"""Secrets Manager: read on first use, kept for minutes, read again when a secret is refused."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from facteur.aws.in_time import NO_ANSWER, in_time
from facteur.domain.visible import bare, unseen_in
from facteur.errors import FacteurError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

READ_SECONDS = 24.0  # in all: the client of a cold start, each repetition, and an answer that drips
KEPT_SECONDS = 300.0
RETRIED_SECONDS = 30.0  # after a failed read a kept secret serves on, and not every request waits for Secrets Manager
# The SDK's own debug lines quote what Secrets Manager answers and what is sent to S3; they never reach a log, at no level.
logging.getLogger("botocore").setLevel(logging.INFO)


class SecretUnreadableError(FacteurError):
    """A secret is missing, not readable, or not a JSON object. The text names the secret, never its content."""


class Secrets:
    """JSON secrets by name or ARN."""

    def __init__(self, client: Callable[[], SecretsManagerClient], read_seconds: float = READ_SECONDS) -> None:
        self._client, self._read_seconds = client, read_seconds
        self._stop_at = float("inf")
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._keeping = threading.Lock()  # never while something is read: one slow answer would hold up all threads

    def begin_invocation(self, stop_at: float) -> None:
        """No read of this one goes on after `stop_at` (monotonic)."""
        self._stop_at = stop_at

    def read(self, secret_id: str, *, fresh: bool = False) -> dict[str, Any]:
        """The secret's JSON object.

        Raises:
            SecretUnreadableError: where none could be read in time and none is kept; a kept one outlives an outage of Secrets Manager.
        """
        began, kept = time.monotonic(), self._kept.get(secret_id)
        if kept and not fresh and began - kept[0] < KEPT_SECONDS:
            return kept[1]
        try:
            return self._newest(secret_id, began, self._fetch(secret_id))
        except SecretUnreadableError:
            if kept is None:
                raise
            return self._newest(secret_id, time.monotonic() - KEPT_SECONDS + RETRIED_SECONDS, kept[1])

    def _newest(self, secret_id: str, read_at: float, value: dict[str, Any]) -> dict[str, Any]:
        """Keep what was read, unless another thread has read it later."""
        read = (read_at, value)
        with self._keeping:
            self._kept[secret_id] = max(read, self._kept.get(secret_id, read), key=itemgetter(0))
            return self._kept[secret_id][1]

    def _fetch(self, secret_id: str) -> dict[str, Any]:
        until = min(self._stop_at, time.monotonic() + self._read_seconds)
        try:
            answer = in_time(lambda: self._client().get_secret_value(SecretId=secret_id), until)
        except ClientError as exc:
            why = str(exc.response.get("Error", {}).get("Code"))
        except BotoCoreError as exc:
            why = type(exc).__name__
        except TimeoutError:
            why = NO_ANSWER
        else:
            return object_in(answer.get("SecretString"), secret_id)
        raise SecretUnreadableError(f"secret {secret_id} could not be read ({why})")


def object_in(text: str | None, secret_id: str) -> dict[str, Any]:
    """The JSON object that a secret's text is.

    Raises:
        SecretUnreadableError: it is none, or holds what can stand in no header, no form and no database.
    """
    try:
        # editors put a byte order mark before what they save, and a page a blank after it
        value = json.loads(bare(text or ""))
        unsendable = "\\u0000" in json.dumps(value) or not json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        unsendable = True
    except (ValueError, RecursionError):
        value, unsendable = None, False
    if unsendable:
        raise SecretUnreadableError(f"secret {secret_id} holds a NUL or half of a surrogate pair: write it anew")
    if not isinstance(value, dict):
        unseen = unseen_in(text or "")
        why = f": it holds an invisible sign, {unseen}" if unseen else ""
        raise SecretUnreadableError(f"secret {secret_id} is not a JSON object{why}")
    if padded := [name for name, each in value.items() if isinstance(each, str) and _padded(name, each)]:
        raise SecretUnreadableError(
            f"secret {secret_id}: {', '.join(padded)} begins or ends with a blank, a line break or another invisible sign, as copied "
            "text does: write it without"
        )
    return value


def _padded(name: str, value: str) -> bool:
    """Whether signs that nobody sees stand around a value. A password may have blanks of its own."""
    return value != bare(value, blanks=name == "password")
