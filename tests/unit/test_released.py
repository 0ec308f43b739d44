"""What a release froze stays as it was, and the version is the same wherever it stands."""

from __future__ import annotations

import re

import pytest

import facteur
from local.release.frozen import archives, code, packed, unpacked
from local.release.version import COPIES, current, dated, entries, written
from local.sam import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
ENTRIES = entries(CHANGELOG)
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


def _unreleased(version: str) -> bool:
    return any(each.version == version and each.date is None for each in ENTRIES)
