"""`python -m local.drill.aws SERVICE OPERATION --option value …`: the words of the AWS CLI, where it is not installed.

Every operation of every service that boto3 knows; also --cli-input-json, --query and file://.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import StructureShape

from local.start import run_main


class UsageError(Exception):
    """It is no such command; the text says what is wrong with it."""


def main(words: Sequence[str] | None = None) -> int:
    try:
        answer = run(sys.argv[1:] if words is None else words)
    except (UsageError, BotoCoreError, ClientError, OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if answer:
        print(json.dumps(answer, indent=2, default=str))
    return 0


def run(words: Sequence[str]) -> Any:
    """What the operation answers.

    Raises:
        UsageError: there is no such service, operation or option.
        BotoCoreError, ClientError: it was refused.
    """
    if len(words) < 2:
        raise UsageError(__doc__ or "")
    service, operation, *options = words
    if service not in boto3.Session().get_available_services():
        raise UsageError(f"there is no service {service}")
    client = boto3.client(service)  # type: ignore[call-overload]
    name = operation.replace("-", "_")
    shape = next(
        (client.meta.service_model.operation_model(each).input_shape
         for each in client.meta.service_model.operation_names if xform_name(each) == name),
        None,
    )  # fmt: skip
    if shape is None:
        raise UsageError(f"{service} has no operation {operation}, or none with options")
    given = dict(_pairs(options))
    query = given.pop("query", None)
    written = json.loads(_text(given.pop("cli-input-json", "{}")))
    arguments = written | {_member(shape, option): _value(shape, option, text) for option, text in given.items()}
    answer = getattr(client, name)(**arguments)
    answer.pop("ResponseMetadata", None)
    return jmespath.search(query, answer) if query else answer


def _pairs(options: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at in range(0, len(options), 2):
        if not options[at].startswith("--") or at + 1 == len(options):
            raise UsageError(f"{options[at]}: options are --name value")
        yield options[at][2:], options[at + 1]


def _member(shape: StructureShape, option: str) -> str:
    for member in shape.members:
        if xform_name(member, "-") == option:
            return member
    raise UsageError(f"there is no option --{option}")


def _value(shape: StructureShape, option: str, text: str) -> Any:
    kind = shape.members[_member(shape, option)].type_name
    return _text(text) if kind == "string" else json.loads(_text(text))


def _text(value: str) -> str:
    return Path(value.removeprefix("file://")).read_text("utf-8").strip() if value.startswith("file://") else value


if __name__ == "__main__":
    run_main(main, asks_aws=True)
