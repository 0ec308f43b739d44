"""Writes the tables of docs/ that follow from the code, settings and make targets: `make generate`; a test holds them equal."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

from facteur.settings import Settings

ROOT = Path(__file__).parents[1]
README, MAKEFILE = ROOT / "README.md", ROOT / "Makefile"
SETTINGS, DEVELOP = ROOT / "docs" / "settings.md", ROOT / "docs" / "develop.md"


def settings_table() -> list[str]:
    """A row per environment variable, in the order of the code."""
    return ["| Variable | Default | Meaning |", "|---|---|---|"] + [
        f"| `{field.name.upper()}` | {_shown(field.default)} | {field.metadata['about']} |"
        for field in fields(Settings)
        if "about" in field.metadata
    ]


def targets_table() -> list[str]:
    """A row per make target that has a help text."""
    helped = re.findall(r"^([a-z-]+):.*?## (.*)$", MAKEFILE.read_text(), flags=re.MULTILINE)
    return ["| Command | What it does |", "|---|---|"] + [f"| `make {target}` | {about} |" for target, about in helped]


def written(text: str) -> str:
    """A page with its tables as they should be."""
    for mark, rows in (("settings", settings_table()), ("targets", targets_table())):
        text = re.sub(rf"<!-- {mark} -->\n(\|.*\n)*", "\n".join([f"<!-- {mark} -->", *rows, ""]), text)
    return text


def _shown(default: object) -> str:
    if default is None or default is MISSING:
        return "–"
    value = (
        f"{default:g}"
        if isinstance(default, float)
        else str(default).lower()
        if isinstance(default, bool)
        else str(default)
    )
    return f"`{value}`"


if __name__ == "__main__":
    for page in (SETTINGS, DEVELOP):
        page.write_text(written(page.read_text()))
