"""A published OpenAPI 3.0 file, and whether an answer has the shape that it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

from local.openapi.asked import Asked

JSON = "application/json"


def _is_an_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _is_a_day(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(datetime.fromisoformat(value)))


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(_is_an_instant)
FORMATS.checks("date", raises=ValueError)(_is_a_day)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an answer, or is not in the file; only the first is a failure."""

    wrong: bool
    text: str


@dataclass(frozen=True, slots=True)
class Specification:
    """`corrected` are names and keywords that the file itself has wrong, and how they are meant."""

    path: Path
    document: dict[str, Any]
    digest: str
    corrected: Mapping[str, str]

    @property
    def version(self) -> str:
        return f"{self.document['info']['title']} {self.document['info']['version']}".replace("\xa0", " ")

    def findings(self, method: str, template: str, status: int, kind: str, body: bytes) -> Iterator[Finding]:
        """What the file says against an answer to a request of this kind."""
        answers = self.document["paths"].get(template, {}).get(method.lower(), {}).get("responses")
        if answers is None:
            yield Finding(False, "not in this file")
            return
        answer = answers.get(str(status)) or answers.get("default")
        if answer is None:
            yield Finding(False, f"{status} is not in this file")
            return
        content = self._found(answer).get("content", {})
        if content and kind not in content:
            yield Finding(True, f"{kind} is not in this file for {status}")
        elif content and kind == JSON:
            yield from self._of_json(content[JSON].get("schema", {}), json.loads(body))

    def findings_of_request(self, asked: Asked, base: str) -> Iterator[Finding]:
        """What the file says against a request: all that it does not know is wrong, but for a route that another file may have."""
        operation = self._operation(asked.method, asked.path.removeprefix(base))
        if operation is None:
            yield Finding(False, "not in this file")
            return
        known = {
            each["name"]: each for each in map(self._found, operation.get("parameters", ())) if each["in"] == "query"
        }
        for name, given in asked.query.items():
            if name in known:
                yield from self._of_value(name, known[name].get("schema", {}), given)
            else:
                yield Finding(True, f"{name} is no parameter in this file")
        for name in (name for name, each in known.items() if each.get("required") and name not in asked.query):
            yield Finding(True, f"the parameter {name} is missing")
        content = self._found(operation.get("requestBody", {})).get("content", {})
        if asked.kind is not None and asked.kind not in content:
            yield Finding(True, f"a body of {asked.kind} is not in this file")
        elif asked.kind is not None:
            yield from self._of_body(content[asked.kind].get("schema", {}), asked)

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            if method.lower() in methods and re.fullmatch(pattern, path):
                found: Mapping[str, Any] = methods[method.lower()]
                return found
        return None

    def _of_value(self, name: str, schema: Mapping[str, Any], given: str) -> Iterator[Finding]:
        """A parameter is text; where a number is wanted, it must be one."""
        inner = self._found(schema)
        inner = self._found(inner["items"]) if inner.get("type") == "array" else inner
        value = int(given) if inner.get("type") in ("integer", "number") and given.lstrip("-").isdecimal() else given
        yield from (Finding(True, f"{name}: {each.text}") for each in self._of_json(inner, value))

    def _of_body(self, schema: Mapping[str, Any], asked: Asked) -> Iterator[Finding]:
        if asked.kind == JSON:
            yield from (replace(each, wrong=True) for each in self._of_json(schema, asked.body))
            return
        whole = self._found(schema)
        named = self._properties(whole)
        for name in (name for name in whole.get("required", ()) if name not in asked.body):
            yield Finding(True, f"the part {name} is missing")
        for name, value in asked.body.items():
            if name not in named:
                yield Finding(True, f"{name} is no part in this file")
            elif value is not None:
                yield from (replace(each, wrong=True) for each in self._of_json(named[name], json.loads(value)))

    def _of_json(self, schema: Mapping[str, Any], value: object) -> Iterator[Finding]:
        whole = {**schema, "components": self.document["components"]}
        for error in Draft4Validator(whole, format_checker=FORMATS).iter_errors(value):
            where = "/".join(str(step) for step in error.absolute_path) or "the whole"
            yield Finding(True, f"{where}: {error.message[:200]}")
        for name in sorted(set(self._unnamed(schema, value))):
            yield Finding(False, f"{name} is not in this file")

    def _unnamed(self, schema: Mapping[str, Any], value: object, above: str = "") -> Iterator[str]:
        """Keys of an answer that the file does not know: later than it, or misspelt by us."""
        schema = self._found(schema)
        if isinstance(value, list):
            for each in value:
                yield from self._unnamed(schema.get("items", {}), each, above)
        elif isinstance(value, dict) and (named := self._properties(schema)):
            for key, inner in value.items():
                if key in named:
                    yield from self._unnamed(named[key], inner, f"{above}{key}.")
                else:
                    yield f"{above}{key}"

    def _properties(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a schema and of all that it is made of."""
        parts = [self._properties(self._found(each)) for each in schema.get("allOf", ())]
        return {name: inner for part in (*parts, schema.get("properties", {})) for name, inner in part.items()}

    def _found(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            found: Any = self.document
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema


def read(path: Path, corrected: Mapping[str, str]) -> Specification:
    raw = path.read_bytes()
    return Specification(path, _plain(json.loads(raw), corrected), sha256(raw).hexdigest(), corrected)


def _plain(node: Any, corrected: Mapping[str, str]) -> Any:
    """As JSON Schema says it: `nullable` is one more type, and misspelt names are as they are meant."""
    if isinstance(node, list):
        return [_plain(each, corrected) for each in node]
    if not isinstance(node, dict):
        return node
    found = {corrected.get(key, key): _plain(value, corrected) for key, value in node.items()}
    if isinstance(found.get("required"), list):
        found["required"] = [corrected.get(name, name) for name in found["required"]]
    if found.pop("nullable", False) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        found.update({"enum": [*found["enum"], None]} if "enum" in found else {})
    return found
