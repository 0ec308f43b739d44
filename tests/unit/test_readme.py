"""What the README says is what the code does."""

from __future__ import annotations

import re

import pytest

from facteur.domain.submission import State
from local.readme import MAKEFILE, README, settings_table, targets_table, written

TEXT = README.read_text()


def test_every_setting_and_every_make_target_is_in_its_table() -> None:
    assert written(TEXT) == TEXT, "run make generate"
    assert len(settings_table()) > 15
    assert len(targets_table()) > 8


def test_every_state_is_drawn_and_explained() -> None:
    drawn = set(re.findall(r"^    (\w+) -->|--> (\w+)", TEXT, flags=re.MULTILINE))
    explained = set(re.findall(r"^\| `(\w+)` \|", TEXT.split("## Deploy")[0], flags=re.MULTILINE))

    assert {state for pair in drawn for state in pair if state} >= set(State)
    assert explained == set(State)


@pytest.mark.parametrize("linked", re.findall(r"\]\(((?!http)[^)#]+)\)", TEXT))
def test_every_file_that_the_readme_links_to_exists(linked: str) -> None:
    assert (README.parent / linked).exists()


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", TEXT))

    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), flags=re.MULTILINE))
