"""A deployed stack: what its functions do there, and the secrets and buckets beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.config import Config

from local.world.aws import Aws

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

LONGEST_FUNCTION_SECONDS = 330
ERROR_LINE = re.compile(
    r'"level": ?"(ERROR|CRITICAL)"|^\[(ERROR|CRITICAL)\]|Task timed out|Runtime exited|^[\w.]*(Error|Exception): '
)


class FunctionFailedError(RuntimeError):
    """A function that was invoked by hand failed; the message is its error document. Its log says more."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: its outputs, and the physical id of every resource by its logical one; where an emulator writes its own log."""

    aws: Aws
    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    emulator_log: Path | None = None

    def invoke(self, function: str, event: object = None) -> Any:
        """Call the function with this logical id, wait, and return what it returned.

        Raises:
            FunctionFailedError: it raised, ran out of time, or could not be imported.
        """
        answer = _lambda_client(self.aws).invoke(FunctionName=self.resources[function], Payload=json.dumps(event or {}))
        document = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise FunctionFailedError(f"{function}: {document}")
        return json.loads(document or "null")

    def functions(self) -> list[str]:
        """The logical ids of the stack's functions."""
        return [name for name in self.resources if name.endswith("Function")]

    def log_lines(self, function: str) -> list[str]:
        """Everything that the function with this logical id has logged, oldest first."""
        group = self.resources[f"{function.removesuffix('Function')}LogGroup"]
        pages = _logs_client(self.aws).get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]

    def logged_errors(self) -> list[str]:
        """Every line of every function's log that is of an error, as `function: line`."""
        logs = {function: self.log_lines(function) for function in self.functions()}
        return [f"{name}: {line}" for name, lines in logs.items() for line in lines if ERROR_LINE.search(line)]


def put_secret(aws: Aws, name: str, value: Mapping[str, object] | str) -> None:
    """Create the secret, or give it a new value where it exists; a mapping is written as JSON."""
    client = _secrets_client(aws)
    document = value if isinstance(value, str) else json.dumps(value)
    try:
        client.create_secret(Name=name, SecretString=document)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=document)


def database_secret(url: str) -> dict[str, object]:
    """The database secret for a server on this machine, in RDS's shape."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "dbname": parts.path.removeprefix("/"),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "sslmode": "disable",
    }


def create_bucket(aws: Aws, name: str) -> str:
    """Create the bucket where it does not exist yet, and return its name."""
    client = aws.session.client("s3", endpoint_url=aws.endpoint_url)
    try:
        if aws.region == "us-east-1":  # the one region that must not be named
            client.create_bucket(Bucket=name)
        else:
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})  # type: ignore[typeddict-item]
    except client.exceptions.BucketAlreadyOwnedByYou:
        return name
    return name


@cache
def _lambda_client(aws: Aws) -> LambdaClient:
    # A call lasts as long as its function, and a repeated one would run the function twice.
    patient = Config(read_timeout=LONGEST_FUNCTION_SECONDS, retries={"total_max_attempts": 1})
    return aws.session.client("lambda", endpoint_url=aws.endpoint_url, config=patient)


@cache
def _secrets_client(aws: Aws) -> SecretsManagerClient:
    return aws.session.client("secretsmanager", endpoint_url=aws.endpoint_url)


@cache
def _logs_client(aws: Aws) -> CloudWatchLogsClient:
    return aws.session.client("logs", endpoint_url=aws.endpoint_url)
