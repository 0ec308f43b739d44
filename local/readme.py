"""Writes the tables of docs/ that follow from the code, settings, parameters and make targets: `make generate`; a test holds them equal."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields

from facteur.settings import Settings
from local.sam import ROOT, load_template

README, MAKEFILE = ROOT / "README.md", ROOT / "Makefile"
SETTINGS, DEVELOP = ROOT / "docs" / "settings.md", ROOT / "docs" / "develop.md"


def settings_table() -> list[str]:
    """A row per environment variable, in the order of the code."""
    return ["| Variable | Default | Meaning |", "|---|---|---|"] + [
        f"| `{field.name.upper()}` | {_shown(field.default)} | {field.metadata['about']} |"
        for field in fields(Settings)
        if "about" in field.metadata
    ]


def parameters_table() -> list[str]:
    """A row per parameter of the template that sets no setting of its own name, in the template's order."""
    settings = {field.name for field in fields(Settings)}
    alone = {
        name: each
        for name, each in load_template()["Parameters"].items()
        if re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() not in settings
    }
    return ["| Parameter | Default | Meaning |", "|---|---|---|"] + [
        f"| `{name}` | {_shown(each['Default'])} | {_plain(each['Description'])} |" for name, each in alone.items()
    ]


def targets_table() -> list[str]:
    """A row per make target that has a help text."""
    helped = re.findall(r"^([a-z-]+):.*?## (.*)$", MAKEFILE.read_text(), flags=re.MULTILINE)
    return ["| Command | What it does |", "|---|---|"] + [f"| `make {target}` | {about} |" for target, about in helped]


def written(text: str) -> str:
    """A page with its tables as they should be."""
    tables = {"settings": settings_table(), "parameters": parameters_table(), "targets": targets_table()}
    for mark, rows in tables.items():
        text = re.sub(rf"<!-- {mark} -->\n(\|.*\n)*", "\n".join([f"<!-- {mark} -->", *rows, ""]), text)
    return text


def _plain(text: str) -> str:
    """A description without its full stop, as the other tables have it, and with `<` as a page shows it."""
    return text.removesuffix(".").replace("<", "&lt;")


def _shown(default: object) -> str:
    if default in (None, MISSING, ""):
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
