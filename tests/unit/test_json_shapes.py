"""Each key that one side writes is read by the other, and no other: a typo on either side would be a value that silently is null."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.json_shapes import INNER, READ, RETURNED, WRITTEN, Shape

CODE = Path(__file__).parents[2] / "layers" / "core" / "python" / "facteur"
SQL = "\n".join(
    re.sub(r"--[^\n]*", "", path.read_text()) for path in sorted((CODE / "sql" / "functions").glob("*.sql"))
)
TYPED = {"move", "seen", "event"}  # which SQL reads as records, with types
OF_OTHERS = {"event": {"number"}}  # of `shown`, whose elements are called e as well
RECORD = r"jsonb_to_record(?:set)?\([^)]*\)\s+as {}\(([^)]*)\)"


def keys_in_python(shape: Shape) -> set[str]:
    return {key for module, name in shape.in_python for key in _keys(module, name)}


def _keys(module: str, name: str) -> Iterator[str]:
    """Text in the place of a key, in a dictionary or a subscript; or a tuple of names."""
    if name.isupper():
        yield from getattr(importlib.import_module(f"facteur.{module}"), name)
    tree = ast.parse((CODE / f"{module.replace('.', '/')}.py").read_text())
    for node in ast.walk(tree):
        named = isinstance(node, ast.FunctionDef) and node.name == name
        for part in ast.walk(node) if named else ():
            keys = part.keys if isinstance(part, ast.Dict) else [part.slice] if isinstance(part, ast.Subscript) else []
            yield from (key.value for key in keys if key and _is_text(key))  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def keys_in_sql(shape: Shape) -> set[str]:
    """What SQL takes out of the variables."""
    names = "|".join(shape.in_sql)
    taken = set(re.findall(rf"\(?\b(?:{names})\)? (?:->>?|\?) '(\w+)'", SQL))
    return taken | {name for columns in records(shape) for name in columns}


def records(shape: Shape) -> list[dict[str, str]]:
    """The records that it is read as: columns with their types."""
    found = [columns for alias in shape.in_sql for columns in re.findall(RECORD.format(alias), SQL)]
    return [
        dict(re.fullmatch(r"(\w+) (.+)", column.strip()).groups() for column in columns.split(","))  # type: ignore[union-attr, misc]
        for columns in found
    ]


@pytest.mark.parametrize("name", WRITTEN)
def test_python_writes_the_shape(name: str) -> None:
    shape = WRITTEN[name]

    assert keys_in_python(shape) - INNER.get(name, set()) == set(shape.keys)


@pytest.mark.parametrize("name", WRITTEN)
def test_sql_reads_the_shape(name: str) -> None:
    shape = WRITTEN[name]

    assert keys_in_sql(shape) - INNER.get(name, set()) - OF_OTHERS.get(name, set()) | RETURNED.get(name, set()) == set(
        shape.keys
    )


@pytest.mark.parametrize("name", sorted(TYPED))
def test_sql_reads_its_values_as_the_types_that_they_have(name: str) -> None:
    shape, found = WRITTEN[name], records(WRITTEN[name])

    assert found
    for columns in found:
        assert {key: shape.keys[key] for key in columns} == columns


@pytest.mark.parametrize("name", READ)
def test_what_sql_builds_is_what_python_reads(name: str) -> None:
    shape = READ[name]
    (function,) = shape.in_sql
    body = re.search(rf"function facteur\.{function}\(.*?\$\$(.*?)\$\$", SQL, re.DOTALL)

    assert body
    assert set(re.findall(r"'(\w+)',", body[1])) - {"unknown"} == set(shape.keys)
    assert keys_in_python(shape) == set(shape.keys)
