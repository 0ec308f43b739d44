"""docs/try-on-your-database.md from top to bottom, typed by a program on a table of the field."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.sam import ROOT
from tests.documented import blocks

PAGE = "docs/try-on-your-database.md"


@pytest.mark.slow
@pytest.mark.e2e
def test_what_the_page_says_can_be_typed() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "local.first_hour", "--here"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "min  from the clone to the end" in said.stdout


def test_the_page_has_the_commands_that_are_typed() -> None:
    assert [each.language for each in blocks(excused=True) if each.page == PAGE and each.language in {"sh", "sql"}] == [
        "sh", "sql", "sh",
    ]  # fmt: skip
