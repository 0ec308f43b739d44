"""What the README says is what the code does."""

from __future__ import annotations

import re

import pytest

from facteur.domain.submission import State
from facteur.operate.waiting import SENTENCES
from local.readme import DEVELOP, MAKEFILE, README, SETTINGS, settings_table, targets_table, written
from local.sam import ROOT

TEXT = README.read_text()
STATES = (ROOT / "docs" / "states.md").read_text()


MOST_WORDS, MOST_LINES = 1200, 120


def test_the_door_is_short() -> None:
    assert len(TEXT.split()) <= MOST_WORDS
    assert len(TEXT.splitlines()) <= MOST_LINES


def test_every_setting_and_every_make_target_is_in_its_table() -> None:
    for page in (SETTINGS, DEVELOP):
        assert written(page.read_text()) == page.read_text(), "run make generate"
    assert len(settings_table()) > 15
    assert len(targets_table()) > 8


def test_every_state_is_drawn_and_explained() -> None:
    states = STATES.split("## Reasons")[0]
    drawn = set(re.findall(r"^    (\w+) -->|--> (\w+)", states, flags=re.MULTILINE))
    explained = set(re.findall(r"^\| `(\w+)` \|", states, flags=re.MULTILINE))

    assert {state for pair in drawn for state in pair if state} >= set(State)
    assert explained == set(State)


def test_every_reason_to_wait_is_explained_and_leads_to_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = {
        re.sub(r"[^a-z0-9 ]", "", each.lower()).replace(" ", "-")
        for each in re.findall(r"^## (.*)$", runbook, flags=re.MULTILINE)
    }
    explained = dict(
        re.findall(
            r"^\| `(\w+)` \|.*\(runbook\.md#([a-z0-9-]+)\) \|$", STATES.split("## Reasons")[1], flags=re.MULTILINE
        )
    )

    assert set(explained) == set(SENTENCES)
    assert set(explained.values()) <= sections


@pytest.mark.parametrize("linked", re.findall(r"\]\(((?!http)[^)#]+)\)", TEXT))
def test_every_file_that_the_readme_links_to_exists(linked: str) -> None:
    assert (README.parent / linked).exists()


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", TEXT))

    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), flags=re.MULTILINE))
