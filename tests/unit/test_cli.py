"""The command facteur: everything that can be asked has a command, a help text, and a place in docs/; and it starts quickly."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer.main

from facteur.cli.main import app
from facteur.operate.dispatch import OPERATIONS
from local.sam import ROOT

COMMANDS = typer.main.get_group(app).commands
ASKED = re.compile(r"\bask\(\s*\"(\w+)\"([^)]*)")
SLOW = {"boto3", "botocore", "psycopg2", "requests"}
IMPORTED = """
import sys
from typer.testing import CliRunner
from facteur.cli.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_every_operation_has_a_command_and_every_command_asks_for_one_that_there_is() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "layers/core/python/facteur/cli").glob("*.py"))
    asked = {name for name, more in ASKED.findall(sources) if "function=" not in more}  # others are another function's

    assert [name for name in OPERATIONS if f'"{name}"' not in sources] == []
    assert asked <= set(OPERATIONS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_stands_in_the_page(name: str) -> None:
    page = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))

    assert len(COMMANDS[name].help or "") > 20
    assert re.search(rf"facteur {name}\b", page), f"no page tells of facteur {name}"


def test_asking_for_help_loads_no_driver() -> None:
    command = [sys.executable, "-c", IMPORTED]

    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert "facteur" in loaded
    assert not SLOW & set(loaded)
