"""Prints the names that an operator's scripts, queries and deploys contain, by kind (docs/versions.md); tests/releases.py runs it."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import typer.main

from facteur import errors, operate
from facteur.cli.main import app
from facteur.domain.metrics import Metric
from facteur.operate.waiting import SENTENCES
from facteur.settings import Settings

LOGGED = re.compile(r'\.(?:event|warning|error)\(\s*"([a-z_.]+)"')


def options() -> Iterator[str]:
    for name, command in typer.main.get_group(app).commands.items():
        for parameter in command.params:
            yield from (f"{name} {option}" for option in (*parameter.opts, *parameter.secondary_opts))


def keys() -> Iterator[str]:
    modules = [
        each.name for each in pkgutil.walk_packages(operate.__path__, "facteur.operate.") if ".model" in each.name
    ]
    for module in map(importlib.import_module, modules):
        for kind in vars(module).values():
            if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                yield from (f"{kind.__name__}.{field.name}" for field in dataclasses.fields(kind))


def texts() -> Iterator[str]:
    for folder in (Path(errors.__file__).parent, Path("functions")):
        yield from (path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))


if __name__ == "__main__":
    found = {
        "commands": [*typer.main.get_group(app).commands],
        "options": [*options()],
        "keys of --json": [*keys()],
        "errors": [name for name in vars(errors) if name.endswith("Error")],
        "settings": [field.name.upper() for field in dataclasses.fields(Settings)],
        "metrics": [*map(str, Metric)],
        "reasons": [*SENTENCES],
        "log events": LOGGED.findall("".join(texts())),
    }
    print(json.dumps(found))
