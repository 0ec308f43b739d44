"""The real template.yaml, deployed by boto3 alone to whatever AWS `Aws` names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.sam import ROOT, package, upload_template
from local.world.aws import Aws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef
from local.world.stack import Stack, create_bucket

DEPLOY_TIMEOUT_SECONDS = 300
POLL_SECONDS = 0.1

Progress = Callable[[str], None]


class StackFailedError(RuntimeError):
    """The stack is not as it was asked to be; the message names the resources that failed, and why."""


def deploy(
    aws: Aws,
    name: str,
    parameters: Mapping[str, object],
    *,
    root: Path = ROOT,
    dependencies: Path | None = None,
    progress: Progress = lambda _line: None,
) -> Stack:
    """Create the stack, or update it where it exists, and wait until it is done.

    Args:
        aws: where to deploy.
        name: the stack's name; two stacks of different names share nothing.
        parameters: the template's, by name. Those left out take their default, also on an update.
        root: the folder that holds template.yaml and what it packages.
        dependencies: the built dependency layer. Without one the layer is empty, which is right for ministack:
            its functions import from the environment that runs it, and would trip over wheels for Lambda.
        progress: called with every resource as it comes about.

    Raises:
        StackFailedError: with the reasons of the resources that failed. CloudFormation has rolled back.
    """
    parameters = {"AwsEndpointUrl": aws.endpoint_url or "", **parameters}
    values = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in parameters.items()}
    s3 = aws.session.client("s3", endpoint_url=aws.endpoint_url)
    bucket = create_bucket(aws, f"{name}-artifacts")
    url = upload_template(s3, bucket, package(s3, bucket, root, values, dependencies))
    client = aws.session.client("cloudformation", endpoint_url=aws.endpoint_url)
    if _status(client, name) == "ROLLBACK_COMPLETE":  # what a failed creation leaves behind can only be deleted
        _delete(client, name, progress)
    seen = {event["EventId"] for event in _events(client, name)}
    if _submit(client, name, url, values):
        _wait(client, name, seen, progress)
    return _describe(aws, client, name)


def change_parameters(aws: Aws, name: str, parameters: Mapping[str, str]) -> None:
    """Deploy the stack's own template again with some parameters changed.

    Raises:
        StackFailedError: with the reasons of the resources that failed.
    """
    client = aws.session.client("cloudformation", endpoint_url=aws.endpoint_url)
    deployed = client.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    values = {each["ParameterKey"]: each["ParameterValue"] for each in deployed} | dict(parameters)
    seen = {event["EventId"] for event in _events(client, name)}
    client.update_stack(
        StackName=name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    _wait(client, name, seen, lambda _line: None)


def delete(stack: Stack, progress: Progress = lambda _line: None) -> None:
    """Delete the stack and wait until it is gone. Its secrets and the database stay.

    Raises:
        StackFailedError: with the reasons of the resources that could not be deleted.
    """
    _delete(stack.aws.session.client("cloudformation", endpoint_url=stack.aws.endpoint_url), stack.name, progress)


def _submit(client: CloudFormationClient, name: str, template_url: str, parameters: Mapping[str, str]) -> bool:
    """Ask for the stack; false when it already is as asked."""
    call = client.update_stack if _status(client, name) else client.create_stack
    try:
        call(
            StackName=name,
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise StackFailedError(f"stack {name} was refused: {error}") from error
    return True


def _delete(client: CloudFormationClient, name: str, progress: Progress) -> None:
    seen = {event["EventId"] for event in _events(client, name)}
    client.delete_stack(StackName=name)
    _wait(client, name, seen, progress)


def _wait(client: CloudFormationClient, name: str, seen: set[str], progress: Progress) -> None:
    deadline = time.monotonic() + DEPLOY_TIMEOUT_SECONDS
    failures: list[str] = []
    while True:
        status = _status(client, name)
        for line in _new_lines(client, name, seen):
            progress(line)
            failures += [line] if line.partition(" ")[0].endswith("FAILED") else []
        if status in (None, "CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
            return
        if not status.endswith("IN_PROGRESS") or time.monotonic() > deadline:
            raise StackFailedError("\n".join([f"stack {name} ended as {status}", *failures]))
        time.sleep(POLL_SECONDS)


def _describe(aws: Aws, client: CloudFormationClient, name: str) -> Stack:
    outputs = client.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    resources = client.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        aws,
        name,
        {each["OutputKey"]: each["OutputValue"] for each in outputs},
        {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
    )


def _status(client: CloudFormationClient, name: str) -> str | None:
    try:
        return client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _new_lines(client: CloudFormationClient, name: str, seen: set[str]) -> list[str]:
    new = [event for event in _events(client, name) if event["EventId"] not in seen]
    seen.update(event["EventId"] for event in new)
    return [_line(event) for event in reversed(new)]


def _events(client: CloudFormationClient, name: str) -> Iterator[StackEventTypeDef]:
    try:
        for page in client.get_paginator("describe_stack_events").paginate(StackName=name):
            yield from page["StackEvents"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise


def _line(event: StackEventTypeDef) -> str:
    words = (event.get("ResourceStatus"), event.get("LogicalResourceId"), event.get("ResourceStatusReason"))
    return " ".join(word for word in words if word)
