"""What a reader copies from README.md and docs/ is run here or in test_documents_run.py, or says why not."""

from __future__ import annotations

import json
import re

import pytest

from local.readme import MAKEFILE
from tests.documented import Block, blocks

RUN = {"sh", "sql", "python", "json"}
SHOWN = {"text", "mermaid"}  # what is printed, and what is drawn
SHELL = blocks("sh")
BY_HAND = "curl "  # run as a whole, against the simulator
COMMANDS = [(block, words) for block in SHELL if BY_HAND not in block.text for words in block.commands()]
MODULES = {words[2] for _, words in COMMANDS if words[0].endswith("python") and words[1] == "-m"}
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("block", blocks(excused=True), ids=str)
def test_a_block_is_of_a_kind_that_is_run_or_says_why_it_is_not(block: Block) -> None:
    assert block.language in RUN | SHOWN, "name the language: sh, sql, python, json; text for what is printed"
    assert block.excuse is None or len(block.excuse) > 10


@pytest.mark.parametrize(("block", "words"), COMMANDS, ids=str)
def test_every_command_is_one_that_somebody_runs(block: Block, words: list[str]) -> None:
    known = (
        words[0] == "facteur" or (words[2:3] and words[2] in MODULES) or (words[0] == "make" and words[1] in TARGETS)
    )

    assert known, f"{block}: nothing runs {words[0]}; put <!-- not run: why --> right above the block"


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)
