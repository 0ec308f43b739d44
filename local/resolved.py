"""The template's values as a stack named facteur has them, with an alarm topic and defaults for all else."""

from __future__ import annotations

import re
from typing import Any

from local.sam import load_template

TEMPLATE = load_template()
KNOWN = {
    "AWS::StackName": "facteur", "AWS::Region": "eu-west-3", "AWS::AccountId": "123456789012", "AWS::Partition": "aws",
    "AlarmTopicArn": "arn:aws:sns:eu-west-3:123456789012:alarms",
}  # fmt: skip


def resolved(value: Any) -> Any:
    """A property without any CloudFormation function left in it; conditions hold."""
    if isinstance(value, list):
        return [resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return _named(name)
        case {"Fn::Sub": [text, names]}:
            return _filled(text, resolved(names))
        case {"Fn::Sub": text}:
            return _filled(text, {})
        case {"Fn::GetAtt": path}:
            return ".".join(path)
        case {"Fn::If": [_, chosen, _]}:
            return resolved(chosen)
    return {key: resolved(each) for key, each in value.items()}


def _filled(text: str, names: dict[str, Any]) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(names.get(found[1]) or _named(found[1])), text)


def _named(name: str) -> Any:
    return KNOWN.get(name, TEMPLATE["Parameters"].get(name, {}).get("Default", name))
