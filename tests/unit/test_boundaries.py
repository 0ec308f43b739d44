"""Which parts of the code may know of which: what the layers of docs/architecture.md promise."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CODE = Path(__file__).parents[2] / "layers" / "core" / "python" / "facteur"
ADAPTERS = [each.name for each in (CODE / "platforms").iterdir() if (each / "__init__.py").exists()]
NAMED_AFTER = {
    "settings.py": 3,
    "platforms/registry.py": 4,
    "sql/schema/0001_schema.sql": 1,
}  # lines that carry a platform's name


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_only_the_registry_imports_an_adapter(adapter: str) -> None:
    package = f"facteur.platforms.{adapter}"

    importing = {
        str(path.relative_to(CODE))
        for path in CODE.rglob("*.py")
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }

    assert {each for each in importing if not each.startswith(f"platforms/{adapter}/")} == {"platforms/registry.py"}


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_nothing_else_is_explained_by_one_platform(adapter: str) -> None:
    """But settings that carry its name."""
    named = {
        str(path.relative_to(CODE)): count
        for path in CODE.rglob("*")
        if path.suffix in {".py", ".sql"} and f"platforms/{adapter}/" not in str(path)
        if (count := sum(adapter in line.lower() for line in path.read_text().splitlines()))
    }

    assert named == NAMED_AFTER


def test_decisions_know_of_no_outside() -> None:
    """Pure functions: no driver, no socket, no adapter."""
    outside = {
        "psycopg2",
        "boto3",
        "botocore",
        "requests",
        "socket",
        "facteur.postgres",
        "facteur.aws",
        "facteur.bootstrap",
    }

    for path in (CODE / "domain").glob("*.py"):
        assert not outside & {each for each in imported(path)}, path.name
