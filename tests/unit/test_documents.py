"""What a reader copies from README.md and docs/ is run here or in test_documents_run.py, or says why not."""

from __future__ import annotations

import json
import re

import pytest

from local.readme import MAKEFILE
from local.sam import ROOT
from tests.documented import Block, blocks

RUN = {"sh", "sql", "python", "json"}
SHOWN = {"text", "mermaid"}  # what is printed, and what is drawn
MADE = [(block, words) for block in blocks("sh", excused=True) for words in block.commands() if words[0] == "make"]
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), flags=re.MULTILINE))
VARIABLES = set(re.findall(r"\$\((?:or \$\()?([A-Z]+)\)", MAKEFILE.read_text()))


@pytest.mark.parametrize("block", blocks(excused=True), ids=str)
def test_a_block_is_of_a_kind_that_is_run_or_says_why_it_is_not(block: Block) -> None:
    assert block.language in RUN | SHOWN, "name the language: sh, sql, python, json; text for what is printed"
    assert block.excuse is None or len(block.excuse) > 10


@pytest.mark.parametrize(("block", "words"), MADE, ids=str)
def test_what_is_made_is_a_target_with_the_variables_that_are_shown(block: Block, words: list[str]) -> None:
    _, target, *variables = words

    assert target in TARGETS, block
    assert {each.partition("=")[0] for each in variables} <= VARIABLES, block


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGE = ROOT / "layers" / "core" / "python" / "facteur"
NAMED_FILES = sorted(set(re.findall(r"`([\w/*]+(?:\.py|\.sql|/))`", ARCHITECTURE)))


def test_the_architecture_has_every_table_of_the_schema() -> None:
    schema = (ROOT / "docs" / "schema.sql").read_text()
    remembered = ARCHITECTURE.split("| Table |")[1].split("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)`", remembered, flags=re.MULTILINE)) == set(
        re.findall(r"CREATE TABLE facteur\.(\w+)", schema)
    )


@pytest.mark.parametrize("name", NAMED_FILES)
def test_every_file_that_the_architecture_names_exists(name: str) -> None:
    assert any(PACKAGE.rglob(name)) or any(ROOT.glob(name))
