"""The version, which pyproject.toml alone decides, and the changelog's word whether it is released."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from local.sam import ROOT

UNRELEASED = "unreleased"
HEADING = re.compile(r"^## (\d+\.\d+\.\d+) - (unreleased|\d{4}-\d{2}-\d{2})$", re.MULTILINE)
# Lambda has no pyproject.toml, and CloudFormation compares two deploys by the template's: file, and what is before its copy.
COPIES = {
    "layers/core/python/facteur/__init__.py": r'\b__version__ = "',
    "template.yaml": r'\b(?:Semantic)?Version: "(?=\d+\.\d+\.\d+")',
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the changelog. `date` is None until it is released."""

    version: str
    date: str | None
    text: str


def current(root: Path = ROOT) -> str:
    """The version of this code."""
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def entries(changelog: str) -> list[Entry]:
    """The changelog's versions, the newest first."""
    found = list(HEADING.finditer(changelog))
    ends = [*(each.start() for each in found[1:]), len(changelog)]
    return [
        Entry(each[1], None if each[2] == UNRELEASED else each[2], changelog[each.end() : end].strip())
        for each, end in zip(found, ends, strict=True)
    ]


def dated(changelog: str, date: str) -> str:
    """The changelog with the date of the newest version, which is released from then on."""
    return changelog.replace(f" - {UNRELEASED}\n", f" - {date}\n", 1)


def written(text: str, before: str, version: str) -> str:
    """A file with its copies of the version."""
    return re.sub(f'({before})[^"]*"', lambda found: f'{found[1]}{version}"', text)


def main() -> None:
    for name, before in COPIES.items():
        path = ROOT / name
        path.write_text(written(path.read_text("utf-8"), before, current()), "utf-8")


if __name__ == "__main__":
    main()
