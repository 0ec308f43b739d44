"""What no contract of imports sees: a platform's name in text (pyproject.toml has the contracts, `make lint` holds them)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CODE = Path(__file__).parents[2] / "layers" / "core" / "python" / "facteur"
ADAPTERS = [each.name for each in (CODE / "platforms").iterdir() if (each / "__init__.py").exists()]
NAMED_AFTER: dict[str, dict[str, int]] = {  # lines that carry a platform's name
    "iopole": {"settings.py": 3, "platforms/registry.py": 4, "sql/schema/0001_schema.sql": 1},
    "superpdp": {"platforms/registry.py": 4, "platforms/afnor/secret.py": 4},  # it has a door of the norm as well
    "afnor": {"platforms/registry.py": 4},
}


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_nothing_else_is_explained_by_one_platform(adapter: str) -> None:
    """But settings that carry its name."""
    named = {
        str(path.relative_to(CODE)): count
        for path in CODE.rglob("*")
        if path.suffix in {".py", ".sql"} and f"platforms/{adapter}/" not in str(path)
        if (count := sum(adapter in line.lower() for line in path.read_text().splitlines()))
    }

    assert named == NAMED_AFTER[adapter]


def test_a_contract_protects_every_adapter() -> None:
    contracts = tomllib.loads((CODE.parents[3] / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (registry,) = (each for each in contracts if each.get("allowed_importers") == ["facteur.platforms.registry"])

    assert sorted(registry["protected_modules"]) == sorted(f"facteur.platforms.{each}" for each in ADAPTERS)


def test_what_runs_locally_knows_nothing_of_tests() -> None:
    local = CODE.parents[3] / "local"

    assert [
        path.name
        for path in local.rglob("*.py")
        if re.search(r"^\s*(from|import) (tests|pytest)\b", path.read_text(), re.M)
    ] == []
