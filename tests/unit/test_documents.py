"""What a reader copies from README.md, docs/, CONTRIBUTING.md and .github/ is run here or in test_documents_run.py, or says why not."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import typer
import yaml

from facteur.cli.main import app
from facteur.operate.doctor import run as doctor
from local.readme import MAKEFILE
from local.sam import ROOT
from tests.documented import OUTSIDE_OF_THE_SITE, PAGES, Block, blocks

RUN = {"sh", "sql", "python", "json"}
SHOWN = {"text", "mermaid"}  # what is printed, and what is drawn
MADE = [(block, words) for block in blocks("sh", excused=True) for words in block.commands() if words[0] == "make"]
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(), flags=re.MULTILINE))
VARIABLES = set(re.findall(r"(?:\$\((?:or \$\()?|^ifdef )([A-Z]+)\b", MAKEFILE.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("block", blocks(excused=True), ids=str)
def test_a_block_is_of_a_kind_that_is_run_or_says_why_it_is_not(block: Block) -> None:
    assert block.language in RUN | SHOWN, "name the language: sh, sql, python, json; text for what is printed"
    assert block.excuse is None or len(block.excuse) > 10


@pytest.mark.parametrize(("block", "words"), MADE, ids=str)
def test_what_is_made_is_a_target_with_the_variables_that_are_shown(block: Block, words: list[str]) -> None:
    _, target, *variables = words

    assert target in TARGETS, block
    assert {each.partition("=")[0] for each in variables} <= VARIABLES, block


COMMANDS = set(typer.main.get_group(app).commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_sentence_has_a_reader_type_is_a_target_or_a_command(page: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"`make ([a-z][a-z-]*)", prose)
    commands = re.findall(r"`facteur ([a-z][a-z-]*)", prose)

    assert set(targets) - TARGETS == set()
    assert set(commands) - COMMANDS == set()


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_a_target_with_its_variables_or_a_script(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    lines = [step["run"].split() for job in jobs for step in job["steps"] if "run" in step]

    assert lines
    for first, *rest in lines:
        assert first == "make" or os.access(ROOT / first, os.X_OK)
        assert first != "make" or rest[0] in TARGETS
        assert {each.partition("=")[0] for each in rest[1:]} <= VARIABLES


@pytest.mark.parametrize("page", OUTSIDE_OF_THE_SITE, ids=lambda page: page.name)
def test_every_link_of_a_page_that_the_site_does_not_have_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text())
    broken = [(file, anchor) for file, anchor in links if not _leads_somewhere(page.parent / file, anchor, page)]

    assert broken == []


def _leads_somewhere(target: Path, anchor: str, page: Path) -> bool:
    text = page if target == page.parent else target
    return text.exists() and (not anchor or anchor in _anchors(text.read_text()))


def _anchors(text: str) -> set[str]:
    """The headings' anchors, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


def test_the_table_of_doctors_checks_has_each_in_its_order() -> None:
    table = (ROOT / "docs" / "operate.md").read_text().partition("| Check |")[2].partition("\n\n")[0]
    shown = [name for row in re.findall(r"^\| ([a-z ,-]+) \|", table, flags=re.MULTILINE) for name in row.split(", ")]
    checks = (*doctor.FIRST, *doctor.DEEP, *doctor.OF_AN_ACCOUNT, *doctor.LAST)

    assert shown == [check.name for check in checks]


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PACKAGE = ROOT / "layers" / "core" / "python" / "facteur"
NAMED_FILES = sorted(set(re.findall(r"`([\w/*.]+(?:\.py|\.sql|\.yaml|\.toml|/))`", ARCHITECTURE + CONTRIBUTING)))


def test_the_architecture_has_every_table_of_the_schema() -> None:
    schema = (ROOT / "docs" / "schema.sql").read_text()
    remembered = ARCHITECTURE.split("| Table |")[1].split("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)`", remembered, flags=re.MULTILINE)) == set(
        re.findall(r"CREATE TABLE facteur\.(\w+)", schema)
    )


@pytest.mark.parametrize("name", NAMED_FILES)
def test_every_file_that_architecture_and_contributing_name_exists(name: str) -> None:
    assert any(PACKAGE.rglob(name)) or any(ROOT.glob(name))
