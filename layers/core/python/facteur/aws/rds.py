"""The password of a database role that IAM authenticates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.signers import generate_db_auth_token

from facteur.aws.clients import client
from facteur.errors import ConfigurationError


def with_token(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same with a password that RDS accepts for a quarter of an hour, signed with this function's own rights for exactly
    this host, port and role. Nothing is asked: whether the right rds-db:connect is there, the connection shows.

    Raises:
        ConfigurationError: there are no credentials or no region to sign with.
    """
    host, port, user = parameters["host"], parameters["port"], parameters["user"]
    try:
        # signed as boto3's client of RDS would: that client alone takes 0.2 s of a cold start
        token = generate_db_auth_token(client("secretsmanager"), host, str(port), user)
    except BotoCoreError as exc:
        raise ConfigurationError(f"database: no IAM token could be signed for {user} ({type(exc).__name__})") from None
    return {**parameters, "password": token}
