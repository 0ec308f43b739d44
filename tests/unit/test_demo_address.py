"""A trial on a database whose address cannot be read: it is refused before anything is asked, and nothing of it is shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.sam import ROOT


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg2://jane:se-cret@db/company", "postgresql://jane:se/cret@db/company"]
)
def test_an_address_that_cannot_be_read_is_refused_without_being_shown(url: str) -> None:
    command = [sys.executable, "-m", "local.demo", "--database", url, "--yes"]

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (said.returncode, "nothing was done: the database's address " in said.stdout) == (2, True), said
    assert "cret" not in said.stdout + said.stderr
