"""Where the database is and who connects, from a secret in RDS's shape: with a password, or with IAM in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from facteur.errors import ConfigurationError

RDS_CA_BUNDLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "rds-global-bundle.pem")
ENCRYPTED = ("require", "verify-ca", "verify-full")
SSLMODES = ("disable", "allow", "prefer", *ENCRYPTED)


def database_parameters(secret: Mapping[str, Any], secret_id: str, in_lambda: bool) -> dict[str, Any]:
    """libpq's parameters, but for the password of a role that IAM authenticates: each connection needs a new one.

    Raises:
        ConfigurationError: names every missing or malformed key.
    """
    wrong = _malformed(secret)
    sslmode = secret.get("sslmode") or ("verify-full" if in_lambda or secret.get("iam") else "prefer")
    if not wrong and secret.get("iam") and sslmode not in ENCRYPTED:
        wrong = ["sslmode (IAM needs TLS)"]
    if wrong:
        raise ConfigurationError(f"database secret {secret_id}: missing or malformed {', '.join(wrong)}")
    parameters = {
        "host": secret["host"], "port": int(secret.get("port") or 5432), "dbname": secret.get("dbname") or "postgres",
        "user": secret["username"], "sslmode": sslmode,
    }  # fmt: skip
    if not secret.get("iam"):
        parameters["password"] = secret["password"]
    if sslmode.startswith("verify-"):
        parameters["sslrootcert"] = secret.get("sslrootcert") or RDS_CA_BUNDLE
    return parameters


def _malformed(secret: Mapping[str, Any]) -> list[str]:
    wrong = [name for name in ("host", "username") if not isinstance(secret.get(name), str) or not secret[name]]
    if secret.get("iam"):
        wrong += [] if secret["iam"] is True else ["iam (must be true)"]
        wrong += ["password (not with iam)"] if secret.get("password") else []
    elif not isinstance(secret.get("password"), str):  # empty: the server trusts or asks .pgpass
        wrong += ["password"]
    wrong += [] if str(secret.get("port") or 5432).isdigit() else ["port"]
    wrong += [name for name in ("dbname", "sslrootcert") if not isinstance(secret.get(name), str | None)]
    wrong += (
        [] if secret.get("sslmode") in (None, "", *SSLMODES) else [f"sslmode (must be one of {', '.join(SSLMODES)})"]
    )
    return wrong
