"""Secrets Manager: read on first use, kept for minutes, read again when a secret is refused."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from facteur.domain.visible import bare, unseen_in
from facteur.errors import FacteurError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_SECONDS = 300.0
RETRIED_SECONDS = 30.0  # after a failed read a kept secret serves on, and not every request waits for Secrets Manager
# The SDK's own debug lines quote what Secrets Manager answers and what is sent to S3; they never reach a log, at no level.
logging.getLogger("botocore").setLevel(logging.INFO)


class SecretUnreadableError(FacteurError):
    """A secret is missing, not readable, or not a JSON object. The text names the secret, never its content."""


class Secrets:
    """JSON secrets by name or ARN."""

    def __init__(self, client: Callable[[], SecretsManagerClient]) -> None:
        self._client = client
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def read(self, secret_id: str, *, fresh: bool = False) -> dict[str, Any]:
        """The secret's JSON object.

        Raises:
            SecretUnreadableError: where none could be read and none is kept; a kept one outlives an outage of Secrets Manager.
        """
        with self._lock:
            kept = self._kept.get(secret_id)
            if kept and not fresh and time.monotonic() - kept[0] < KEPT_SECONDS:
                return kept[1]
            try:
                value = self._fetch(secret_id)
            except SecretUnreadableError:
                if kept is None:
                    raise
                value = kept[1]
                self._kept[secret_id] = (time.monotonic() - KEPT_SECONDS + RETRIED_SECONDS, value)
                return value
            self._kept[secret_id] = (time.monotonic(), value)
            return value

    def _fetch(self, secret_id: str) -> dict[str, Any]:
        try:
            text = self._client().get_secret_value(SecretId=secret_id).get("SecretString")
        except ClientError as exc:
            code = str(exc.response.get("Error", {}).get("Code"))
            raise SecretUnreadableError(f"secret {secret_id} could not be read ({code})") from None
        except BotoCoreError as exc:
            raise SecretUnreadableError(f"secret {secret_id} could not be read ({type(exc).__name__})") from None
        return object_in(text, secret_id)


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
