"""AWS clients, one of each per container. AWS_ENDPOINT_URL leads them to an emulator, as it does any SDK."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import boto3
from botocore.config import Config

# Short enough that a hanging service does not eat a function's time, with one retry layer: botocore's.
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=20, max_pool_connections=16
)
_lock = threading.Lock()


def client(service: str) -> Any:
    """The client of a service; threads may ask for it at once."""
    with _lock:
        return _client(service)


def forget_clients() -> None:
    """The next call of `client` reads the environment again."""
    _client.cache_clear()


@functools.cache
def _client(service: str) -> Any:
    # boto3 knows the first name only
    region = None if os.environ.get("AWS_DEFAULT_REGION") else os.environ.get("AWS_REGION")
    return boto3.client(service, config=CONFIG, region_name=region)  # type: ignore[call-overload]
